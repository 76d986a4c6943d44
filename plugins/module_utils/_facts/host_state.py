# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Missing requirements and the state of the host's namespace, gathered in one call for the roles."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._preflight import check

_LINKS = Path("/sys/class/net")
# Parts of a snapshot that the planners of the roles use. Copying all of it would slow down every later task.
_KEPT = {
    "interfaces": ("name", "kind", "up", "mtu", "master"),
    "addresses": ("interface", "address", "family", "scope", "flags"),
    "routes": ("dst", "interface", "table", "family", "metric"),
    "sockets": ("protocol", "port"),
}
_KEPT_OF_DOCKER = {
    "networks": ("id", "name", "driver", "config_only", "ipam", "options"),
    "swarm_nodes": ("id", "hostname", "role", "state", "availability", "reachability", "address", "manager_address"),
}


def gather(needs: Mapping[str, Any]) -> dict[str, Any]:
    """Return missing requirements as ``checked``, and if no required one is missing, the state of the host.

    The state is ``packed``, ``cards`` and ``containers``. ``needs`` has the keys ``required`` and ``optional``, such as
    ``kind:bridge``, ``subset``, ``cards`` and ``containers``.
    """
    optional = build_preflight_params(key for key in needs["optional"] if key not in needs["required"])
    checked = check.build_result(
        {**build_preflight_params(needs["required"]), "root": True, "optional": optional, "fail": True}
    )
    found: dict[str, Any] = {"changed": False, "checked": checked, "packed": None, "cards": {}, "containers": {}}
    if checked.get("failed"):
        return found
    if needs["subset"]:
        # Imported here, because the files require Python 3.9: an older version is reported as missing.
        from ansible_collections.netfleet.docker.plugins.module_utils._facts import network_modes, options, snapshot

        wanted = snapshot.SnapshotRequest(subset=frozenset(needs["subset"]), kinds=frozenset(("host",)))
        document = snapshot.collect_snapshot(wanted)
        found["packed"] = options.pack_document(reduce_snapshot(document))
        if needs["containers"] and document.get("docker"):
            found["containers"] = network_modes.read_containers(document)
    if needs["cards"]:
        found["cards"] = read_cards()
    return found


def build_preflight_params(keys: Iterable[str]) -> dict[str, Any]:
    """Return requirements as parameters of the module preflight."""
    found: dict[str, Any] = {"engine": None, "systemd": False}
    lists = {"library": "libraries", "kind": "kinds", "module": "modules", "feature": "features"}
    found.update({name: [] for name in lists.values()})
    for key in keys:
        kind, _colon, name = key.partition(":")
        if kind in lists:
            found[lists[kind]].append(name)
        else:
            found[kind] = name or True
    return found


def reduce_snapshot(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a snapshot that the planners of the roles use, without duplicate rows."""
    found: dict[str, Any] = {
        "host": {"hostname": document["host"]["hostname"]},
        "namespaces": [{"kind": one["kind"], **_reduce_rows(one, _KEPT)} for one in document["namespaces"]],
    }
    docker = document.get("docker")
    if docker:
        found["docker"] = {"engine": docker.get("engine"), **_reduce_rows(docker, _KEPT_OF_DOCKER)}
    return found


def _reduce_rows(rows: Mapping[str, Any], kept: Mapping[str, tuple[str, ...]]) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for part, keys in kept.items():
        if part in rows:
            reduced = ({key: row.get(key) for key in keys} for row in rows[part] or ())
            found[part] = list({repr(row): row for row in reduced}.values())
    return found


def read_cards(folder: Path = _LINKS) -> dict[str, dict[str, Any]]:
    """Return driver and wireless flag of each physical interface; virtual links have no device."""
    found = {}
    for link in sorted(folder.iterdir()):
        with contextlib.suppress(OSError):
            wireless = (link / "phy80211").exists()
            driver = (link / "device/driver").resolve().name if (link / "device/driver").exists() else None
            if driver or wireless:
                found[link.name] = {"driver": driver, "wireless": wireless}
    return found
