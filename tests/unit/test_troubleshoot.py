# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts of the checklist on constructed hosts: network modes, unknown results, and the output."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.filter.explain_path import explain_path
from ansible_collections.netfleet.docker.plugins.filter.troubleshoot import troubleshoot
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.case import find_hosts
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.references import (
    list_references,
    parse_target,
)

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
        "rules": [
            row("rule", family=4, priority=priority, action="lookup", table=table, inverted=False)
            for priority, table in ((0, 255), (32766, 254), (32767, 253))
        ],
        **{name: [] for name in ("neighbours", "fdb", "sockets", "firewall_chains", "firewall_rules")},
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", (None, "10.0.0.1", None, "tcp")),
        ("10.0.0.1:80", (None, "10.0.0.1", 80, "tcp")),
        ("fd00::2", (None, "fd00::2", None, "tcp")),
        ("[fd00::2]:80", (None, "fd00::2", 80, "tcp")),
        ("[fd00::2]", (None, "fd00::2", None, "tcp")),
        ("db:5432", (None, "db", 5432, "tcp")),
        ("host:22", (None, "host", 22, "tcp")),
        ("h2/host:22", ("h2", "host", 22, "tcp")),
        ("container:db", (None, "container:db", None, "tcp")),
        ("container:db:5432", (None, "container:db", 5432, "tcp")),
        ("h2/container:db:5432", ("h2", "container:db", 5432, "tcp")),
        ("pid:42", (None, "pid:42", None, "tcp")),
        ("path:/run/netns/a", (None, "path:/run/netns/a", None, "tcp")),
        ("h2/path:/run/netns/a:80", ("h2", "path:/run/netns/a", 80, "tcp")),
        ("http://db/x?y", (None, "db", 80, "tcp")),
        ("https://user:secret@db:8443/", (None, "db", 8443, "tcp")),
        ("HTTPS://[fd00::2]/", (None, "fd00::2", 443, "tcp")),
        ("postgresql://db/app", (None, "db", 5432, "tcp")),
        ("udp://10.0.0.1:53", (None, "10.0.0.1", 53, "udp")),
        ("dns://10.0.0.1", (None, "10.0.0.1", 53, "udp")),
    ],
)
def test_target_is_parsed(text: str, expected: tuple[str | None, str, int | None, str]) -> None:
    assert tuple(parse_target(text)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("db:http", "http is not a valid port"),
        ("db:", "is not a valid port"),
        ("container:db:0", "0 is not a valid port"),
        ("[db]:80", "not an IPv6 address in brackets"),
        ("foo://db", "requires a port"),
        ("http://", "contains no host"),
        ("http://db:99999", "URL is invalid"),
        ("h9/container:web", "no snapshot of h9; must be one of h1"),
    ],
)
def test_invalid_target_is_rejected(text: str, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        _asked(host(), text)


def test_references_of_a_host_are_selected() -> None:
    texts = ["h1/container:web", "pid:42", "h2/pid:7:80", "db:5432", "10.0.0.1", "http://container:80", "host"]
    assert list(list_references(texts, "h1")) == ["container:web", "pid:42"]
    assert list(list_references(texts, "h2")) == ["pid:42", "pid:7"]


def test_source_of_one_host_is_selected() -> None:
    snapshots = {"h1": host(), "h2": host()}
    assert find_hosts(snapshots, "container:web") == ["h1", "h2"]
    assert find_hosts(snapshots, "h2/container:web") == ["h2"]
    assert find_hosts(snapshots, f"container:{'a' * 64}") == ["h1", "h2"]
    assert find_hosts(snapshots, "pid:4242") == []
    snapshots["h2"]["references"] = {"pid:4242": "2"}
    assert find_hosts(snapshots, "pid:4242") == ["h2"]


def _database(snapshot: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Add the container db with the address 10.0.0.1 of the bridge's namespace, in a network of its own."""
    db = {"id": "b" * 64, "name": "db", "state": "running", "pid": 43, "netns": "3", "network_mode": "net2"}
    snapshot["docker"]["containers"].append(row("container", **{**db, **changes}))
    end: dict[str, Any] = {"mac": "", "gateway": "", "aliases": [], "ipv6": None}
    web = {**end, "container": "web", "container_id": "a" * 64, "network": "net", "network_id": "n"}
    other = {**end, "container": "db", "container_id": "b" * 64, "network": "net2", "network_id": "m"}
    ends = [row("docker_endpoint", **web, ipv4="10.0.0.2/24"), row("docker_endpoint", **other, ipv4="10.0.0.1/24")]
    snapshot["docker"]["endpoints"] = ends
    return snapshot


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("paused", "docker unpause db   # on h1"),
        ("exited", "docker start db   # on h1"),
        ("created", "docker start db   # on h1"),
        ("restarting", "docker logs --tail 20 db   # why does it end?"),
    ],
)
def test_container_of_the_target_that_cannot_answer_is_the_cause(state: str, remedy: str) -> None:
    told = _asked(_database(host(), state=state), results=[_probed("target ping", "ping", "open")])
    assert (told["reached"], told["first_broken"], told["remedy"]) == (True, "target container", remedy)
    assert f"container db is {state}" in told["cause"]
    assert told["lines"][1] == "the target accepts connections, but its programs cannot answer"


