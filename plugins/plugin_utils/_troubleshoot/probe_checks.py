# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the checklist that uses the module probe: checks to run, and their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import quote
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import FleetNamespace, Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.case import Case
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.snapshot_checks import DiagnosisStep

# Names of the checks and of their results.
NEIGHBOUR, DUPLICATE, RESOLVER, NAME, GATEWAY, HOST, PING, TARGET, OTHER, MTU = (
    *("neighbour", "duplicate address", "resolver", "name", "gateway", "host"),
    *("target ping", "target", "other address", "path MTU"),
)


def build_checks(case: Case, timeout: float) -> list[dict[str, Any]]:
    """Return the checks of the target, the gateway, the host and the resolver for the module probe."""
    if case.space is None:
        return []
    return [{**check, "timeout": timeout} for check in _generate_checks(case)]


def _generate_checks(case: Case) -> Iterator[dict[str, Any]]:
    space = case.space
    if space is None:
        return
    way, gateway = case.route, case.gateway
    if gateway is not None:
        link = way.link["name"] if way and way.link else None
        yield {"name": NEIGHBOUR, "type": "neighbour", "target": str(gateway), **({"interface": link} if link else {})}
        yield {"name": GATEWAY, "type": "ping", "target": str(gateway), "count": 2}
    elif case.target.address is not None and way and way.link and way.type == "unicast":
        link = way.link["name"]
        yield {"name": NEIGHBOUR, "type": "neighbour", "target": str(case.target.address), "interface": link}
    own = next(iter(space.list_link_addresses(way.link["index"], 4)), None) if way and way.link else None
    if own and not space.is_host:
        link = way.link["name"] if way and way.link else ""
        yield {
            "name": DUPLICATE,
            "type": "duplicate",
            "target": own["address"],
            "interface": link,
            "expect": ["unique"],
        }
    if case.container is not None:
        about = case.target.text if case.target.is_name else case.container["name"]
        yield {"name": RESOLVER, "type": "dns", "target": about, "search": True}
        if case.target.is_name and case.target.address is not None:
            # Resolve the name as programs do, with the hosts file first.
            yield {"name": NAME, "type": "ping", "target": case.target.text, "count": 1}
    if host := _find_host_address(case):
        yield {"name": HOST, "type": "ping", "target": host, "count": 2}
    target = str(case.target.address or case.target.text)
    if case.target.address is not None or case.target.is_name:
        yield {"name": PING, "type": "ping", "target": target, "count": 2}
        if case.target.port:
            yield {"name": TARGET, "type": case.protocol, "target": target, "port": case.target.port}
        yield from _generate_ipv6_checks(case, space)
        yield {"name": MTU, "type": "path_mtu", "target": target}


def _generate_ipv6_checks(case: Case, space: FleetNamespace) -> Iterator[dict[str, Any]]:
    """Yield the check of the IPv6 address of a name with addresses of both families, which most programs try first."""
    has_ipv6 = any(row["family"] == 6 and row["scope"] == "global" for row in space.get_rows("addresses"))
    is_ipv4 = case.target.address is None or case.target.address.version == 4
    if not case.target.is_name or not has_ipv6 or not is_ipv4:
        return
    target = str(case.target.other or case.target.text)
    if case.target.port:
        yield {"name": OTHER, "type": case.protocol, "target": target, "port": case.target.port, "family": "ipv6"}
    else:
        yield {"name": OTHER, "type": "ping", "target": target, "count": 2, "family": "ipv6"}


def _find_host_address(case: Case) -> str | None:
    """Return the address of the uplink of the host."""
    host = case.host_space
    if host is None or case.space is host:
        return None
    default = next((row for row in host.get_rows("routes") if row["dst"] == "0.0.0.0/0" and row["table"] == 254), None)
    rows = host.list_link_addresses(default["index"], 4) if default and default["index"] else []
    return str(rows[0]["address"]) if rows else None


def judge_probes(case: Case, results: Mapping[str, Mapping[str, Any]]) -> Iterator[DiagnosisStep]:
    """Yield the steps in order, without checks that were not run."""
    if found := results.get(NEIGHBOUR):
        yield _judge_neighbour(case, found)
    if found := results.get(DUPLICATE):
        state = {"duplicate": "broken", "error": "unknown"}.get(found["state"], "ok")
        yield DiagnosisStep("duplicate address", state, f"{found['target']}: {found['reason']}")
    if found := results.get(RESOLVER):
        yield _judge_resolver(case, found)
    if found := results.get(NAME):
        yield from _judge_name(case, found)
    for name in (GATEWAY, HOST):
        if found := results.get(name):
            # Many firewalls drop pings to routers and hosts, so this is not a fault.
            yield DiagnosisStep(name, "ok" if found["met"] else "note", f"{found['target']}: {found['reason']}")
    yield from _judge_target(case, results)


