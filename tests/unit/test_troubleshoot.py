# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts of the checklist on constructed hosts: network modes, unknown results, and the output."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.filter.explain_path import explain_path
from ansible_collections.netfleet.docker.plugins.filter.troubleshoot import troubleshoot

from ..auditing import row

HOSTILE = "<b>x|`{{ 7*7 }}`\x1b[31m"


def host(**container: Any) -> dict[str, Any]:
    """Return the snapshot of a host with the container web at the bridge br0, with the given changes."""
    web = row(
        "container",
        **{
            "id": "a" * 64,
            "name": "web",
            "state": "running",
            "pid": 42,
            "network_mode": "net",
            "netns": "2",
            **container,
        },
        sandbox_netns="2",
    )
    veth = {"kind": "veth", "up": True, "running": True, "mtu": 1500, "flags": [], "options": {}}
    return {
        "version": 1,
        "host": row("host", name="h1", hostname="h1"),
        "namespaces": [
            _namespace(
                "1",
                "host",
                "host",
                [
                    row("interface", index=5, name="br0", mac="02:00:00:00:00:05", **{**veth, "kind": "bridge"}),
                    row(
                        "interface",
                        **{**veth, "index": 6, "name": "v0", "master_index": 5, "master": "br0", "port": {}},
                        peer_netns="2",
                        peer_index=2,
                        peer="eth0",
                    ),
                ],
                (5, "br0", "10.0.0.1"),
            ),
            _namespace(
                "2",
                "container",
                "container:web",
                [row("interface", index=2, name="eth0", peer_netns="1", peer_index=6, peer="v0", **veth)],
                (2, "eth0", "10.0.0.2"),
            ),
        ],
        "docker": {"engine": None, "containers": [web], "networks": [], "endpoints": [], "published_ports": []},
    }


def _namespace(
    netns: str, kind: str, reference: str, links: list[dict[str, Any]], at: tuple[int, str, str]
) -> dict[str, Any]:
    index, name, address = at
    route = {"family": 4, "type": "unicast", "metric": 0, "tos": 0, "flags": [], "index": index, "interface": name}
    processes = [{"pid": 42, "name": "web"}] if kind == "container" else []
    names = {"names": [], "paths": [], "processes": processes, "containers": ["web"] if kind == "container" else []}
    return {
        **row("netns", netns=netns, kind=kind, reference=reference, **names),
        "interfaces": links,
        "addresses": [
            row(
                "address",
                index=index,
                interface=name,
                family=4,
                address=address,
                prefixlen=24,
                scope="global",
                flags=[],
            )
        ],
        "routes": [
            row("route", **{**route, "table": 254}, dst="10.0.0.0/24"),
            row("route", **{**route, "table": 255, "type": "local"}, dst=f"{address}/32"),
        ],
        **{name: [] for name in ("rules", "neighbours", "fdb", "sockets", "firewall_chains", "firewall_rules")},
        "sysctls": {},
    }


def _asked(snapshot: dict[str, Any], target: str = "10.0.0.1", **more: Any) -> dict[str, Any]:
    return troubleshoot(
        {"h1": snapshot}, **{"host": "h1", "source": "container:web", "target": target, "results": [], **more}
    )


