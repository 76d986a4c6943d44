# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of a fleet, column by column, as docs/schema.md describes them, and where a snapshot has their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

# What is not said to be of another type is text; `texts` is a list of text, `json` whatever else has parts.
_TYPES = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "texts": "VARCHAR[]", "json": "JSON"}
_COLUMNS: Mapping[str, str] = {
    "host": "name hostname taken_at seconds:number collector kernel architecture os boot_id",
    "netns": (
        "netns device:integer kind reference names:texts paths:texts process_count:integer processes:json "
        "held_by:texts container_id container containers:texts container_source docker_network_id "
        "docker_network conntrack_count:integer conntrack_max:integer"
    ),
    "interface": (
        "index:integer name kind up:boolean running:boolean operstate mtu:integer mac flags:texts alias "
        "altnames:texts master_index:integer master peer_netns peer_index:integer peer parent_netns "
        "parent_index:integer parent group:integer promiscuity:integer carrier_changes:integer "
        "queue_length:integer qdisc docker_network_id docker_network managed_by options:json port:json "
        "statistics:json"
    ),
    "address": (
        "index:integer interface family:integer address prefixlen:integer peer broadcast label scope "
        "flags:texts valid_seconds:integer preferred_seconds:integer"
    ),
    "route": (
        "family:integer table:integer dst src type gateway index:integer interface prefsrc metric:integer "
        "protocol scope tos:integer flags:texts mtu:integer nexthops:json"
    ),
    "rule": (
        "family:integer priority:integer action table:integer goto:integer inverted:boolean src dst iif oif "
        "fwmark:integer fwmask:integer tos:integer ip_protocol:integer sport dport uids protocol"
    ),
    "neighbour": "index:integer interface family:integer address mac state flags:texts",
    "fdb": (
        "index:integer interface mac master_index:integer master vlan:integer dst port:integer vni:integer "
        "state flags:texts"
    ),
    "socket": (
        "protocol family:integer address port:integer interface v6only:boolean uid:integer inode:integer processes:json"
    ),
    "sysctl": "key value",
    "firewall_chain": "backend family table chain type hook priority:integer policy packets:integer bytes:integer",
    "firewall_rule": (
        "backend family table chain position:integer handle:integer packets:integer bytes:integer target "
        "target_chain match:json target_options:json comment text"
    ),
    "firewall_set": "family table name kind type elements:json",
    "xfrm_state": (
        "family:integer src dst protocol spi:integer reqid:integer mode encryption encryption_bits:integer "
        "authentication mark:integer packets:integer bytes:integer"
    ),
    "xfrm_policy": (
        "family:integer src dst sport:integer dport:integer ip_protocol:integer direction action "
        "priority:integer index:integer mark:integer interface templates:json"
    ),
    "stray": "path type target netns",
    "docker_engine": (
        "version api_version socket cgroup_driver cgroup_version:integer live_restore:boolean "
        "userland_proxy:boolean iptables:boolean ip6tables:boolean icc:boolean ip_forward:boolean "
        "ip_masq:boolean firewall_backend hosts:texts tls:boolean default_address_pools:json settings:json "
        "bridge_nf_iptables:boolean bridge_nf_ip6tables:boolean ipv4_forwarding:boolean warnings:texts "
        "swarm_state swarm_role swarm_node_id swarm_address swarm_managers:texts"
    ),
    "container": (
        "id name image image_id state pid:integer started_at network_mode joined_id joined netns "
        "sandbox_netns sandbox_key privileged:boolean cap_add:texts cap_drop:texts pid_mode ipc_mode uts_mode "
        "userns_mode cgroupns_mode publish_all:boolean dns:texts dns_search:texts extra_hosts:texts "
        "name_servers:texts sysctls:json labels:json"
    ),
    "published_port": "container_id container protocol container_port:integer host_address host_port:integer",
    "docker_network": (
        "id name driver scope created internal:boolean attachable:boolean ingress:boolean ipv6:boolean "
        "config_only:boolean config_from ipam_driver ipam:json options:json labels:json"
    ),
    "docker_endpoint": (
        "network_id network container_id container endpoint_id mac ipv4 ipv6 gateway ipv6_gateway aliases:texts"
    ),
    "network_peer": "network_id network name address",
    "swarm_node": (
        "id hostname role availability state address leader:boolean manager_address reachability engine_version"
    ),
    "swarm_service": "id name mode replicas:integer endpoint_mode virtual_ips:json ports:json",
    "swarm_task": "id service_id service slot:integer node_id desired_state state message container_id networks:json",
    "missing": "netns part what reason",
}