def test_stopped_target_container_is_named_by_its_reference() -> None:
    snapshot = host()
    snapshot["docker"]["containers"].append(row("container", id="b" * 64, name="db", state="exited"))
    for target in ("container:db", "db:5432", f"container:{'b' * 12}"):
        told = _asked(snapshot, target)
        assert (told["first_broken"], told["remedy"]) == ("target container", "docker start db   # on h1")


def test_paused_source_is_broken() -> None:
    told = _asked(host(state="paused"))
    assert (told["first_broken"], told["remedy"]) == ("process", "docker unpause web")


@pytest.mark.parametrize(
    ("joined", "words", "remedy"),
    [
        (
            {"state": "running", "netns": "9"},
            "former namespace of container db, which was restarted",
            "docker restart web",
        ),
        ({"state": "exited"}, "which is exited", "docker start db && docker restart web"),
        (None, "which no longer exists", ""),
        ({"state": "running", "netns": "2"}, None, ""),
        # Its namespace is not known.
        ({"state": "running"}, None, ""),
    ],
)
def test_container_left_in_a_former_namespace(joined: dict[str, Any] | None, words: str | None, remedy: str) -> None:
    snapshot = host(network_mode="container:db", joined_id="b" * 64, joined="db")
    if joined:
        snapshot["docker"]["containers"].append(row("container", id="b" * 64, name="db", **joined))
    told = _asked(snapshot)
    assert (told["first_broken"] == "process") is (words is not None)
    assert (words or "") in told["cause"]
    assert told["remedy"] == remedy


def test_containers_without_a_common_network_are_connected_by_the_remedy() -> None:
    snapshot = _database(host())
    chain = {"backend": "iptables-nft", "family": "ip", "table": "filter", "chain": "INPUT"}
    snapshot["namespaces"][0]["firewall_chains"] = [
        row("firewall_chain", **chain, hook="input", type="filter", policy="drop", priority=0)
    ]
    told = _asked(snapshot, results=_silent())
    assert (told["first_broken"], told["remedy"]) == ("firewall", "docker network connect net2 web")
    assert "web (net) and db (net2) have no common network" in told["cause"]


def test_bridge_network_of_another_host_is_not_reachable() -> None:
    near, far = host(), _database(host())
    far["namespaces"][1].update(containers=["db"], reference="container:db")
    far["namespaces"][1]["addresses"][0]["address"] = "10.7.0.2"
    far["docker"]["endpoints"][1].update(ipv4="10.7.0.2/24")
    far["docker"]["networks"] = [row("docker_network", id="m", name="net2", driver="bridge")]
    for target in ("10.7.0.2:80", "h2/container:db:80"):
        told = troubleshoot({"h1": near, "h2": far}, host="h1", source="container:web", target=target, results=[])
        assert told["first_broken"] == "Docker network"
        assert "bridge networks are not connected between hosts" in told["cause"]
        assert told["remedy"].startswith("# use a published port of db on h2")


def test_open_ports_are_named_for_a_closed_one() -> None:
    snapshot = host()
    listening = {"protocol": "tcp", "v6only": False}
    snapshot["namespaces"][0]["sockets"] = [
        row("socket", **listening, address="0.0.0.0", port=5432),
        row("socket", **listening, address="127.0.0.1", port=80),
    ]
    told = _asked(snapshot, "10.0.0.1:80", results=[_probed("target", "tcp", "refused", port=80)])
    assert told["first_broken"] == "service"
    assert "listening there: 127.0.0.1:80, 5432" in told["cause"]


