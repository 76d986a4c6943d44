# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Invalid input: the message names the parameter, nothing changes, and no value is truncated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .quartet import assert_there
from .sandbox import Sandbox
from .snapshot import assert_same

pytestmark = pytest.mark.long

_BAD_NAMES = [
    "",
    ".",
    "..",
    "all",
    "default",
    "a/b",
    "a:b",
    "a b",
    "a\tb",
    "a\nb",
    "a%d",
    "%d",
    "x" * 16,
    "x" * 300,
    "ä",
    "\x1b[0m",
    "a\0b",
    "a\u202eb",
]
_BAD_ALTNAMES = ["", "a/b", "../../etc/passwd", "a b", "%d", "x" * 128, "ä", "\n"]
_BAD_NETNS = [
    "",
    "..",
    ".",
    "a/b",
    "../x",
    "/run/netns/red",
    "-rf",
    "a b",
    "ä",
    "x" * 256,
    "a\nb",
    "a\0b",
    "pid:",
    "pid:0",
    "pid:-1",
    "pid:01",
    "pid:x",
    "pid:99999999999",
    "path:",
    "path:red",
    "path:/\0",
    "container:",
    "container:../x",
    "docker:..",
    "docker:../x",
    "HOST:",
    "nothing:at-all",
]
_NO_NETNS = [
    "rde",
    "re",
    "redd",
    "Red",
    "pid:9999999",
    "pid:4294967297",
    "path:/nothing",
    "path:/etc/passwd",
    "path:/run",
    "docker:none",
    "path:/proc/self/ns/mnt",
    "path:/dev/tty",
]
_BAD_MACS = [
    "",
    "02:00:00:00:00",
    "02:00:00:00:00:00:01",
    "01:00:00:00:00:01",
    "ff:ff:ff:ff:ff:ff",
    "00:00:00:00:00:00",
    "02:00:00:00:00:0g",
    "0200.0000.0001",
    "02:00:00:00:00:1",
    "x" * 300,
]
_BAD_MTUS: list[Any] = [-1, 0, 67, 65536, 10**12, 2**64, "many", 1.5]
_BAD_ADDRESSES = [
    "",
    "192.0.2.1",
    "192.0.2.1/33",
    "192.0.2.256/24",
    "fd00::1/129",
    "fd00::1",
    "fd00:::1/64",
    "x/24",
    "192.0.2.1/-1",
    "192.0.2.1/24/24",
    "fe80::1%eth0/64",
    "x" * 300,
]
_MAC = "02:00:00:00:00:01"
_BAD_NUMBERS: list[Any] = [-1, 2**32, 10**30, "x"]


