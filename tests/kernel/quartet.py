# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The common test of a managed object: check, apply, repeat, change in place, remove, remove again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Optional

from .sandbox import Result, Sandbox
from .snapshot import assert_same

Place = tuple[str, str]
Wanted = Mapping[Place, Optional[Mapping[str, Any]]]


@dataclasses.dataclass(frozen=True)
class Case:
    """A declaration, the expected output of ip(8) at each location, and the same for a change.

    ``prepare`` is shell code that runs on the sandbox's host. ``others`` are additional namespaces without a name.
    """

    id: str
    args: Mapping[str, Any]
    want: Wanted
    change: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    changed: Wanted = dataclasses.field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    absent: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.id


def look(box: Sandbox, netns: str, name: str) -> dict[str, Any] | None:
    """Return a link as ip(8) shows it, with the attribute names of the modules; None if it does not exist."""
    links = {link["ifname"]: link for link in box.ip("link", "show", netns=netns)}
    if name not in links:
        return None
    link = links[name]
    shown = next(one for one in box.ip("addr", "show", netns=netns) if one["ifindex"] == link["ifindex"])
    addresses = [one for one in shown["addr_info"] if not (one["scope"] == "link" and "ff:fe" in one["local"])]
    info = link.get("linkinfo", {})
    return {
        **info.get("info_data", {}),
        "kind": info.get("info_kind"),
        "mtu": link["mtu"],
        "mac": link["address"],
        "up": "UP" in link["flags"],
        "master": link.get("master", ""),
        "alias": link.get("ifalias", ""),
        "altnames": sorted(link.get("altnames", [])),
        "addresses": [f"{one['local']}/{one['prefixlen']}" for one in addresses],
        "port": info.get("info_slave_data", {}),
        "udp_port": info.get("info_data", {}).get("port"),
        "index": link["ifindex"],
        "parent": link.get("link"),
        "below": link.get("link_index"),
        "netnsid": link.get("link_netnsid"),
    }


def assert_there(box: Sandbox, wanted: Wanted) -> None:
    """Assert that ip(8) shows the expected links at each location."""
    for (netns, name), attributes in wanted.items():
        there = look(box, netns, name)
        if attributes is None:
            assert there is None, f"{name} in {netns} exists"
            continue
        assert there is not None, f"{name} in {netns} does not exist"
        got: dict[str, Any] = {key: there.get(key) for key in attributes}
        if isinstance(attributes.get("port"), Mapping):
            got["port"] = {key: there["port"].get(key) for key in attributes["port"]}
        assert got == dict(attributes), f"{name} in {netns}"


def forwarding(box: Sandbox, netns: str, name: str) -> list[str]:
    """Return the forwarding entries of a link's own table, sorted: MAC address, dst and other fields of bridge(8)."""
    entries = [one for one in box.bridge("fdb", "show", "dev", name, netns=netns) if "dst" in one]
    words = [
        [one["mac"], one["dst"], *(str(one[key]) for key in ("port", "vni", "viaIf") if key in one)] for one in entries
    ]
    return sorted(" ".join(line) for line in words)


def converge(box: Sandbox, module: str, args: Mapping[str, Any], *others: str) -> Result:
    """Check, apply, and repeat both; return the result of apply."""
    before = box.snapshot(*others)
    planned = box.module(module, args, check=True)
    assert planned.changed
    assert_same(before, box.snapshot(*others), "check mode changed something")
    done = box.module(module, args)
    assert done.changed
    assert done.plan == planned.plan, "the prediction of check mode differs"
    assert done.data["diff"]["before"] != done.data["diff"]["after"]
    assert_met(box, module, args, *others)
    return done


def assert_met(box: Sandbox, module: str, args: Mapping[str, Any], *others: str) -> None:
    """Assert that another run, in check mode and for real, changes nothing."""
    after = box.snapshot(*others)
    for check in (True, False):
        again = box.module(module, args, check=check)
        assert not again.changed, again.data["operations"]
        assert again.data["operations"] == []
        assert again.data["diff"]["before"] == again.data["diff"]["after"]
    assert_same(after, box.snapshot(*others))


def refused(box: Sandbox, module: str, args: Mapping[str, Any], *words: str, others: tuple[str, ...] = ()) -> None:
    """Assert that check mode and the real run fail with the same message and change nothing."""
    before = box.snapshot(*others)
    for check in (True, False):
        result = box.module(module, args, check=check)
        assert result.failed, f"accepted: {result.data}"
        for word in words:
            assert word in result.msg, result.msg
    assert_same(before, box.snapshot(*others))


def quartet(box: Sandbox, module: str, case: Case) -> None:
    """Create, change and remove the object of a case."""
    if case.prepare:
        box.sh(*case.prepare)
    before = box.snapshot(*case.others)
    converge(box, module, case.args, *case.others)
    assert_there(box, case.want)
    if case.change:
        indexes = {place: _index(box, place) for place, wanted in case.want.items() if wanted is not None}
        converge(box, module, _merged(case.args, case.change), *case.others)
        assert_there(box, case.changed)
        assert {place: _index(box, place) for place in indexes} == indexes, "recreated instead of changed in place"
    gone = {key: case.args[key] for key in ("name", "netns") if key in case.args}
    converge(box, module, {**gone, "state": "absent", **case.absent}, *case.others)
    assert_same(before, box.snapshot(*case.others), "objects were left behind")


def _index(box: Sandbox, place: Place) -> int | None:
    there = look(box, *place)
    return None if there is None else int(there["index"])


def _merged(args: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with a change merged; dictionaries such as ``peer`` are merged as well."""
    result = dict(args)
    for key, value in change.items():
        result[key] = {**args[key], **value} if isinstance(args.get(key), Mapping) and key == "peer" else value
    return result