# Lists of a namespace, and lists of what the engine said, each with its table.
OF_NETNS: Mapping[str, str] = {
    "interfaces": "interface",
    "addresses": "address",
    "routes": "route",
    "rules": "rule",
    "neighbours": "neighbour",
    "fdb": "fdb",
    "sockets": "socket",
    "firewall_chains": "firewall_chain",
    "firewall_rules": "firewall_rule",
    "firewall_sets": "firewall_set",
    "xfrm_states": "xfrm_state",
    "xfrm_policies": "xfrm_policy",
}
OF_DOCKER: Mapping[str, str] = {
    "containers": "container",
    "networks": "docker_network",
    "endpoints": "docker_endpoint",
    "published_ports": "published_port",
    "network_peers": "network_peer",
    "swarm_nodes": "swarm_node",
    "swarm_services": "swarm_service",
    "swarm_tasks": "swarm_task",
}
_IN_NETNS = {*OF_NETNS.values(), "sysctl"}

# What does not come from snapshots: the user's policy, what the planner would change, what a probe of a port said.
_BESIDE: Mapping[str, str] = {
    "policy_published_port": "host container address protocol port:integer",
    "policy_host_network": "host container",
    "policy_mtu": "host mtu:integer",
    "policy_reserved_subnet": "subnet reason",
    "drift": "host module object operation detail",
    "probe": "host target protocol port:integer state seconds:number reason",
}


def columns(table: str) -> dict[str, str]:
    """Return the columns of a table of snapshots as docs/schema.md has them, with their SQL types."""
    return dict(_typed(_COLUMNS[table]))


def names() -> list[str]:
    """Return the names of all tables."""
    return [*_COLUMNS, *_BESIDE]


def of_snapshots() -> list[str]:
    """Return the names of the tables that snapshots fill."""
    return list(_COLUMNS)


def collected() -> list[str]:
    """Return the names of the tables that are there only as far as somebody collected them."""
    return [name for name in names() if name not in of_policy()]


def of_policy() -> list[str]:
    """Return the names of the tables that the user's policy fills."""
    return [name for name in _BESIDE if name.startswith("policy_")]


def beside(table: str) -> dict[str, str]:
    """Return the columns of a table that does not come from snapshots."""
    return dict(_typed(_BESIDE[table]))


def leading(table: str) -> list[str]:
    """Return the columns that a snapshot's table has before its own: whose row it is."""
    return ["host", "netns"] if table in _IN_NETNS else ["host"]


def definitions() -> Iterator[str]:
    """Give the statements that create all tables."""
    for table in _COLUMNS:
        whole = {**dict.fromkeys(leading(table), "VARCHAR"), **columns(table)}
        yield _create(table, whole)
    for table in _BESIDE:
        yield _create(table, beside(table))


def document() -> dict[str, str]:
    """Return the SQL type of each part of a snapshot that is loaded."""
    parts = {name: _list(columns(table)) for name, table in OF_NETNS.items()}
    docker = {name: _list(columns(table)) for name, table in OF_DOCKER.items()}
    return {
        "version": "BIGINT",
        "host": _struct(columns("host")),
        "namespaces": _list({**columns("netns"), "sysctls": "MAP(VARCHAR, VARCHAR)", **parts}),
        "strays": _list(columns("stray")),
        "docker": _struct({"engine": _struct(columns("docker_engine")), **docker}),
        "missing": _list(columns("missing")),
    }


def parts_of(tables: Iterable[str]) -> list[str]:
    """Return the parts of a snapshot, as its list ``missing`` names them, of which the tables are made."""
    wanted = set(tables)
    found = {part for part, table in {**OF_NETNS, **OF_DOCKER}.items() if table in wanted}
    found |= {part for part in ("firewall", "xfrm") if any(table.startswith(f"{part}_") for table in wanted)}
    found |= {part for part, table in (("sysctls", "sysctl"), ("engine", "docker_engine")) if table in wanted}
    return sorted(
        found
        | ({"docker"} if wanted & {"docker_engine", *OF_DOCKER.values()} else set())
        | ({"probe"} & wanted)
        | ({"namespaces"} if wanted & {"netns", *_IN_NETNS} else set())
    )


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever it is."""
    return '"' + name.replace('"', '""') + '"'


def _typed(text: str) -> Iterator[tuple[str, str]]:
    for word in text.split():
        name, _colon, kind = word.partition(":")
        yield name, _TYPES.get(kind, "VARCHAR")


def _fields(whole: Mapping[str, str]) -> str:
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in whole.items())


def _create(table: str, whole: Mapping[str, str]) -> str:
    return f"CREATE TABLE {quoted(table)} ({_fields(whole)})"


def _struct(whole: Mapping[str, str]) -> str:
    return f"STRUCT({_fields(whole)})"


def _list(whole: Mapping[str, str]) -> str:
    return _struct(whole) + "[]"
