# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decoder of this collection compared with pyroute2 on the same bytes, for every kind of link, route and rule."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import KINDS
from ansible_collections.netfleet.docker.plugins.module_utils._netlink import decoder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import Decoder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT, LinkOption
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Netlink
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_netns
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from .sandbox import Sandbox

_LINKS = """
ip link add v0 type veth peer name v1
ip link add eth0 netns red type veth peer name far0
ip -n red link set eth0 up alias 'to the host'
ip link set far0 up mtu 1400
ip link property add dev far0 altname one altname another-name
ip link add br0 type bridge forward_delay 301 stp_state 1 group_fwd_mask 0x4000 mcast_snooping 0 nf_call_iptables 1
ip link set v0 master br0
bridge link set dev v0 isolated on hairpin on learning off cost 7 priority 9
ip link set far0 master br0
for mode in bridge private vepa source; do
  ip link add p-$mode type ifb
  ip link add m-$mode link p-$mode type macvlan mode $mode bcqueuelen 500
  ip link add n-$mode link p-$mode netns red type macvlan mode $mode
done
ip link add p-pass type ifb
ip link add m-pass link p-pass type macvlan mode passthru nopromisc
ip link set m-source type macvlan macaddr set 02:00:00:00:00:01 02:00:00:00:00:02
ip link add x0 type vxlan id 7 dstport 4789 local 192.0.2.1 dev v1
ip link add x1 type vxlan id 8 dstport 4789 group 239.1.1.1 dev v1 nolearning ttl 9 tos 4 df inherit ageing 7
ip link add x2 type vxlan id 9 dstport 4790 remote 2001:db8::9 local 2001:db8::1 proxy rsc l2miss l3miss
ip link add x3 type vxlan id 10 dstport 4791 group ff05::7 dev v1 maxaddress 5 noudpcsum udp6zerocsumtx udp6zerocsumrx
ip tuntap add t0 mode tun
ip tuntap add t1 mode tap
ip link set v0 up
ip link set v1 up
ip link set br0 up
ip addr add 192.0.2.1/24 dev br0
ip addr add 192.0.2.2/24 dev br0 label br0:x
ip addr add 198.51.100.1 peer 198.51.100.2/32 dev v1
ip addr add 2001:db8::1/64 dev br0 nodad
ip addr add 2001:db8:1::1 peer 2001:db8:1::2 dev v1 nodad
ip addr add 2001:db8:5::5/64 dev br0 nodad valid_lft 1000 preferred_lft 500
ip route add default via 192.0.2.9
ip route add 203.0.113.0/24 dev br0 src 192.0.2.2 metric 7 table 100000
ip route add 203.0.113.9 via 10.0.0.1 dev br0 onlink
ip route add 203.0.113.128/25 via inet6 2001:db8::9 dev br0
ip route add blackhole 10.1.0.0/16
ip route add unreachable 10.2.0.0/16 metric 5
ip route add 10.3.0.0/16 nexthop via 192.0.2.9 weight 2 nexthop via 192.0.2.10
ip -6 route add default via 2001:db8::9 dev br0 metric 3
ip -6 route add prohibit 2001:db8:3::/48 table 9
ip rule add from 192.0.2.0/24 to 203.0.113.0/24 lookup 100000 priority 5
ip rule add fwmark 0x10/0xff iif v1 oif br0 lookup 7
ip rule add from 192.0.2.7 blackhole
ip rule add ipproto tcp sport 80 dport 90-100 uidrange 0-99 lookup 9
ip rule add priority 50 goto 100
ip -6 route add 2001:db8:8::/48 from 2001:db8:7::/48 dev br0
ip route add 10.4.0.0/16 dev br0 mtu 1300
ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev br0 nud permanent
ip neigh add 2001:db8::7 lladdr 02:00:00:00:00:08 dev br0 nud permanent
ip addr add 192.0.2.3/24 brd + dev br0
bridge fdb add 02:00:00:00:01:03 dev x0 dst 192.0.2.200 port 8472 vni 77 via br0
ip -6 rule add from 2001:db8::/32 lookup 9 priority 8
ip -6 rule add to 2001:db8::9 prohibit
"""
_TABLES = {
    "link": (18, struct.pack("=BxHiII", 0, 0, 0, 0, 0), ifinfmsg, decoder._LINK),
    "address": (22, bytes(8), ifaddrmsg, decoder._ADDRESS),
    "route": (26, bytes(12), rtmsg, decoder._ROUTE),
    "rule": (34, bytes(12), fibmsg, decoder._RULE),
    "neighbour": (30, bytes(12), ndmsg, decoder._NEIGHBOUR),
}
_FORWARDING = struct.pack("=BxxxiHBB", 7, 0, 0, 0, 0)
_FIELDS = {
    ("link", "type"): "ifi_type",
    ("route", "protocol"): "proto",
    ("neighbour", "index"): "ifindex",
    ("neighbour", "type"): "ndm_type",
}
_DATA: Mapping[str, Mapping[str, LinkOption]] = {
    kind: KINDS[kind].attributes for kind in ("bridge", "macvlan", "vxlan")
}
# Not supported by all versions of pyroute2.
_OURS_ALONE = {"broadcast_queue_length"}


