# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contents of each namespace, compared with ip and bridge."""

from __future__ import annotations

import ipaddress
from collections import Counter

from .conftest import Host, Row, same, shown

TABLES = {"default": 253, "main": 254, "local": 255}
ANY = {4: "0.0.0.0/0", 6: "::/0"}
# Flags that the kernel can set or clear at any time.
FLEETING = {"REACHABLE", "STALE", "DELAY", "PROBE", "INCOMPLETE", "FAILED"}


def test_links(host: Host) -> None:
    for inode, row, look in host.both():
        same((_our_link(link) for link in row["interfaces"]), map(_ip_link, look["links"]), inode)


def _our_link(link: Row) -> tuple[object, ...]:
    numbers = ("index", "mtu", "promiscuity")
    return (
        *(link[key] for key in numbers),
        link["name"],
        None if link["kind"] == "loopback" else link["kind"],
        link["operstate"],
        link["mac"] if link["kind"] != "loopback" else None,
        link["up"],
        sorted(flag for flag in link["flags"] if flag not in ("UP", "RUNNING", "LOWER_UP")),
        link["alias"],
        sorted(link["altnames"]),
        link["master"],
        link["group"],
        link["qdisc"],
        link["queue_length"],
    )


def _ip_link(link: Row) -> tuple[object, ...]:
    return (
        link["ifindex"],
        link["mtu"],
        link["promiscuity"],
        shown(link["ifname"]),
        link.get("linkinfo", {}).get("info_kind"),
        link["operstate"].lower(),
        None if link["link_type"] == "loopback" else link.get("address"),
        "UP" in link["flags"],
        sorted(flag for flag in link["flags"] if flag not in ("UP", "LOWER_UP", "NO-CARRIER", "M-DOWN")),
        shown(link.get("ifalias")),
        sorted(shown(name) or "" for name in link.get("altnames", ())),
        shown(link.get("master")),
        0 if link["group"] == "default" else int(link["group"]),
        link["qdisc"],
        link.get("txqlen", 0),
    )


def test_peers_of_links(host: Host) -> None:
    """The peer of a link is the namespace and index that ip reports."""
    looks = host.witness["namespaces"]
    seen: Counter[str | None] = Counter()
    for inode, row, look in host.both():
        numbers = {one["nsid"]: one.get("name") for one in look["nsids"]}
        ours = {link["index"]: link for link in row["interfaces"]}
        for link in look["links"]:
            kind = link.get("linkinfo", {}).get("info_kind")
            mine = ours[link["ifindex"]]
            role = "peer" if kind == "veth" else "parent"
            where = f"{inode} {link['ifname']!r}"
            # A VXLAN link without a device that was moved to another namespace: its parent index is unchanged.
            alone = kind == "vxlan" and "link" not in link["linkinfo"]["info_data"]
            if alone or ("link_index" not in link and "link" not in link and kind != "vxlan"):
                assert (mine["peer_index"], mine["parent_index"]) == (None, None), where
                continue
            there = numbers.get(link["link_netnsid"]) if "link_netnsid" in link else inode
            if there is None:  # not reachable from this host
                assert mine[f"{role}_netns"] is None or mine[f"{role}_netns"].startswith("nsid:"), where
                continue
            match = [
                one
                for one in looks[there]["links"]
                if one["ifindex"] == link.get("link_index") or one["ifname"] == _below(link)
            ]
            assert len(match) == 1, where
            found = (mine[f"{role}_netns"], mine[f"{role}_index"], mine[role])
            assert found == (there, match[0]["ifindex"], shown(match[0]["ifname"])), where
            seen[kind] += 1
    assert min(seen["veth"], seen["macvlan"]) > 0, seen


def _below(link: Row) -> str | None:
    """Return the name of the parent of a link, which ip reports in one of two fields."""
    name: str | None = link.get("link") or link.get("linkinfo", {}).get("info_data", {}).get("link")
    return name


def test_options_of_kinds(host: Host) -> None:
    seen: Counter[str | None] = Counter()
    for inode, row, look in host.both():
        ours = {link["index"]: link["options"] for link in row["interfaces"]}
        for link in look["links"]:
            kind, data = link.get("linkinfo", {}).get("info_kind"), link.get("linkinfo", {}).get("info_data", {})
            mine, where = ours[link["ifindex"]], f"{inode} {link['ifname']!r}"
            if kind == "vxlan":
                assert (mine["vni"], mine["port"]) == (data["id"], data["port"]), where
                assert mine.get("local") == data.get("local", data.get("local6")), where
            elif kind == "macvlan":
                assert mine["mode"] == data["mode"], where
            elif kind == "bridge":
                assert mine["stp"] == bool(data["stp_state"]), where
                assert mine["priority"] == data["priority"], where
            seen[kind] += 1
    assert min(seen["vxlan"], seen["macvlan"], seen["bridge"]) > 0, seen


def test_hostile_names(host: Host) -> None:
    row = next(row for row in host.info["namespaces"] if row["names"] == ["mf-odd"])
    names = [link["name"] for link in row["interfaces"]]
    wanted = [shown(name) for name in host.hidden["odd"]["names"]]
    assert set(wanted) <= set(names)
    assert {r"bad\xff\xfe", r"a\x5cx41b", "\x1b[31mred"} <= set(names)
    first = next(link for link in row["interfaces"] if link["name"] == "<b>x")
    assert first["alias"] == shown(host.hidden["odd"]["alias"])
    assert first["altnames"] == ["{{9*9}}<i>$(id)"]


