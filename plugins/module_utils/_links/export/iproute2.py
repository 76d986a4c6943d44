# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations as ip(8) commands, for ``state: rendered``; pure."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping

from ansible_collections.netfleet.docker.plugins.module_utils._links import operations as ops
from ansible_collections.netfleet.docker.plugins.module_utils._links.kinds.registry import find_kind
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Fdb, Link, Neighbour, Route, Rule
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.link_attributes import Value


@functools.singledispatch
def to_commands(op: ops.Op) -> list[str]:
    """Return the shell commands that are equivalent to an operation."""
    raise TypeError(f"{type(op).__name__} has no command")


@to_commands.register(ops.CreateNetns)
def _create_netns(op: ops.CreateNetns) -> list[str]:
    lines = [f"ip netns add {shlex.quote(op.netns)}"]
    words = [*(["group", op.group] if op.group else []), *(["up"] if op.loopback_up else [])]
    return lines + ([_build_ip_command(op.netns, "link", "set", "dev", "lo", *words)] if words else [])


@to_commands.register(ops.DeleteNetns)
def _delete_netns(op: ops.DeleteNetns) -> list[str]:
    return [f"ip netns delete {shlex.quote(op.netns)}"]


@to_commands.register(ops.CreateLink)
def _create_link(op: ops.CreateLink) -> list[str]:
    label, link = op.netns, op.link
    words: list[object] = ["link", "add"]
    options = dict(link.options)
    if link.underlay is not None:
        label = link.underlay
    data = []
    if link.parent and link.parent.name and link.parent.netns is not None:
        label = link.parent.netns
        if link.underlay is None:
            words += ["link", link.parent.name]
        else:
            data = ["dev", link.parent.name]
    words += ["name", link.name, *_build_creation_words(link), *(["master", op.master] if op.master else [])]
    line = _build_ip_command(label, *words) + _build_netns_words(label, op.netns)
    line += " " + _quote_words("type", link.kind, *data, *find_kind(link.kind).format_ip_link_options(options))
    if op.peer:
        line += " " + _quote_words("peer", "name", op.peer.name, *_build_creation_words(op.peer))
        line += _build_netns_words(label, op.peer_netns)
    return [line.rstrip()]


@to_commands.register(ops.DeleteLink)
def _delete_link(op: ops.DeleteLink) -> list[str]:
    return [_build_ip_command(op.netns, "link", "delete", op.name)]


@to_commands.register(ops.DeleteGroup)
def _delete_group(op: ops.DeleteGroup) -> list[str]:
    return [_build_ip_command(op.netns, "link", "delete", "group", op.group)]


@to_commands.register(ops.SetGroupUp)
def _set_group_up(op: ops.SetGroupUp) -> list[str]:
    return [_build_ip_command(op.netns, "link", "set", "group", op.group, "up")]


@to_commands.register(ops.MoveLink)
def _move_link(op: ops.MoveLink) -> list[str]:
    return [_build_ip_command(op.netns, "link", "set", op.name) + f" netns {_format_netns(op.to)}"]


@to_commands.register(ops.SetLink)
def _set_link(op: ops.SetLink) -> list[str]:
    lines = []
    words: list[object] = []
    for key, value in op.attributes.items():
        if key == "up":
            words.append("up" if value else "down")
        elif key == "master":
            words += ["master", value] if value else ["nomaster"]
        else:
            words += [{"mac": "address"}.get(key, key), value]
    if words:
        lines.append(_build_ip_command(op.netns, "link", "set", "dev", op.name, *words))
    for kind, options in (
        (op.kind, find_kind(op.kind).format_ip_link_options(op.options)),
        ("bridge_slave", _build_port_words(op.port)),
    ):
        if options:
            lines.append(_build_ip_command(op.netns, "link", "set", "dev", op.name, "type", kind, *options))
    return lines


@to_commands.register(ops.AddAddress)
def _add_address(op: ops.AddAddress) -> list[str]:
    return [_build_ip_command(op.netns, "address", "add", op.address, "dev", op.name)]


@to_commands.register(ops.RemoveAddress)
def _remove_address(op: ops.RemoveAddress) -> list[str]:
    return [_build_ip_command(op.netns, "address", "delete", op.address, "dev", op.name)]


@to_commands.register(ops.AddAltname)
def _add_altname(op: ops.AddAltname) -> list[str]:
    return [_build_ip_command(op.netns, "link", "property", "add", "dev", op.name, "altname", op.altname)]


@to_commands.register(ops.RemoveAltname)
def _remove_altname(op: ops.RemoveAltname) -> list[str]:
    return [_build_ip_command(op.netns, "link", "property", "delete", "dev", op.name, "altname", op.altname)]


@to_commands.register(ops.SetSysctl)
def _set_sysctl(op: ops.SetSysctl) -> list[str]:
    setting = _quote_words("sysctl", "-q", "-w", f"{op.key}={op.value}")
    return [setting if _is_here(op.netns) else f"nsenter --net={_get_netns_path(op.netns)} {setting}"]