def _dump(box: Sandbox, netns: str, message_type: int, payload: bytes) -> list[bytes]:
    fd = namespaces.open_netns(
        f"/proc/{box.pid}/root/run/netns/{netns}" if netns else f"/proc/{box.pid}/ns/net", follow=True
    )
    socket = run_in_netns(fd, Netlink)
    try:
        answers: list[bytes] = socket.dump("a test", message_type, payload)
        return answers
    finally:
        socket.close()


def _theirs(cls: Any, message_type: int, payload: bytes) -> Any:
    header = struct.pack("=IHHII", 16 + len(payload), message_type, 0, 0, 0)
    message = cls(header + payload)
    message.decode()
    return message


def _plain(name: str, value: Any) -> Any:
    """Return a pyroute2 value in the form of the decoder."""
    if name == "RTA_VIA":
        return value["addr"]
    if name == "IFLA_PROP_LIST":
        return tuple(value.get_attrs("IFLA_ALT_IFNAME"))
    if name == "IFLA_OPERSTATE":
        return ("UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP").index(value)
    if name == "IFA_CACHEINFO":
        return (value["ifa_preferred"], value["ifa_valid"], value["cstamp"], value["tstamp"])
    if name.endswith("_RANGE"):
        return (value["start"], value["end"])
    return value


def _option(option: LinkOption, value: Any) -> Any:
    if option.codec.startswith("bool"):
        return bool(value)
    if option.names and isinstance(value, int) and option.codec != "flags/u16":
        return {number: text for text, number in option.names.items()}[value]
    if option.codec == "macs":
        return tuple(sorted(value.get_attrs("IFLA_MACVLAN_MACADDR")))
    if option.codec == "flags/u16":
        return {"none": (), "nopromisc": ("nopromisc",), 2: ("nodst",)}[value]
    return value


def _compare_options(specs: Mapping[str, LinkOption], ours: Mapping[str, Any], theirs: Any) -> None:
    for name, spec in specs.items():
        value = theirs.get_attr(spec.attribute, theirs.get_attr(f"{spec.attribute}6") if spec.number6 else None)
        if name in ("group", "remote") and value is not None:
            # The kernel uses one attribute for both.
            value = value if ipaddress.ip_address(value).is_multicast is (name == "group") else None
        if name not in _OURS_ALONE:
            assert (name in ours) == (value is not None), name
            assert value is None or ours[name] == _option(spec, value), name


def _compare_linkinfo(ours: Mapping[str, Any], theirs: Any) -> None:
    port = Decoder("", (), decoder.build_option_entries(BRIDGE_PORT))
    for prefix, kinds in (("INFO", _DATA), ("INFO_SLAVE", {"bridge": BRIDGE_PORT})):
        kind = theirs.get_attr(f"IFLA_{prefix}_KIND")
        assert ours.get(f"IFLA_{prefix}_KIND") == kind
        data = theirs.get_attr(f"IFLA_{prefix}_DATA")
        if kind in kinds and data is not None:
            decode = port if prefix == "INFO_SLAVE" else KINDS[kind].decode_options
            _compare_options(kinds[kind], decode(ours[f"IFLA_{prefix}_DATA"]), data)


@pytest.mark.parametrize("kind", sorted(_TABLES))
def test_decoded_messages_equal_those_of_pyroute2(box: Sandbox, kind: str) -> None:
    box.sh(_LINKS)
    message_type, payload, cls, table = _TABLES[kind]
    known = {entry[0] for entry in cls.nla_map} if not isinstance(cls.nla_map, dict) else set(cls.nla_map.values())
    payloads = [payload, _FORWARDING] if kind == "neighbour" else [payload]
    messages = [answer for one in payloads for netns in ("", "red") for answer in _dump(box, netns, message_type, one)]
    assert len(messages) > 10
    seen = set()
    for data in messages:
        ours, theirs = decoder.decode(kind, data), _theirs(cls, message_type - 2, data)
        for name in decoder._DECODERS[kind]._fields:
            field = _FIELDS.get((kind, name), name)
            assert ours[name] == theirs[field], name
        for name, _codec in table.values():
            value = theirs.get_attr(name)
            if name not in known:
                continue
            assert (name in ours) == (value is not None), (name, ours, value)
            if name == "IFLA_LINKINFO" and value is not None:
                _compare_linkinfo(ours[name], value)
            elif isinstance(ours.get(name), bytes):
                assert len(ours[name]) >= 4, name  # decoded later, on demand
            elif value is not None:
                assert ours[name] == _plain(name, value), name
            seen |= {name} if value is not None else set()
    # A bridge numbers VLANs only if the kernel supports VLAN filtering.
    unseen = {name for name, _codec in table.values()} & known - seen - {"NDA_VLAN"}
    assert not unseen, f"no message had {unseen}"