@pytest.mark.parametrize(("macs", "state"), [(("05", "06"), "ok"), (("05", "99"), "broken")])
def test_host_that_answers_on_two_links_is_no_duplicate(macs: tuple[str, str], state: str) -> None:
    snapshot = host()
    second = {**snapshot["namespaces"][0]["interfaces"][0], "index": 9, "name": "mv-host", "mac": "02:00:00:00:00:06"}
    snapshot["namespaces"][0]["interfaces"].append(second)
    found = _probed("neighbour", "neighbour", "duplicate", macs=[f"02:00:00:00:00:{mac}" for mac in macs])
    told = _asked(snapshot, results=[found, _probed("target ping", "ping", "open")])
    assert _step(told, "neighbour")["state"] == state


def test_unreachable_ipv6_address_of_a_name_is_broken() -> None:
    snapshot = _database(host())
    snapshot["docker"]["endpoints"][1].update(ipv6="fd00::1/64", network_id="n", network="net")
    global6 = row(
        "address", index=2, interface="eth0", family=6, address="fd00::2", prefixlen=64, scope="global", flags=[]
    )
    snapshot["namespaces"][1]["addresses"].append(global6)
    asked = troubleshoot({"h1": snapshot}, host="h1", source="container:web", target="db:80")["checks"]
    assert [check["target"] for check in asked if check["name"] == "other address"] == ["fd00::1"]
    probed = [_probed("target", "tcp", "open", port=80), _probed("other address", "tcp", "filtered", port=80)]
    told = _asked(snapshot, "db:80", results=probed)
    assert (told["reached"], told["first_broken"]) == (True, "other address")
    assert told["lines"][1] == "the target is reachable over IPv4, but not over IPv6"
    probed[1] = _probed("other address", "tcp", "unresolved", port=80)
    assert _asked(snapshot, "db:80", results=probed)["first_broken"] is None


def test_gateway_of_the_host_that_does_not_answer_is_the_cause() -> None:
    snapshot = host()
    box, web = snapshot["namespaces"]
    default = {"family": 4, "type": "unicast", "metric": 0, "tos": 0, "flags": [], "table": 254, "dst": "0.0.0.0/0"}
    web["routes"].append(row("route", **default, index=2, interface="eth0", gateway="10.0.0.1"))
    uplink: dict[str, Any] = {"kind": None, "up": True, "running": True, "mtu": 1500, "flags": [], "options": {}}
    box["interfaces"].append(row("interface", index=8, name="eth9", **uplink))
    box["addresses"].append({**box["addresses"][0], "index": 8, "interface": "eth9", "address": "10.1.0.5"})
    box["routes"].append(row("route", **{**default, "dst": "10.1.0.0/24"}, index=8, interface="eth9"))
    box["routes"].append(row("route", **default, index=8, interface="eth9", gateway="10.1.0.254"))
    box["neighbours"] = [row("neighbour", index=8, interface="eth9", family=4, address="10.1.0.254", state="failed")]
    box["sysctls"] = {"net/ipv4/ip_forward": "1"}
    told = _asked(snapshot, "192.0.2.9", results=_silent())
    assert told["first_broken"] == "uplink"
    assert "10.1.0.254, the gateway of h1 on eth9, does not answer" in told["cause"]
    assert _asked(snapshot, "192.0.2.9", results=[_probed("target ping", "ping", "open")])["first_broken"] is None


def test_default_network_has_no_dns_server() -> None:
    snapshot = _database(host())
    snapshot["docker"]["endpoints"][0]["network"] = "bridge"
    lo = row("interface", index=1, name="lo", kind="loopback", up=True, running=True, mtu=65536, flags=[], options={})
    snapshot["namespaces"][1]["interfaces"].append(lo)
    local = {"family": 4, "type": "local", "metric": 0, "tos": 0, "flags": [], "table": 255, "dst": "127.0.0.0/8"}
    snapshot["namespaces"][1]["routes"].append(row("route", **local, index=1, interface="lo"))
    told = _asked(snapshot, "127.0.0.11:53", protocol="udp", results=[_probed("target", "udp", "refused", port=53)])
    assert told["first_broken"] == "service"
    assert "only in the default network bridge, which has no DNS server" in told["cause"]