def _ends() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield a module, invalid options and the parameter to be named, for every option of a veth end."""
    table: list[tuple[str, list[Any]]] = [
        ("name", _BAD_NAMES),
        ("master", _BAD_NAMES[1:]),
        ("netns", _BAD_NETNS + _NO_NETNS),
        ("mac", _BAD_MACS),
        ("mtu", _BAD_MTUS),
        ("addresses", [[value] for value in _BAD_ADDRESSES]),
        ("altnames", [[value] for value in _BAD_ALTNAMES]),
        ("alias", ["x" * 256, "ä" * 128, "a\0b"]),
    ]
    for option, values in table:
        for value in values:
            yield "veth", {option: value}, option
            yield "veth", {"peer": {option: value}}, option


def _others() -> Iterator[tuple[str, dict[str, Any], str]]:
    for value in _BAD_NAMES:
        yield "macvlan", {"parent": value}, "parent"
        yield "bridge", {"ports": [value]}, "ports"
        if value:  # an empty value means no alias
            yield "vxlan", {"parent": value}, "parent"
        yield "vxlan", {"fdb": [{"dst": "192.0.2.7", "via": value}]}, "fdb[0].via"
        yield (
            "netns",
            {"name": "red", "neighbours": [{"dst": "192.0.2.7", "mac": _MAC, "dev": value}]},
            "neighbours[0].dev",
        )
    for value in _BAD_NETNS + _NO_NETNS:
        yield "macvlan", {"parent_netns": value}, "parent_netns"
        yield "vxlan", {"parent_netns": value}, "parent_netns"
    for value in [*_BAD_NETNS]:
        yield "netns", {"name": value}, "name"
    for value in _BAD_MACS:
        yield "macvlan", {"mode": "source", "source_macs": [value]}, "source_macs"
    yield from _overlays()
    for number in _BAD_NUMBERS:
        yield "macvlan", {"broadcast_queue_length": number}, "broadcast_queue_length"
        for option in ("ageing_time", "priority", "group_fwd_mask", "hello_time"):
            yield "bridge", {option: number}, option
        for option in ("metric", "table"):
            yield "netns", {"name": "red", "routes": [{"dst": "198.51.100.0/24", "dev": "lo", option: number}]}, option
        for option in ("priority", "table", "fwmark", "fwmask"):
            rule = {"priority": 1, "table": 1, option: number}
            yield "netns", {"name": "red", "rules": [rule]}, option
    for network in ("", "x", "198.51.100.1/24", "198.51.100.0/33", "fd00::1/64", "x" * 300):
        yield "netns", {"name": "red", "routes": [{"dst": network, "dev": "lo"}]}, "dst"
        yield "netns", {"name": "red", "rules": [{"priority": 1, "table": 1, "src": network}]}, "src"
    for address in ("", "x", "192.0.2.1/24", "192.0.2.300", "fe80::1%lo"):
        yield "netns", {"name": "red", "routes": [{"dst": "default", "gateway": address}]}, "gateway"
        yield "netns", {"name": "red", "routes": [{"dst": "default", "dev": "lo", "src": address}]}, "src"
    for name in _BAD_NAMES[1:]:
        yield "netns", {"name": "red", "routes": [{"dst": "default", "dev": name}]}, "dev"
        yield "netns", {"name": "red", "rules": [{"priority": 1, "table": 1, "iif": name}]}, "iif"
    for key in (
        "",
        "net",
        "net.",
        "net.ipv4",
        "kernel.hostname",
        "net/ipv4/../../kernel/hostname",
        "net.ipv4.no\0",
        "x" * 300,
        "net/ipv4/ä",
    ):
        yield "netns", {"name": "red", "sysctls": {key: 1}}, ""
    values: list[Any] = ["", [], {}, None, 1.5, "1\n2\x00", "ä"]
    for wrong in values:
        yield "netns", {"name": "red", "sysctls": {"net.ipv4.ip_forward": wrong}}, "net.ipv4.ip_forward"


def _overlays() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the same for options of VXLAN links and neighbors."""
    hosts = ["x", "192.0.2.1/24", "192.0.2.300", "fe80::1%p0", "239.1.1.1", "ff05::1", "0.0.0.0", "::", "x" * 300]
    for address in hosts:
        yield "vxlan", {"remote": address}, "remote"
        yield "vxlan", {"local": address}, "local"
        yield "netns", {"name": "red", "neighbours": [{"dst": address, "mac": _MAC, "dev": "lo"}]}, "neighbours[0].dst"
    for address in ("x", "192.0.2.1", "2001:db8::1", "239.1.1.1/32", "ff05::1%p0"):
        yield "vxlan", {"group": address, "parent": "p0"}, "group"
    for address in ("", "x", "192.0.2.1/24", "fe80::1%p0", "2001:db8::1"):
        yield "vxlan", {"fdb": [{"dst": "192.0.2.7"}, {"dst": address}]}, "fdb[1].dst"
    for mac in [mac for mac in _BAD_MACS if mac not in ("01:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00")]:
        yield "vxlan", {"fdb": [{"mac": mac, "dst": "192.0.2.7"}]}, "fdb[0].mac"
        yield (
            "netns",
            {"name": "red", "neighbours": [{"dst": "192.0.2.7", "mac": mac, "dev": "lo"}]},
            "neighbours[0].mac",
        )
    twice = [{"mac": _MAC, "dst": "192.0.2.7"}, {"mac": _MAC, "dst": "192.0.2.8"}]
    yield "vxlan", {"fdb": twice}, "fdb[1].mac"
    yield "vxlan", {"fdb": [{}]}, "dst"
    yield "vxlan", {"group": "239.1.1.1"}, "group"
    yield "vxlan", {"group": "239.1.1.1", "parent": ""}, "group"
    yield "vxlan", {"group": "239.1.1.1", "parent": "p0", "remote": "192.0.2.7"}, "remote"
    yield "vxlan", {"local": "192.0.2.1", "remote": "2001:db8::1"}, "local"
    yield "vxlan", {"local": "2001:db8::1", "fdb": [{"dst": "192.0.2.7"}]}, "fdb[0].dst"
    yield "vxlan", {"df": "maybe"}, "df"
    for number in [*_BAD_NUMBERS, 2**24]:
        yield "vxlan", {"vni": number}, "vni"
        yield "vxlan", {"fdb": [{"dst": "192.0.2.7", "vni": number}]}, "vni"
    for number in [*_BAD_NUMBERS, 0, 65536]:
        yield "vxlan", {"port": number}, "port"
        yield "vxlan", {"fdb": [{"dst": "192.0.2.7", "port": number}]}, "port"
    for option in ("ttl", "tos", "ageing", "limit"):
        for number in _BAD_NUMBERS:
            yield "vxlan", {option: number}, option
    for option in ("ttl", "tos"):
        yield "vxlan", {option: 256}, option