def _step(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(step for step in told["steps"] if step["step"] == name)
    return found


def test_no_fault_and_no_probe_gives_no_verdict() -> None:
    told = _asked(host())
    assert (told["reached"], told["first_broken"], told["confident"]) == (None, None, False)
    assert told["path"]["reaches"] is True


def test_stopped_container_is_the_first_broken_step() -> None:
    snapshot = host(state="exited", pid=None, netns=None)
    snapshot["namespaces"] = snapshot["namespaces"][:1]
    told = _asked(snapshot)
    assert told["first_broken"] == "process"
    assert told["remedy"] == "docker start web"
    assert not troubleshoot({"h1": snapshot}, host="h1", source="container:web", target="10.0.0.1")["checks"]


@pytest.mark.parametrize(
    ("container", "state", "words"),
    [
        ({"network_mode": "host"}, "note", "uses the host network"),
        # Another tool created its link.
        ({"network_mode": "none"}, "note", "network mode none"),
        ({"network_mode": "container:x", "joined": "db"}, "note", "shares the namespace of container db"),
    ],
)
def test_modes_are_explained(container: dict[str, Any], state: str, words: str) -> None:
    step = _step(_asked(host(**container)), "namespace")
    assert step["state"] == state
    assert words in step["detail"]


@pytest.mark.parametrize(
    ("joined", "state"),
    [
        ({"state": "running", "netns": "2", "sandbox_netns": "2"}, "note"),
        ({"state": "running", "netns": "3", "sandbox_netns": "3"}, "broken"),
        ({"state": "exited"}, "broken"),
        # Its namespace is not known.
        ({"state": "running"}, "note"),
    ],
)
def test_container_left_in_the_namespace_of_another_is_broken(joined: dict[str, Any], state: str) -> None:
    snapshot = host(network_mode="container:" + "d" * 64, joined="db", joined_id="d" * 64)
    snapshot["docker"]["containers"].append(row("container", id="d" * 64, name="db", **joined))
    told = _asked(snapshot, results=[_probed("target ping", "ping", "unreachable")])
    step = _step(told, "namespace")
    assert step["state"] == state
    assert ("docker restart web" in told["remedy"]) == (state == "broken")


def test_driver_none_is_broken_only_without_other_links() -> None:
    snapshot = host(network_mode="none")
    web = snapshot["namespaces"][1]
    web["routes"] = []
    told = _asked(snapshot, results=[_probed("target ping", "ping", "unreachable")])
    assert told["first_broken"] == "route"
    assert [step["step"] for step in told["steps"] if step["state"] == "broken"] == ["route", "target"]
    web["interfaces"], web["addresses"] = [], []
    told = _asked(snapshot, results=[_probed("target ping", "ping", "unreachable")])
    assert told["first_broken"] == "namespace"
    assert "docker network disconnect none web" in told["remedy"]


def test_container_in_host_mode_is_probed_from_the_host() -> None:
    snapshot = host(network_mode="host")
    box, web = snapshot["namespaces"]
    box["containers"], web["containers"] = ["web"], []
    asked = troubleshoot({"h1": snapshot}, host="h1", source="container:web", target="10.0.0.1:80")
    assert asked["netns"] == "host"
    assert (
        troubleshoot({"h1": host()}, host="h1", source="container:web", target="10.0.0.1")["netns"] == "container:web"
    )


def test_process_that_left_its_namespace_is_broken() -> None:
    told = _asked(host(netns="1"))
    assert told["first_broken"] == "namespace"


def test_probe_takes_precedence_over_prediction() -> None:
    snapshot = host()
    snapshot["namespaces"][1]["routes"] = []
    told = _asked(snapshot)
    assert told["first_broken"] == "route"
    ping = {
        "name": "target ping",
        "type": "ping",
        "target": "10.0.0.1",
        "state": "open",
        "met": True,
        "reason": "it answers",
    }
    told = _asked(snapshot, results=[ping])
    assert (told["reached"], told["first_broken"]) == (True, None)
    assert _step(told, "route")["state"] == "note"


def test_unexplained_failure_is_unknown() -> None:
    ping = {
        "name": "target ping",
        "type": "ping",
        "target": "10.0.0.1",
        "state": "filtered",
        "met": False,
        "reason": "silence",
    }
    told = _asked(host(), results=[ping])
    assert (told["reached"], told["first_broken"], told["confident"]) == (False, "target", False)
    assert "unknown" in told["cause"]


def _probed(name: str, kind: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "target": "10.0.0.1",
        "state": state,
        "met": state == "open",
        "reason": state,
        **more,
    }


@pytest.mark.parametrize(("target", "state"), [("10.0.0.1", "note"), ("db", "broken")])
def test_address_needs_no_name_server(target: str, state: str) -> None:
    told = _asked(
        host(), target, results=[_probed("target ping", "ping", "open"), _probed("resolver", "dns", "filtered")]
    )
    assert _step(told, "resolver")["state"] == state


def _silent(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [_probed("target ping", "ping", "filtered"), *more]


def test_wrong_name_resolution_is_broken() -> None:
    snapshot = host()
    db = {"container": "db", "aliases": [], "network_id": "n", "network": "net", "ipv4": "10.0.0.1/24"}
    web = {**db, "container": "web", "container_id": "a" * 64, "ipv4": "10.0.0.2/24", "mac": "", "gateway": ""}
    snapshot["docker"]["endpoints"] = [row("docker_endpoint", **db), row("docker_endpoint", **web)]
    probed = [
        _probed("target ping", "ping", "open"),
        _probed("name", "ping", "filtered", addresses=["10.0.0.200"], resolved_by="/etc/hosts"),
    ]
    told = _asked(snapshot, "db", results=probed)
    assert (told["reached"], told["first_broken"]) == (True, "name")
    assert "/etc/hosts resolves db to 10.0.0.200, but its address in Docker is 10.0.0.1" in told["cause"]
    probed[1]["addresses"] = ["10.0.0.1"]
    assert _asked(snapshot, "db", results=probed)["first_broken"] is None


@pytest.mark.parametrize(
    ("address", "words"), [("127.0.0.1", "only on 127.0.0.1"), ("0.0.0.0", "no DNAT rule or proxy")]
)
def test_port_published_on_another_host_only(address: str, words: str) -> None:
    snapshot = host()
    port = {"container": "db", "protocol": "tcp", "container_port": 80, "host_address": address, "host_port": 8080}
    snapshot["docker"]["published_ports"] = [row("published_port", **port)]
    told = _asked(snapshot, "10.0.0.1:8080", results=[_probed("target", "tcp", "refused", port=8080)])
    assert told["first_broken"] == "published port"
    assert words in told["cause"]


def test_link_without_arp_is_broken() -> None:
    snapshot = host()
    snapshot["namespaces"][1]["interfaces"][0]["flags"] = ["NOARP"]
    told = _asked(snapshot, results=_silent())
    assert (told["first_broken"], told["remedy"]) == ("link", "nsenter --target 42 --net ip link set eth0 arp on")


def test_duplicate_mac_addresses_on_one_bridge() -> None:
    snapshot = host()
    box, web = snapshot["namespaces"]
    web["interfaces"][0]["mac"] = "02:00:00:00:00:02"
    port = {**box["interfaces"][1], "index": 7, "name": "v1", "peer_netns": "3"}
    box["interfaces"].append(port)
    snapshot["namespaces"].append({**web, "netns": "3", "reference": "container:twin", "containers": ["twin"]})
    told = _asked(snapshot, results=_silent())
    assert told["first_broken"] == "peer"
    assert "container:twin has the same MAC address" in told["cause"]


def test_unsupported_firewall_rule_is_a_possible_cause() -> None:
    snapshot = host()
    chain = {"backend": "iptables-nft", "family": "ip", "table": "filter", "chain": "INPUT"}
    snapshot["namespaces"][0]["firewall_chains"] = [
        row("firewall_chain", **chain, hook="input", type="filter", policy="accept", priority=0)
    ]
    match = [{"option": "match", "values": ["statistic"], "negated": False}]
    text = "-A INPUT -m statistic --mode random --probability 0.5 -j DROP"
    snapshot["namespaces"][0]["firewall_rules"] = [
        row("firewall_rule", **chain, position=1, match=match, target="drop", text=text)
    ]
    told = _asked(snapshot, results=_silent())
    assert (told["first_broken"], told["confident"]) == ("firewall", False)
    assert text in told["cause"]
    assert told["remedy"] == "iptables-nft -t filter -S INPUT   # on h1"


def test_path_between_hosts_in_containers_is_followed() -> None:
    """Their uplink leads to the outer machine, of which their snapshots contain only the interface index."""
    snapshots = {}
    for name, address in (("h1", "192.0.2.1"), ("h2", "192.0.2.2")):
        snapshot = host()
        box = snapshot["namespaces"][0]
        uplink = {**box["interfaces"][1], "index": 9, "name": "up", "master_index": None, "master": None}
        box["interfaces"].append({**uplink, "peer_netns": "nsid:0@1", "peer_index": 2, "peer": "port"})
        around = _namespace("nsid:0@1", "unowned", "", [], (1, "lo", "127.0.0.1"))
        around["interfaces"] = [
            {**uplink, "index": 2, "name": "port", "peer_netns": "1", "peer_index": 9, "peer": "up"}
        ]
        more = _namespace("1", "host", "host", [], (9, "up", address))
        box["addresses"] += more["addresses"]
        box["routes"] += [{**one, "dst": one["dst"].replace("10.0.0.0", "192.0.2.0")} for one in more["routes"]]
        snapshot["namespaces"].append({**around, "reference": None})
        snapshots[name] = snapshot
    told = explain_path(snapshots, host="h1", source="host", target="192.0.2.2")
    assert told["reaches"] is True, told
    snapshots["h2"]["namespaces"][0]["sysctls"] = {"net/ipv4/icmp_echo_ignore_all": "1"}
    told = explain_path(snapshots, host="h1", source="host", target="192.0.2.2")
    assert (told["reaches"], told["about"], told["stops_at"]["host"]) == (False, "service", "h2")


def test_only_the_target_and_its_path_are_probed() -> None:
    asked = troubleshoot({"h1": host()}, host="h1", source="container:web", target="10.0.0.1:80")["checks"]
    assert {check["target"] for check in asked} <= {"10.0.0.1", "10.0.0.2", "web"}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"host": "h9"}, "no snapshot of h9"),
        ({"source": "container:nobody"}, "no namespace container:nobody"),
        ({"target": "10.0.0.1:99999"}, "99999 is not a valid port"),
        ({"sauce": "x"}, "options are host, source"),
    ],
)
def test_invalid_question_is_rejected(question: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        _asked(host(), **question)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"protocol": "tcp"}, "port: required for tcp"),
        ({"protocol": "gre"}, "protocol: 'gre'"),
        ({"target": "nobody"}, "target: 'nobody' is neither an address"),
        ({"target": "container:nobody"}, "no namespace container:nobody"),
    ],
)
def test_impossible_packet_is_rejected(question: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        explain_path({"h1": host()}, **{"host": "h1", "source": "container:web", "target": "10.0.0.1", **question})


def test_hostile_names_are_escaped_in_the_report() -> None:
    snapshot = host()
    snapshot["namespaces"][1]["interfaces"][0]["name"] = HOSTILE
    told = _asked(snapshot)
    assert all(line.isprintable() for line in told["lines"])
    for text in ("<b>", "{{ 7", "\x1b"):
        assert text not in told["markdown"]
    # A Markdown table has as many separators in each row as in its header.
    rows = [line for line in told["markdown"].splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4}