@to_commands.register(ops.AddEntry)
def _add_entry(op: ops.AddEntry) -> list[str]:
    return [_build_entry_command(op.netns, "add", op.entry)]


@to_commands.register(ops.RemoveEntry)
def _remove_entry(op: ops.RemoveEntry) -> list[str]:
    return [_build_entry_command(op.netns, "delete", op.entry)]


@to_commands.register(ops.AddFdb)
def _add_fdb(op: ops.AddFdb) -> list[str]:
    return [
        _build_forwarding_command(op.netns, "replace" if op.entry.is_only_destination else "append", op.name, op.entry)
    ]


@to_commands.register(ops.RemoveFdb)
def _remove_fdb(op: ops.RemoveFdb) -> list[str]:
    return [_build_forwarding_command(op.netns, "delete", op.name, op.entry)]


def _build_creation_words(link: Link) -> list[object]:
    given = (("mtu", link.mtu), ("address", link.mac), ("group", link.group or None))
    return [word for key, value in given if value is not None for word in (key, value)]


def _build_port_words(options: Mapping[str, Value]) -> list[object]:
    words: list[object] = []
    for key, value in options.items():
        words += [key, ("on" if value else "off") if isinstance(value, bool) else value]
    return words


def _build_entry_command(label: str, verb: str, entry: Route | Rule | Neighbour) -> str:
    if isinstance(entry, Neighbour):
        words = ["neighbour", verb, *(["proxy"] if entry.proxy else []), entry.dst]
        words += ["lladdr", entry.mac] if entry.mac else []
        words += ["dev", entry.dev] if entry.dev else []
        return _build_ip_command(label, *words, *([] if entry.proxy else ["nud", "permanent"]))
    if isinstance(entry, Route):
        return _build_ip_command(
            label, *(["-6"] if ":" in entry.dst else []), "route", verb, *_build_route_words(entry)
        )
    return _build_ip_command(label, *(["-6"] if entry.family == 6 else []), "rule", verb, *_build_rule_words(entry))


def _build_route_words(entry: Route) -> list[object]:
    words: list[object] = [] if entry.type == "unicast" else [entry.type]
    words.append("default" if entry.dst.endswith("/0") else entry.dst)
    if entry.gateway:
        inet6_via = ["inet6"] if ":" in entry.gateway and ":" not in entry.dst else []
        words += ["via", *inet6_via, entry.gateway]
    for key, value in (("dev", entry.dev), ("src", entry.src), ("metric", entry.metric)):
        words += [] if value is None else [key, value]
    words += ["table", entry.table] if entry.table != 254 else []
    return words + (["onlink"] if entry.onlink else [])


def _build_rule_words(entry: Rule) -> list[object]:
    words: list[object] = ["priority", entry.priority]
    for key, value in (("from", entry.src), ("to", entry.dst), ("iif", entry.iif), ("oif", entry.oif)):
        words += [] if value is None else [key, value]
    if entry.fwmark is not None:
        words += ["fwmark", f"{entry.fwmark}" + ("" if entry.fwmask is None else f"/{entry.fwmask}")]
    return [*words, *(["lookup", entry.table] if entry.action == "lookup" else [entry.action])]


def _build_forwarding_command(label: str, verb: str, name: str, entry: Fdb) -> str:
    words: list[object] = ["fdb", verb, entry.mac, "dev", name]
    for key, value in (("dst", entry.dst), ("port", entry.port), ("vni", entry.vni), ("via", entry.via)):
        words += [] if value is None else [key, value]
    words += [] if entry.vlan is None else ["vlan", entry.vlan]
    return _build_command("bridge", label, *words, *(["master", "static"] if entry.master else ["self", "permanent"]))


def _build_ip_command(label: str, *words: object) -> str:
    return _build_command("ip", label, *words)


def _build_command(program: str, label: str, *words: object) -> str:
    return f"{program} {'' if _is_here(label) else f'-n {_format_netns(label)} '}{_quote_words(*words)}"


def _quote_words(*words: object) -> str:
    return " ".join(shlex.quote(str(word)) for word in words)


def _build_netns_words(label: str, other: str) -> str:
    """Return the words for a link in another namespace than that of the command."""
    return "" if label == other or (_is_here(label) and _is_here(other)) else f" netns {_format_netns(other)}"


def _is_here(label: str) -> bool:
    return label in ("", "host")


def _format_netns(label: str) -> str:
    """Return a namespace as an argument of ip(8): a name, a path or a PID."""
    if _is_here(label):
        return "1" if label else '"$$"'
    return _get_netns_path(label) if ":" in label else shlex.quote(label)


def _get_netns_path(label: str) -> str:
    scheme, colon, rest = label.partition(":")
    if not colon:
        return shlex.quote(f"/run/netns/{label}")
    if scheme == "container":
        return f'"/proc/$(docker inspect --format {shlex.quote("{{.State.Pid}}")} {shlex.quote(rest)})/ns/net"'
    if scheme == "pid":
        return f"/proc/{rest}/ns/net"
    return shlex.quote(rest if scheme == "path" else f"/run/docker/netns/{rest}")