def _is_valid_name(options: dict[str, Any]) -> bool:
    """Return whether the only fault is the name of a namespace that does not exist."""
    given = {**options, **options.get("peer", {})}
    return any(given.get(key) in _NO_NETNS[:4] for key in ("netns", "parent_netns"))


_BASE: dict[str, dict[str, Any]] = {
    "veth": {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}},
    "bridge": {"name": "br0"},
    "macvlan": {"name": "m0", "parent": "p0"},
    "vxlan": {"name": "x0", "vni": 7},
    "netns": {},
}
_TABLE = [*_ends(), *_others()]


@pytest.mark.parametrize("module", sorted(_BASE))
def test_invalid_input_is_rejected_without_changes(box: Sandbox, module: str) -> None:
    """Run all cases in one sandbox, in check mode and for real, and verify that none changes it."""
    box.sh("ip link add p0 type ifb")
    before = box.snapshot()
    wrong = []
    for _module, options, parameter in (row for row in _TABLE if row[0] == module):
        base = _BASE[module]
        args = {**base, **options}
        if "peer" in options:
            args["peer"] = {**base["peer"], **options["peer"]}
            parameter = "peer" if parameter == "mtu" else f"peer.{parameter}"
        # In check mode, an earlier task could create a namespace with a valid name.
        for check in (False,) if _is_valid_name(options) else (True, False):
            result = box.module(module, args, check=check)
            if not result.failed:
                wrong.append(f"accepted: {options!r}")
            elif parameter not in result.msg or len(result.msg) > 600 or not result.msg.isprintable():
                wrong.append(f"{options!r}: {result.msg!r}")
    assert not wrong, "\n".join(wrong)
    assert_same(before, box.snapshot())


@pytest.mark.parametrize("name", ["<b>x", "{{7*7}}", "$(id)", "'\"`;&|", "-rf", "--help", "x" * 15, "@", "a..b"])
def test_unusual_valid_names_are_accepted(box: Sandbox, name: str) -> None:
    assert box.module("veth", {"name": name, "peer": {"name": name, "netns": "red"}}).changed
    assert_there(box, {("host", name): {"kind": "veth"}, ("red", name): {"kind": "veth"}})
    assert box.module("veth", {"name": name, "state": "absent"}).changed


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("veth", {"name": "a0", "netns": "rde", "peer": {"name": "b0"}}),
        ("veth", {"name": "a0", "peer": {"name": "b0", "netns": "rde"}}),
        ("bridge", {"name": "br0", "netns": "rde", "ports": ["e0"]}),
        ("macvlan", {"name": "m0", "netns": "rde", "parent": "p0", "parent_netns": "rde"}),
        ("vxlan", {"name": "x1", "vni": 7, "parent_netns": "rde"}),
        ("topology", {"links": [{"name": "a0", "kind": "vxlan", "vni": 7, "netns": "rde"}]}),
    ],
)
def test_missing_namespace_is_assumed_in_check_mode_and_not_created(
    box: Sandbox, module: str, args: dict[str, Any]
) -> None:
    """An earlier task could create the namespace and the links in it, which check mode cannot know."""
    before = box.snapshot()
    planned = box.module(module, args, check=True)
    assert planned.changed
    assert "no such namespace: rde; the prediction assumes that an earlier task creates it" in str(
        planned.data["warnings"]
    )
    failed = box.module(module, args)
    assert failed.failed and "no such namespace: rde" in failed.msg and "blue, red" in failed.msg
    assert_same(before, box.snapshot())
