# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build a State from the messages of the kernel; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import field, record
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import (
    Endpoint,
    Fdb,
    Link,
    Neighbour,
    Netns,
    Route,
    Rule,
    State,
    format_unnamed_link,
    is_default,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.original import (
    OTHER_ROUTE_TYPES,
    build_address_request,
    parse_route,
    parse_rule,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.attributes import Decoder
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.decoder import build_option_entries
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import BRIDGE_PORT, VXLAN, Value

Message = Mapping[str, Any]
# Key of the undecoded message.
RAW = "raw"

_IFF_UP, _IFF_LOWER_UP = 0x1, 0x10000
_ARPHRD_LOOPBACK = 772
_IFA_F_DADFAILED, _IFA_F_TENTATIVE, _IFA_F_PERMANENT, _IFA_F_STABLE_PRIVACY = 0x08, 0x40, 0x80, 0x800
_IFAPROT_KERNEL = (1, 2, 3)  # loopback, router advertisement, link-local
_SCOPE_LINK = 253
_RTPROT_USERS = (3, 4)  # boot, which ip(8) sets, and static
_RTPROT_KERNEL = 2
_RTNH_F_ONLINK = 4
_AF_INET, _AF_INET6 = 2, 10
_ROUTE_TYPES = {
    **OTHER_ROUTE_TYPES,
    1: "unicast",
    2: "local",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
}
_RULE_ACTIONS = {1: "lookup", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
_NUD_NOARP, _NUD_PERMANENT = 0x40, 0x80
_NTF_PROXY, _NTF_EXT_LEARNED = 0x08, 0x10
_BORN_WITH = {4: (0, 32766, 32767), 6: (0, 32766)}


_decode_port = Decoder("", (), build_option_entries(BRIDGE_PORT))


@record
class NetnsReading:
    """The messages of one namespace; ``nsids`` maps netns ids, as seen from this namespace, to labels."""

    label: str
    present: bool = True
    stub: bool = False
    links: Sequence[Message] = ()
    addresses: Sequence[Message] = ()
    routes: Sequence[Message] | None = None
    rules: Sequence[Message] | None = None
    neighbours: Sequence[Message] | None = None
    forwarding: Sequence[Message] | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict)
    other_sysctls: Mapping[str, str] = field(default_factory=dict)
    nsids: Mapping[int, str] = field(default_factory=dict)
    processes: tuple[int, ...] = ()

    @property
    def has_tentative_address(self) -> bool:
        """Whether duplicate address detection still runs for an address."""
        return any(_get_address_flags(message) & _IFA_F_TENTATIVE for message in self.addresses)


def build_state(readings: Sequence[NetnsReading]) -> State:
    """Return the State of the namespaces that were read."""
    names = {
        reading.label: {message["index"]: message["IFLA_IFNAME"] for message in reading.links} for reading in readings
    }
    return State({reading.label: _build_netns(reading, names) for reading in readings})


def _build_netns(reading: NetnsReading, names: Mapping[str, Mapping[int, str]]) -> Netns:
    addresses: dict[int, list[Message]] = {}
    for message in reading.addresses:
        addresses.setdefault(message["index"], []).append(message)
    here = names[reading.label]
    links = [_build_link(reading, message, names, addresses.get(message["index"], ())) for message in reading.links]
    return Netns(
        present=reading.present,
        links={link.name: link for link in links},
        sysctls=reading.sysctls,
        other_sysctls=reading.other_sysctls,
        routes=None if reading.routes is None else tuple(_build_routes(reading.routes, here)),
        rules=None if reading.rules is None else tuple(_build_rules(reading.rules)),
        neighbours=None if reading.neighbours is None else _build_neighbours(reading.neighbours, here),
        stub=reading.stub,
        processes=reading.processes,
    )


def _build_link(
    reading: NetnsReading, message: Message, names: Mapping[str, Mapping[int, str]], addresses: Sequence[Message]
) -> Link:
    info = message.get("IFLA_LINKINFO", {})
    kind = info.get("IFLA_INFO_KIND") or ("loopback" if message["type"] == _ARPHRD_LOOPBACK else None)
    data_of_kind = info.get("IFLA_INFO_DATA")
    options: Mapping[str, Any] = {} if data_of_kind is None else find_kind(kind).decode_options(data_of_kind)
    away = _find_other_namespace(reading, message)
    below: Endpoint | None
    if kind == "vxlan":
        # The kernel omits addresses that are not set, and IFLA_LINK is meaningless.
        below = _find_other_link(away, options.get("parent_index", 0), names) or Endpoint(away, "")
        known = {name: value for name, value in options.items() if name in VXLAN}
        options = {"group": "", "remote": "", "local": "", **known}
    else:
        below = _find_other_link(away, message.get("IFLA_LINK", 0), names)
    cidrs = [_format_cidr(one) for one in addresses]
    users = [_is_set_by_user(one, cidr, message.get("IFLA_ADDRESS", "")) for one, cidr in zip(addresses, cidrs)]
    return Link(
        name=message["IFLA_IFNAME"],
        kind=kind,
        mtu=message.get("IFLA_MTU"),
        mac=message.get("IFLA_ADDRESS"),
        up=bool(message["flags"] & _IFF_UP),
        master=names[reading.label].get(message.get("IFLA_MASTER", 0), ""),
        alias=message.get("IFLA_IFALIAS", ""),
        altnames=message.get("IFLA_PROP_LIST", ()),
        addresses=tuple(cidr for cidr, users_own in zip(cidrs, users) if users_own),
        peer=below if kind == "veth" else None,
        parent=below if kind != "veth" else None,
        underlay=away if kind == "vxlan" else None,
        fdb=None
        if reading.forwarding is None
        else _build_forwarding(reading, message, options, names.get(away or "", {})),
        options=options,
        port=_select_port_options(info),
        group=message.get("IFLA_GROUP", 0),
        index=message["index"],
        running=bool(message["flags"] & _IFF_LOWER_UP),
        other_addresses=tuple(cidr for cidr, users_own in zip(cidrs, users) if not users_own),
        tentative=tuple(cidr for cidr, one in zip(cidrs, addresses) if _get_address_flags(one) & _IFA_F_TENTATIVE),
        dad_failed=tuple(cidr for cidr, one in zip(cidrs, addresses) if _get_address_flags(one) & _IFA_F_DADFAILED),
        kind_data=data_of_kind or b"",
        queue_length=message.get("IFLA_TXQLEN"),
        originals={cidr: build_address_request(one[RAW]) for cidr, one in zip(cidrs, addresses) if RAW in one},
    )


def _select_port_options(info: Message) -> Mapping[str, Value]:
    """Return the options of a bridge's port; ports of other masters have no managed options."""
    if info.get("IFLA_INFO_SLAVE_KIND") != "bridge" or "IFLA_INFO_SLAVE_DATA" not in info:
        return {}
    return _decode_port(info["IFLA_INFO_SLAVE_DATA"])


def _find_other_namespace(reading: NetnsReading, message: Message) -> str | None:
    """Return the label of the namespace that contains a link's peer or parent, None if it is unreachable."""
    if "IFLA_LINK_NETNSID" not in message:
        return reading.label
    return reading.nsids.get(message["IFLA_LINK_NETNSID"])


def _find_other_link(label: str | None, index: int, names: Mapping[str, Mapping[int, str]]) -> Endpoint | None:
    """Return the link with an index in a namespace: the peer of a veth, the parent of other links."""
    if not index:
        return None
    name = names.get(label, {}).get(index) if label is not None else None
    return Endpoint(label, name) if name else Endpoint(None, format_unnamed_link(index))


def _format_cidr(message: Message) -> str:
    remote = message.get("IFA_ADDRESS") or message["IFA_LOCAL"]
    local = message.get("IFA_LOCAL") or remote
    return f"{local if local == remote else f'{local} peer {remote}'}/{message['prefixlen']}"


def _get_address_flags(message: Message) -> int:
    return int(message.get("IFA_FLAGS", message["flags"]))


def _is_set_by_user(message: Message, cidr: str, mac: str) -> bool:
    """Return whether a user set the address, not the kernel, a router advertisement or a lease."""
    if message.get("IFA_PROTO") in _IFAPROT_KERNEL or not _get_address_flags(message) & _IFA_F_PERMANENT:
        return False
    if message["scope"] != _SCOPE_LINK:
        return cidr not in ("127.0.0.1/8", "::1/128")
    # Kernels before 5.18 do not report the origin of an address; these are the kernel's own addresses.
    return not (_get_address_flags(message) & _IFA_F_STABLE_PRIVACY or cidr == _derive_link_local(mac))


def _derive_link_local(mac: str) -> str:
    """Return the IPv6 link-local address that the kernel derives from a MAC address (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    if len(octets) != 6:
        return ""
    middle = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return f"{ipaddress.IPv6Address(bytes.fromhex('fe80000000000000') + middle)}/64"


def _build_routes(messages: Sequence[Message], names: Mapping[int, str]) -> Iterator[Route]:
    """Yield the routes of IPv4 and IPv6; those of multicast routing have families of their own."""
    return (_build_route(message, names) for message in messages if message["family"] in (_AF_INET, _AF_INET6))


def _build_route(message: Message, names: Mapping[int, str]) -> Route:
    any_address = "::" if message["family"] == _AF_INET6 else "0.0.0.0"
    original = parse_route(message[RAW]) if RAW in message else None
    return Route(
        dst=f"{message.get('RTA_DST', any_address)}/{message['dst_len']}",
        gateway=message.get("RTA_GATEWAY") or message.get("RTA_VIA"),
        dev=names.get(message.get("RTA_OIF", 0)),
        table=message.get("RTA_TABLE", message["table"]),
        metric=message.get("RTA_PRIORITY", 0),
        src=message.get("RTA_PREFSRC"),
        type=_ROUTE_TYPES.get(message["type"], str(message["type"])),
        onlink=bool(message["flags"] & _RTNH_F_ONLINK),
        foreign=message["protocol"] not in _RTPROT_USERS,
        original=original,
        opaque=original.payload if original and original.unmodelled else b"",
    )


def _build_neighbours(messages: Sequence[Message], names: Mapping[int, str]) -> tuple[Neighbour, ...]:
    """Return the permanent and proxy entries, which users set; all others are learned."""
    found = []
    for message in messages:
        proxy = bool(message["flags"] & _NTF_PROXY)
        lasting = message["state"] & _NUD_PERMANENT and not message["flags"] & _NTF_EXT_LEARNED
        if message["family"] in (_AF_INET, _AF_INET6) and (proxy or lasting):
            mac = None if proxy else message.get("NDA_LLADDR")
            found.append(Neighbour(message["NDA_DST"], mac, names.get(message["index"]), proxy))
    return tuple(found)


def _build_forwarding(
    reading: NetnsReading, link: Message, options: Mapping[str, Any], underlay: Mapping[int, str]
) -> tuple[Fdb, ...]:
    """Return a link's static forwarding entries, without the kernel's own."""
    found = []
    for message in reading.forwarding or ():
        if message["index"] != link["index"] or message["flags"] & _NTF_EXT_LEARNED:
            continue
        vlan, master = message.get("NDA_VLAN"), message.get("NDA_MASTER")
        if master is not None:
            # Permanent entries of a bridge are the MAC addresses of its ports.
            if message["state"] == _NUD_NOARP and master != link["index"]:
                found.append(Fdb(message["NDA_LLADDR"], vlan=vlan, master=True))
        elif "vni" in options and "NDA_DST" in message and message["state"] & (_NUD_PERMANENT | _NUD_NOARP):
            index = message.get("NDA_IFINDEX")
            entry = Fdb(
                message["NDA_LLADDR"],
                message["NDA_DST"],
                message.get("NDA_PORT"),
                message.get("NDA_VNI"),
                None if index is None else underlay.get(index) or format_unnamed_link(index),
            )
            found += [] if is_default(entry, options) else [entry]
    return tuple(found)


def _build_rules(messages: Sequence[Message]) -> Iterator[Rule]:
    """Yield the rules of IPv4 and IPv6; those of multicast routing have families of their own."""
    return (_build_rule(message) for message in messages if message["family"] in (_AF_INET, _AF_INET6))


def _build_rule(message: Message) -> Rule:
    family = 6 if message["family"] == _AF_INET6 else 4
    priority = message.get("FRA_PRIORITY", 0)
    born_with = message.get("FRA_PROTOCOL") == _RTPROT_KERNEL or (
        "FRA_PROTOCOL" not in message and priority in _BORN_WITH[family]
    )
    original = parse_rule(message[RAW]) if RAW in message else None
    action = _RULE_ACTIONS.get(message["action"], str(message["action"]))
    # The kernel omits a mark of 0 that has a mask.
    has_mask = "FRA_FWMASK" in message
    return Rule(
        priority=priority,
        family=family,
        src=f"{message['FRA_SRC']}/{message['src_len']}" if "FRA_SRC" in message else None,
        dst=f"{message['FRA_DST']}/{message['dst_len']}" if "FRA_DST" in message else None,
        iif=message.get("FRA_IIFNAME"),
        oif=message.get("FRA_OIFNAME"),
        fwmark=message.get("FRA_FWMARK", 0 if has_mask else None),
        fwmask=message.get("FRA_FWMASK"),
        table=message.get("FRA_TABLE", message["table"]) if action == "lookup" else None,
        action=action,
        foreign=born_with,
        original=original,
        opaque=original.payload if original and original.unmodelled else b"",
    )
