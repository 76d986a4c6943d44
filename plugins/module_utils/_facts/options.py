# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that gather facts, and the boundary that converts errors to messages."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._facts import snapshot
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_reader import ReadLimits

KINDS = ("host", "container", "overlay", "load-balancer", "ingress", "named", "process", "unowned")

LIMITS = {
    "max_entries": {"type": "int", "default": 10000},
    "netns_timeout": {"type": "float", "default": 10},
    "timeout": {"type": "float", "default": 60},
    "docker_timeout": {"type": "float", "default": 15},
}
# A third of a year in seconds, which the kernel can represent, and more entries than fit into memory.
_MOST = 10_000_000
OPTIONS = {
    "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
    "labels": {"type": "list", "elements": "str", "default": []},
    **LIMITS,
}
NETWORK_MODE_OPTIONS = {
    "host": {"type": "list", "elements": "str", "default": []},
    "none": {"type": "list", "elements": "str", "default": []},
    "reuse": {"type": "bool", "default": False},
    **LIMITS,
}


def parse_subset(names: list[str]) -> frozenset[str]:
    """Return the subsets of Ansible's notation: all, min, names, and ``!`` to exclude."""
    for name in names:
        if name.removeprefix("!") not in ("all", "min", *snapshot.SUBSETS):
            known = ", ".join(("all", "min", *snapshot.SUBSETS))
            raise BadParameter(
                "gather_subset", f"unknown subset {name!r}; supported are {known}, each also with a leading !"
            )
    without = {name[1:] for name in names if name.startswith("!")}
    given = {name for name in names if not name.startswith("!")}
    # As in ansible.builtin.setup, exclusions alone apply to all.
    chosen = set(snapshot.SUBSETS) if "all" in given or (not given and "all" not in without) else given
    return frozenset(chosen - without - {"min"})


def parse_request(params: Mapping[str, Any]) -> snapshot.SnapshotRequest:
    """Return the request from the parameters; raise BadParameter."""
    for name in LIMITS:
        if not 0 < params[name] <= _MOST:
            raise BadParameter(name, f"must be more than 0 and at most {_MOST}, not {params[name]}")
    return snapshot.SnapshotRequest(
        subset=parse_subset(params.get("gather_subset", ["all"])),
        kinds=frozenset(params.get("kinds", ())),
        containers=frozenset(params.get("containers", ())),
        names=frozenset(params.get("names", ())),
        labels=tuple(params.get("labels", ())),
        docker_seconds=params["docker_timeout"],
        limits=ReadLimits(params["max_entries"], params["netns_timeout"], params["timeout"]),
    )


def pack_document(document: Mapping[str, Any]) -> str:
    """Return a document as a compressed string, which is the fastest to transfer and to parse on the control node."""
    text = json.dumps(document, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(text, compresslevel=1, mtime=0)).decode("ascii")


def run_module(module: AnsibleModule, result: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Exit with the result of the parameters; fail without the capabilities to read every namespace."""

    def work() -> dict[str, Any]:
        capabilities.require_capabilities(capabilities.TO_READ)
        return dict(result(module.params))

    # The rows are already escaped; escaping them again would change them.
    exit_with_result(module, work, is_printable=True)
