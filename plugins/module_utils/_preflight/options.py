# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the module preflight, and the requirements that they name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter

_NEEDS: dict[str, Any] = {
    "engine": {"type": "str", "choices": ["installed", "running"]},
    "libraries": {"type": "list", "elements": "str", "choices": ["pyroute2", "docker"], "default": []},
    "kinds": {"type": "list", "elements": "raw", "default": []},
    "modules": {"type": "list", "elements": "str", "default": []},
    "features": {"type": "list", "elements": "str", "choices": ["esp", "ipvs"], "default": []},
}
SPEC: dict[str, Any] = {
    "root": {"type": "bool", "default": True},
    "systemd": {"type": "bool", "default": False},
    **_NEEDS,
    "optional": {"type": "dict", "options": _NEEDS},
    "fail": {"type": "bool", "default": True},
}


class Requirement(NamedTuple):
    """A requirement: its kind, a name if there are several, and whether it is mandatory."""

    kind: str
    name: str = ""
    required: bool = True

    @property
    def key(self) -> str:
        """The key of the requirement in the result."""
        return f"{self.kind}:{self.name}" if self.name else self.kind


def parse_requirements(params: Mapping[str, Any]) -> list[Requirement]:
    """Return the requirements of the parameters without duplicates, mandatory ones first."""
    needs = [Requirement("python")]
    needs += [Requirement(kind) for kind in ("root", "systemd") if params[kind]]
    needs += _parse_list(params, "", required=True)
    if params["optional"]:
        needs += _parse_list(params["optional"], "optional.", required=False)
    found: dict[str, Requirement] = {}
    for need in needs:
        found.setdefault(need.key, need)
    return list(found.values())


def _parse_list(params: Mapping[str, Any], prefix: str, required: bool) -> list[Requirement]:
    needs = [Requirement("engine", params["engine"], required)] if params["engine"] else []
    needs += [Requirement("library", name, required) for name in params["libraries"]]
    kinds = [_parse_link_kind(f"{prefix}kinds[{place}]", value) for place, value in enumerate(params["kinds"])]
    features = [*params["features"], *(kind for kind in kinds if kind == "esp")]
    needs += [Requirement("kind", kind, required) for kind in kinds if kind and kind != "esp"]
    needs += [Requirement("module", name.replace("-", "_"), required) for name in params["modules"]]
    return needs + [Requirement("feature", name, required) for name in features]


def _parse_link_kind(parameter: str, value: Any) -> str:
    """Return the kind of a link; a link without one exists already and requires nothing."""
    kind = value.get("kind") if isinstance(value, Mapping) else value
    if kind is None and value is not None:
        return ""
    if not isinstance(kind, str) or not kind:
        raise BadParameter(parameter, f"must be a kind of link, or a link with a kind, not {value!r}")
    return kind
