# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Complete state of a sandbox from ip(8), without values that change on their own."""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sandbox import Sandbox

Snapshot = dict[str, Any]

_SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/all/promote_secondaries",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/conf/default/mtu",
    "net/ipv4/ip_unprivileged_port_start",
    "net/core/somaxconn",
)
_BOTH = ("route show table all", "rule show", "neigh show nud permanent", "neigh show proxy")
_FOUR = ("link show", "addr show", *_BOTH)
_SIX = _BOTH
_READ = f"""
ip -j -d -batch - <<'E'
{chr(10).join(_FOUR)}
E
ip -6 -j -d -batch - <<'E'
{chr(10).join(_SIX)}
E
bridge -j fdb show
echo ==
for key in {" ".join(_SYSCTLS)}; do read -r value </proc/sys/$key; echo $value; done
"""
# Values that the kernel updates on its own: carrier, STP timers, duplicate address detection.
_RESTLESS = {
    "operstate",
    "state",
    "tentative",
    "valid_life_time",
    "preferred_life_time",
    "link",
    "cache",
    "txqlen",
    "nodad",
    # A port that is down does not follow the priority of its bridge.
    "bridge_id",
    "root_id",
}
_DERIVED = ("topology_change", "gso_", "gro_", "tso_")
_CARRIER = {"LOWER_UP", "NO-CARRIER", "M-DOWN", "RUNNING", "linkdown", "dead"}


def take(sandbox: Sandbox, others: Sequence[str], indexes: bool) -> Snapshot:
    """Return the state of the host, all named namespaces, the others, and /run/netns itself."""
    names = names_in_run(sandbox)
    result: Snapshot = {"/run/netns": names}
    places = ["host", *(name for name, what in names.items() if what.startswith("nsfs")), *others]
    enter = {place: shlex.join([*sandbox.entering(place)[len(sandbox.entering()) :], "sh", "-c"]) for place in places}
    script = [f"echo '@@{place}'; {command} {shlex.quote(_READ)}" for place, command in enter.items()]
    text = sandbox.run("sh", "-c", "\n".join(script))
    for block in text.split("@@")[1:]:
        label, _newline, rest = block.partition("\n")
        tables, _mark, sysctls = rest.partition("==")
        keys = [f"{name} {family}" for family, commands in ((4, _FOUR), (6, _SIX)) for name in commands]
        *documents, forwarding = _documents(tables)
        result[label] = {key: _calm(value, indexes) for key, value in zip(keys, documents)}
        result[label]["forwarding"] = sorted(map(str, filter(_is_the_users, forwarding)))
        result[label]["sysctls"] = dict(zip(_SYSCTLS, sysctls.split()))
        assert len(result[label]) == len(keys) + 2, text
    return result


def assert_same(before: Snapshot, after: Snapshot, why: str = "something changed") -> None:
    """Assert that nothing changed; show the differences otherwise."""
    changes = list(_differences("", before, after))
    assert not changes, why + ": " + "; ".join(changes)


def _differences(path: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _differences(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, pair in enumerate(zip(old, new)):
            yield from _differences(f"{path}[{place}]", *pair)
    elif old != new:
        yield f"{path} was {old!r} and is {new!r}"


def names_in_run(sandbox: Sandbox) -> dict[str, str]:
    """Return the entries of /run/netns: namespaces by identity, others by type."""
    directory = Path(f"/proc/{sandbox.pid}/root/run/netns")
    result = {}
    for name in sorted(os.listdir(directory)):
        status = (directory / name).lstat()
        kind = stat.filemode(status.st_mode)[0]
        on_mount = status.st_dev != directory.lstat().st_dev
        result[name] = f"nsfs {status.st_ino}" if on_mount and kind == "-" else f"{kind} {status.st_size}"
    return result


def _is_the_users(entry: Mapping[str, Any]) -> bool:
    """Return whether a forwarding entry is static: of a port in its bridge's table, or of a VXLAN link."""
    return "dst" in entry if "master" not in entry else entry["state"] == "static"


def _documents(text: str) -> Iterator[Any]:
    decoder, position = json.JSONDecoder(strict=False), 0
    text = text.strip()
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        while position < len(text) and text[position].isspace():
            position += 1


def _calm(value: Any, indexes: bool) -> Any:
    """Remove values that change on their own, and indexes of links that were recreated."""
    if isinstance(value, list):
        kept = [_calm(item, indexes) for item in value if not _noise(item)]
        return (
            kept if indexes else sorted(kept, key=lambda item: item.get("ifname", "") if isinstance(item, dict) else "")
        )
    if not isinstance(value, dict):
        return value
    result = {
        key: _calm(item, indexes)
        for key, item in value.items()
        if key not in _RESTLESS and not key.endswith("_timer") and not key.startswith(_DERIVED)
    }
    if not indexes:
        for key in ("ifindex", "link_index", "port_id", "port_no", "link_netnsid", "no"):
            result.pop(key, None)
    return result


def _noise(item: Any) -> bool:
    """Return whether an entry depends on carrier: flags, link-local addresses, routes of the kernel."""
    if isinstance(item, str):
        return item in _CARRIER
    if not isinstance(item, dict):
        return False
    if item.get("scope") == "link" and str(item.get("local", "")).startswith("fe80"):
        return "ff:fe" in item["local"]
    if "dst" in item and item.get("protocol") == "kernel":
        dst = str(item["dst"])
        return item.get("table") == "local" or dst.startswith(("fe80", "ff00")) or item.get("type") == "multicast"
    return False