def _judge_target(case: Case, results: Mapping[str, Mapping[str, Any]]) -> Iterator[DiagnosisStep]:
    if found := results.get(PING):
        decides = TARGET not in results
        state = _get_state(found) if decides else "ok" if found["met"] else "note"
        yield DiagnosisStep("target" if decides else "target ping", state, f"{found['target']}: {found['reason']}")
    if found := results.get(TARGET):
        yield DiagnosisStep(
            "target", _get_state(found), f"{found['type']} {found['target']}:{found['port']}: {found['reason']}"
        )
    if found := results.get(OTHER):
        yield from _judge_other_address(case, found)
    if found := results.get(MTU):
        state = "broken" if found["state"] == "black_hole" else "ok" if found["met"] else "note"
        yield DiagnosisStep(
            "path MTU", state, found["reason"], _build_mtu_remedy(case, found) if state == "broken" else ""
        )


def _judge_neighbour(case: Case, found: Mapping[str, Any]) -> DiagnosisStep:
    detail = f"{found['target']}: {found['reason']}"
    links = _find_links_of_one_namespace(case, found) if found["state"] == "duplicate" else []
    if links:
        # By default, Linux answers for each of its addresses on each of its links.
        names = " and ".join(str(link["name"]) for _space, link in links)
        return DiagnosisStep("neighbour", "ok", f"{found['target']}: {links[0][0]} answers on {names}")
    remedy = "" if found["met"] else f"{case.netns_prefix}ip neighbour show; bridge fdb show"
    return DiagnosisStep("neighbour", _get_state(found), detail, remedy)


def _find_links_of_one_namespace(case: Case, found: Mapping[str, Any]) -> list[tuple[FleetNamespace, Row]]:
    """Return the links with the MAC addresses that answered if all of them belong to one namespace; else none."""
    links = [
        next(
            (
                (space, link)
                for space in case.world.spaces.values()
                for link in space.links.values()
                if link["mac"] == mac and space.addresses and not link["master_index"]
            ),
            None,
        )
        for mac in found.get("macs") or ()
    ]
    known = [one for one in links if one is not None]
    is_one = len(known) == len(links) and len({(space.host, space.id) for space, _link in known}) == 1
    return known if is_one else []


def _judge_other_address(case: Case, found: Mapping[str, Any]) -> Iterator[DiagnosisStep]:
    if found["state"] in ("unresolved", "error"):
        # The name has no IPv6 address.
        return
    detail = f"{found['type']} over IPv6: {found['reason']}"
    if found["met"]:
        yield DiagnosisStep("other address", "ok", detail)
    else:
        what = f"{detail}; {case.target.text} also has this IPv6 address, which most programs try first"
        yield DiagnosisStep("other address", "broken", what)


def _get_state(found: Mapping[str, Any]) -> str:
    return "ok" if found["met"] else "unknown" if found["state"] == "error" else "broken"


def _judge_resolver(case: Case, found: Mapping[str, Any]) -> DiagnosisStep:
    answered = found["state"] in ("open", "nxdomain", "nodata")
    if not answered:
        # An address requires no name server.
        state = _get_state(found) if case.target.is_name else "note"
        return DiagnosisStep(
            "resolver", state, f"no name server answers: {found['reason']}", _build_resolver_remedy(case)
        )
    if case.target.is_name and found["state"] != "open":
        detail = f"the name server does not know {case.target.text}: {found['reason']}"
        return DiagnosisStep("name", "broken", detail, _build_network_remedy(case))
    return DiagnosisStep("resolver", "ok", found["reason"])


def _judge_name(case: Case, found: Mapping[str, Any]) -> Iterator[DiagnosisStep]:
    """Check that the name resolves to the address of the target in Docker."""
    addresses = found.get("addresses") or []
    if not addresses or str(case.target.address) in addresses:
        return
    name = quote(case.container["name"]) if case.container else ""
    resolution = f"{found['resolved_by']} resolves {case.target.text} to {', '.join(addresses)}"
    detail = f"{resolution}, but its address in Docker is {case.target.address}"
    yield DiagnosisStep("name", "broken", detail, f"docker inspect -f '{{{{.HostsPath}}}}' {name} | xargs cat")


def _build_resolver_remedy(case: Case) -> str:
    name = quote(case.container["name"]) if case.container else ""
    return f"docker inspect -f '{{{{.ResolvConfPath}}}}' {name} | xargs cat   # its name servers"


def _build_network_remedy(case: Case) -> str:
    if not case.endpoints:
        return ""
    return f"docker network inspect {quote(case.endpoints[0]['network'])}   # does it contain this name?"


def _build_mtu_remedy(case: Case, found: Mapping[str, Any]) -> str:
    way = case.route
    if not way or not way.link:
        return ""
    fits = found.get("path_mtu") or 1400
    return f"{case.netns_prefix}ip link set {quote(way.link['name'])} mtu {fits}   # also set the MTU of the network"
