# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests encoded by pyroute2 and decoded by this collection: names, numbers and types of options agree.

Both define the kernel's attributes in separate tables, pyroute2 by name and the decoder by number. No kernel is used,
so the test covers link kinds that this kernel lacks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._links import operations as ops
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import KINDS, find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Fdb, Link, Neighbour
from ansible_collections.netfleet.docker.plugins.module_utils._links.requests import build_request
from ansible_collections.netfleet.docker.plugins.module_utils._netlink import decoder, pyroute2_encoder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import Decoder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import (
    BRIDGE_PORT,
    LinkOption,
    Value,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.request import Message

_PARENTS = {"vlan", "ipvlan", "macvlan", "macvtap"}
_ADDRESSES = {
    "group": ("239.1.1.1", "ff05::1"),
    "remote": ("192.0.2.9", "2001:db8::9"),
    "local": ("10.0.0.1", "fd00::1"),
}


class Places:
    """Every link has the index 77, every namespace the descriptor 88."""

    def get_index(self, label: str, name: str) -> int:
        return 77

    def get_fd(self, label: str) -> int:
        return 88


def _values(name: str, spec: LinkOption) -> tuple[Value, ...]:
    """Return values of an option that differ from the default."""
    found: tuple[Value, ...]
    if spec.codec == "ip":
        found = _ADDRESSES[name]
    elif spec.codec == "macs":
        found = (("02:00:00:00:00:01", "02:00:00:00:00:02"),)
    elif spec.codec == "flags/u16":
        found = (("nodst", "nopromisc"), ("nodst",))
    elif spec.names:
        found = tuple(spec.names)
    elif spec.codec.startswith("bool"):
        found = (True, False)
    else:
        found = (spec.low, spec.high)
    return tuple(value for value in found if value != spec.initial)


def _every() -> Iterator[Any]:
    for kind in KINDS.values():
        for name, spec in kind.attributes.items():
            for value in _values(name, spec):
                yield pytest.param(kind.name, name, value, id=f"{kind.name} {name} {value}")


def _info(op: ops.Op) -> dict[str, Any]:
    return _linkinfo(build_request(op, Places()))


def _linkinfo(request: Message) -> dict[str, Any]:
    """Return IFLA_LINKINFO of a request with the options of its kind decoded."""
    info = dict(decoder.decode("link", pyroute2_encoder.encode(request))["IFLA_LINKINFO"])
    if "IFLA_INFO_DATA" in info:
        info["IFLA_INFO_DATA"] = find_kind(info["IFLA_INFO_KIND"]).decode_options(info["IFLA_INFO_DATA"])
    if "IFLA_INFO_SLAVE_DATA" in info:
        info["IFLA_INFO_SLAVE_DATA"] = Decoder("", (), decoder.build_option_entries(BRIDGE_PORT))(
            info["IFLA_INFO_SLAVE_DATA"]
        )
    return info


@pytest.mark.parametrize("kind, name, value", list(_every()))
def test_every_option_of_every_kind_is_encoded(kind: str, name: str, value: Value) -> None:
    link = Link("x0", kind=kind, options={name: value})
    made = _info(ops.CreateLink("", link))
    assert made == {"IFLA_INFO_KIND": kind, "IFLA_INFO_DATA": {name: value}}
    if KINDS[kind].attributes[name].changeable:
        assert _info(ops.SetLink("", "x0", options={name: value}, kind=kind)) == made


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_link_without_options_has_no_kind_data(kind: str) -> None:
    options = KINDS[kind].get_initial_options()
    assert _info(ops.CreateLink("", Link("x0", kind=kind, options=options))) == {"IFLA_INFO_KIND": kind}


@pytest.mark.parametrize("kind", sorted(_PARENTS | {"vxlan"}))
def test_request_goes_to_the_namespace_of_the_parent(kind: str) -> None:
    """The request names the target namespace. A VXLAN link has its device in its own data."""
    request = build_request(ops.CreateLink("red", Link("x0", kind=kind, parent=Endpoint("blue", "p0"))), Places())
    assert request.netns == "blue"
    read = decoder.decode("link", pyroute2_encoder.encode(request))
    assert ("IFLA_NET_NS_FD", 88) in request.attributes
    if kind == "vxlan":
        assert "IFLA_LINK" not in read
        assert _linkinfo(request)["IFLA_INFO_DATA"] == {"parent_index": 77}
    else:
        assert read["IFLA_LINK"] == 77


def test_underlay_in_another_namespace_without_a_parent() -> None:
    for parent in (None, Endpoint("blue", "")):
        link = Link("x0", kind="vxlan", underlay="blue", parent=parent, options={"vni": 7})
        request = build_request(ops.CreateLink("red", link), Places())
        assert request.netns == "blue"
        assert _linkinfo(request)["IFLA_INFO_DATA"] == {"vni": 7}


@pytest.mark.parametrize("name, spec", BRIDGE_PORT.items())
def test_every_option_of_a_port_is_encoded(name: str, spec: LinkOption) -> None:
    for value in _values(name, spec):
        assert _info(ops.SetLink("", "x0", port={name: value}))["IFLA_INFO_SLAVE_DATA"] == {name: value}


_ENTRIES = [
    Fdb(dst="192.0.2.7"),
    Fdb("02:00:00:00:00:01", "2001:db8::7", 99, 7, "p0"),
    Fdb("02:00:00:00:00:01", vlan=5, master=True),
]


@pytest.mark.parametrize("entry, op", list(itertools.product(_ENTRIES, (ops.AddFdb, ops.RemoveFdb))), ids=str)
def test_forwarding_entries_are_encoded(entry: Fdb, op: type[ops.AddFdb | ops.RemoveFdb]) -> None:
    read = decoder.decode("neighbour", pyroute2_encoder.encode(build_request(op("", "x0", entry), Places())))
    got = [read.get(key) for key in ("NDA_LLADDR", "NDA_DST", "NDA_PORT", "NDA_VNI", "NDA_IFINDEX", "NDA_VLAN")]
    assert got == [entry.mac, entry.dst, entry.port, entry.vni, entry.via and 77, entry.vlan]
    assert (read["family"], read["index"], read["flags"]) == (7, 77, 4 if entry.master else 2)


@pytest.mark.parametrize("op", [ops.AddEntry, ops.RemoveEntry])
@pytest.mark.parametrize("dst, family", [("192.0.2.7", 2), ("2001:db8::7", 10)])
def test_neighbors_are_encoded(dst: str, family: int, op: type[ops.AddEntry | ops.RemoveEntry]) -> None:
    for entry in (Neighbour(dst, "02:00:00:00:00:01", "x0"), Neighbour(dst, dev="x0", proxy=True)):
        body = pyroute2_encoder.encode(build_request(op("", entry), Places()))
        read = decoder.decode("neighbour", body)
        assert (read["NDA_DST"], read.get("NDA_LLADDR")) == (dst, entry.mac)
        assert (read["family"], read["index"], read["state"]) == (family, 77, 0x80)
        assert read["flags"] == (8 if entry.proxy else 0)


def test_classes_of_the_library_are_not_changed() -> None:
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    pyroute2_encoder.encode(Message("", "link", 16, 0, {}, [("IFLA_IFNAME", "x0")]))
    changed = [kind for kind, one in ifinfmsg.ifinfo.data_map.items() if not one.__module__.startswith("pyroute2.")]
    assert changed == []