def test_addresses(host: Host) -> None:
    for inode, row, look in host.both():
        keys = ("interface", "family", "address", "prefixlen", "peer", "broadcast", "label", "scope")
        ours = (tuple(one[key] for key in keys) for one in row["addresses"])
        same(ours, (_ip_address(link, one) for link in look["addresses"] for one in link["addr_info"]), inode)
        for one in row["addresses"]:
            assert "tentative" not in one["flags"] and "dadfailed" not in one["flags"], inode


def _ip_address(link: Row, one: Row) -> tuple[object, ...]:
    return (
        shown(link["ifname"]),
        4 if one["family"] == "inet" else 6,
        one["local"],
        one["prefixlen"],
        one.get("address"),
        one.get("broadcast"),
        shown(one.get("label")),
        one["scope"],
    )


def test_routes(host: Host) -> None:
    for inode, row, look in host.both():
        keys = ("family", "table", "dst", "type", "gateway", "interface", "prefsrc", "metric", "protocol")
        ours = ((*(one[key] for key in keys), _our_hops(one), one["mtu"]) for one in row["routes"])
        theirs = [_ip_route(4, one) for one in look["routes4"]] + [_ip_route(6, one) for one in look["routes6"]]
        same(ours, theirs, inode)


def _our_hops(route: Row) -> list[tuple[object, ...]]:
    return [(hop["gateway"], hop["interface"], hop["weight"]) for hop in route["nexthops"] or ()]


def _ip_route(family: int, one: Row) -> tuple[object, ...]:
    table = one.get("table", "main")
    mtu = next((metrics["mtu"] for metrics in one.get("metrics", ()) if "mtu" in metrics), None)
    return (
        family,
        TABLES.get(table) or int(table),
        _prefix(family, one["dst"]),
        one["type"],
        one.get("gateway"),
        shown(one.get("dev")),
        one.get("prefsrc"),
        one.get("metric", 0),
        one["protocol"],
        [(hop.get("gateway"), shown(hop["dev"]), hop["weight"]) for hop in one.get("nexthops", ())],
        mtu,
    )


def _prefix(family: int, dst: str) -> str:
    if dst in ("default", "all"):
        return ANY[family]
    return dst if "/" in dst else f"{dst}/{32 if family == 4 else 128}"


def test_rules(host: Host) -> None:
    for inode, row, look in host.both():
        keys = ("family", "priority", "action", "table", "src", "dst", "iif", "fwmark", "fwmask")
        ours = (tuple(one[key] for key in keys) for one in row["rules"])
        theirs = [_ip_rule(4, one) for one in look["rules4"]] + [_ip_rule(6, one) for one in look["rules6"]]
        same(ours, theirs, inode)


def _ip_rule(family: int, one: Row) -> tuple[object, ...]:
    table = one.get("table")
    mark = int(one["fwmark"], 16) if "fwmark" in one else None
    return (
        family,
        one["priority"],
        one.get("action", "lookup") if table is None else "lookup",
        None if table is None else TABLES.get(table) or int(table),
        _end(family, one, "src"),
        _end(family, one, "dst"),
        one.get("iif"),
        mark,
        None if mark is None else int(one.get("fwmask", "0xffffffff"), 16),
    )


def _end(family: int, rule: Row, end: str) -> str | None:
    if rule.get(end, "all") == "all":
        return None
    length = rule.get(f"{end}len")
    return f"{rule[end]}/{length}" if length is not None else _prefix(family, rule[end])


def _of_a_group(address: str) -> bool:
    """Return whether this is a multicast group, whose entry exists only while traffic is sent to it."""
    return ipaddress.ip_address(address).is_multicast


def test_permanent_neighbours(host: Host) -> None:
    seen = 0
    for inode, row, look in host.both():
        ours = [
            (one["interface"], one["address"], one["mac"], one["state"])
            for one in row["neighbours"]
            if one["state"].upper() not in FLEETING and not _of_a_group(one["address"])
        ]
        theirs = [
            (shown(one["dev"]), one["dst"], one.get("lladdr"), one["state"][0].lower())
            for one in look["neighbours"]
            if not FLEETING & set(one["state"]) and not _of_a_group(one["dst"])
        ]
        same(ours, theirs, inode)
        seen += len(ours)
    assert seen > 0


def test_permanent_fdb(host: Host) -> None:
    seen = 0
    for inode, row, look in host.both():
        ours = [
            (one["interface"], one["mac"], one["master"], one["vlan"], one["dst"], "self" in one["flags"])
            for one in row["fdb"]
            if one["state"] in ("permanent", "static")
        ]
        theirs = [
            (
                shown(one["ifname"]),
                one["mac"],
                shown(one.get("master")),
                one.get("vlan"),
                one.get("dst"),
                "self" in one["flags"],
            )
            for one in look["fdb"]
            if one.get("state") in ("permanent", "static")
        ]
        same(ours, theirs, inode)
        seen += len(ours)
    assert seen > 0
