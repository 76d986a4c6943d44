# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checklist's verdicts on hosts made by hand: what each mode means, what is not known, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.filter.explain_path import explain_path
from ansible_collections.netfleet.docker.plugins.filter.troubleshoot import troubleshoot

from ..auditing import row

HOSTILE = "<b>x|`{{ 7*7 }}`\x1b[31m"


def host(**container: Any) -> dict[str, Any]:
    """Return the snapshot of a host with one container, web, at the bridge br0; what is said of it is changed."""
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
    names = {"names": [], "paths": [], "processes": [], "containers": ["web"] if kind == "container" else []}
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


def test_where_nothing_is_broken_and_nothing_was_tried_nothing_is_claimed() -> None:
    told = _asked(host())
    assert (told["reached"], told["first_broken"], told["confident"]) == (None, None, False)
    assert told["path"]["reaches"] is True


def test_a_stopped_container_is_the_first_broken_step() -> None:
    snapshot = host(state="exited", pid=None, netns=None)
    snapshot["namespaces"] = snapshot["namespaces"][:1]
    told = _asked(snapshot)
    assert told["first_broken"] == "process"
    assert told["remedy"] == "docker start web"
    assert not troubleshoot({"h1": snapshot}, host="h1", source="container:web", target="10.0.0.1")["checks"]


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"network_mode": "host"}, "shares the host's network"),
        ({"network_mode": "none"}, "driver none"),
        ({"network_mode": "container:x", "joined": "db"}, "shares the network of container db"),
    ],
)
def test_modes_are_explained(container: dict[str, Any], words: str) -> None:
    step = _step(_asked(host(**container)), "namespace")
    assert step["state"] == "note"
    assert words in step["detail"]


def test_a_process_that_left_its_namespace_is_broken() -> None:
    told = _asked(host(netns="1"))
    assert told["first_broken"] == "namespace"


def test_what_was_tried_outweighs_what_was_foretold() -> None:
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


def test_what_nothing_explains_is_not_known() -> None:
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
    assert "not known" in told["cause"]


def test_only_the_target_and_what_is_on_the_way_to_it_is_asked() -> None:
    asked = troubleshoot({"h1": host()}, host="h1", source="container:web", target="10.0.0.1:80")["checks"]
    assert {check["target"] for check in asked} <= {"10.0.0.1", "10.0.0.2", "web"}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"host": "h9"}, "no snapshot of h9"),
        ({"source": "container:nobody"}, "has no namespace container:nobody"),
        ({"target": "10.0.0.1:99999"}, "99999 is no port"),
        ({"sauce": "x"}, "takes host, source"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(question: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        _asked(host(), **question)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"protocol": "tcp"}, "port: tcp needs one"),
        ({"protocol": "gre"}, "protocol: 'gre'"),
        ({"target": "nobody"}, "target: 'nobody' is no address"),
        ({"target": "container:nobody"}, "has no namespace container:nobody"),
    ],
)
def test_a_packet_that_cannot_be_is_refused(question: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        explain_path({"h1": host()}, **{"host": "h1", "source": "container:web", "target": "10.0.0.1", **question})


def test_names_do_no_harm_in_what_is_told() -> None:
    snapshot = host()
    snapshot["namespaces"][1]["interfaces"][0]["name"] = HOSTILE
    told = _asked(snapshot)
    assert all(line.isprintable() for line in told["lines"])
    for text in ("<b>", "{{ 7", "\x1b"):
        assert text not in told["markdown"]
    # A table has as many bars in each row as in its head.
    rows = [line for line in told["markdown"].splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4}
