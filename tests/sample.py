# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report of a simulated fleet with known faults, and a host with hostile names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.netfleet.docker.tests import fleet

SEVERITIES = ("critical", "high", "medium", "low", "info")
_SAID = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
_RULE = ("title", "severity", "scope", "reason", "references")
RULES: dict[str, dict[str, Any]] = {rule: {name: said[name] for name in _RULE} for rule, said in _SAID.items()}
HOSTILE = (
    "<b>x",
    "{{7*7}}",
    "$(id)",
    "\x1b[31mred",
    "bad\\xff\\xfe",
    "\u202egnp.exe",
    "'\";-rf",
    '=cmd()&"',
)
ALIAS = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\u2028{{ 7*7 }}\x1b]0;x\x07 =cmd|'/c calc'!A0"


def findings(hosts: int) -> Iterator[dict[str, Any]]:
    """Return the findings of a fleet; every sixth container on the default bridge is waived."""
    for number in range(hosts):
        for rule, said in _SAID.items():
            if number % said["planted"]["every"] == said["planted"]["from"]:
                waived = rule == "default-bridge" and number % 6 == 0
                yield _finding(
                    *(rule, f"node-{number:05d}", said["object"], said["evidence"], said["remedy"]),
                    remediation=said.get("remediation"),
                    waived={"reason": "moves in spring", "until": "2026-06-30"} if waived else None,
                )


def _finding(rule: str, host: str, about: str, evidence: Mapping[str, Any], remedy: str, **more: Any) -> dict[str, Any]:
    identity = hashlib.sha256(f"{rule} {host} {about}".encode()).hexdigest()[:32]
    return {
        "rule": rule,
        "title": RULES[rule]["title"],
        "severity": RULES[rule]["severity"],
        "scope": RULES[rule]["scope"],
        "host": host,
        "object": about,
        "evidence": dict(evidence),
        "remedy": remedy,
        "fingerprint": identity,
        "status": "new" if int(identity[0], 16) < 4 else "unchanged",
        "waived": None,
        "remediation": None,
        **more,
    }


def report(database: Any, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the report of the hosts in a database."""
    found = sorted(found, key=lambda one: (SEVERITIES.index(one["severity"]), one["rule"], one["host"]))
    counts: dict[tuple[str, str], int] = {}
    for one in found:
        if not one["waived"]:
            counts[one["host"], one["severity"]] = counts.get((one["host"], one["severity"]), 0) + 1
    rows = database.execute(
        "SELECT host, hostname, count(*), count(*) FILTER (kind = 'container') FROM host JOIN netns USING (host)"
        " GROUP BY ALL ORDER BY host"
    ).fetchall()
    hosts = [
        {
            "name": host,
            "hostname": hostname or host,
            "os": "Debian GNU/Linux 12 (bookworm)",
            "kernel": "6.1.0-32-amd64",
            "engine_version": "20.10.24",
            "taken_at": "2026-03-01T08:00:00Z",
            "namespaces": spaces,
            "containers": containers,
            "networks": 5,
            "findings": {severity: counts.get((host, severity), 0) for severity in SEVERITIES},
            "rules_not_checked": 2 if host == rows[-1][0] else 0,
        }
        for host, hostname, spaces, containers in rows
    ]
    return {
        "version": 1,
        "created": "2026-03-01T08:04:11Z",
        "collector": "netfleet.docker 0.1.0",
        "earlier": {"created": "2026-02-22T08:03:57Z", "collector": "netfleet.docker 0.1.0"},
        "summary": {
            "hosts": len(hosts),
            **{name: sum(host[name] for host in hosts) for name in ("namespaces", "containers", "networks")},
            "findings": {one: sum(host["findings"][one] for host in hosts) for one in SEVERITIES},
            "waived": sum(bool(one["waived"]) for one in found),
            "new": sum(one["status"] == "new" and not one["waived"] for one in found),
            "fixed": 2,
            "not_checked": 1,
            "absent": 1,
            "rules": {"failed": len(RULES), "partly checked": 1, "passed": 2, "not applicable": 1},
            "gaps": "1 of 14 hosts has no snapshot; 2 rules were not completely checked on host " + rows[-1][0],
        },
        "rules": {
            name: {
                **rule,
                "findings": (number := sum(one["rule"] == name and not one["waived"] for one in found)),
                "waived": 0,
                "key": ["container", "interface", "network"],
                "state": "failed" if number else "passed",
                "checked": len(hosts),
                "not_checked": 1,
                "not_applicable": 0,
            }
            for name, rule in RULES.items()
        },
        "controls": [
            {"control": "2.7", "state": "failed", "findings": 2, "rules": ["api-without-tls"]},
            {"control": "5.14", "state": "failed", "findings": 3, "rules": ["published-everywhere"]},
            {"control": "7.3", "state": "not applicable", "findings": 0, "rules": ["overlay-not-encrypted"]},
        ],
        "hosts": hosts,
        "absent": ["node-offline"],
        "findings": found,
        "findings_left_out": 0,
        "fixed": [
            {
                "rule": "dangling-veth",
                "title": RULES["dangling-veth"]["title"],
                "severity": "low",
                "host": rows[0][0],
                "object": f"veth{n}dead",
            }
            for n in range(2)
        ],
        "appeared": [{"host": rows[0][0], "type": "container", "name": "web-1"}],
        "vanished": [{"host": rows[0][0], "type": "network", "name": "old_default"}],
        "not_checked": [
            {"rule": rule, "host": rows[-1][0], "netns": None, "reason": "firewall: iptables-save is not there"}
            for rule in ("published-everywhere", "forward-drop")
        ],
        "broken_rules": [{"rule": "our-own", "reason": 'query: Referenced column "prt" not found'}],
        "broken_snapshots": [{"file": "snapshots/node-x.json.gz", "reason": "not a complete gzip file"}],
        "waivers": [
            {"rule": "dangling-veth", "reason": "known", "until": "2026-02-01", "expired": True, "accepted": 0}
        ],
    }


def plant(database: Any, hosts: int) -> None:
    """Add the links to the tables to which the findings refer."""
    for number in range(3, hosts, 4):
        link = {"host": f"node-{number:05d}", "netns": fleet.HOST, "index": 9000, "name": "veth0c0ffee", "kind": "veth"}
        fleet.insert(database, "interface", [{**link, "up": True, "running": False, "mtu": 1500, "master_index": 3}])


def hostile(database: Any) -> list[dict[str, Any]]:
    """Add a host with hostile names; return findings with hostile names."""
    host = "<i>h</i>\u202e\x1b[1m"
    fleet.insert(database, "host", [{"host": host, "name": host, "hostname": "</title><script>alert(3)</script>"}])
    spaces = [
        ("1", "host", "host", None),
        ("2", "named", "<u>n</u>{{x}}", None),
        ("3", "container", "container:c", "<s>c</s>\\xff"),
    ]
    for netns, kind, reference, container in spaces:
        fleet.insert(
            database,
            "netns",
            [
                {
                    "host": host,
                    "netns": netns,
                    "kind": kind,
                    "reference": reference,
                    "container": container,
                    "containers": [],
                }
            ],
        )
    for number, name in enumerate(HOSTILE, 2):
        fleet.insert(
            database,
            "interface",
            [
                {
                    "host": host,
                    "netns": "2" if number % 2 else "1",
                    "index": number,
                    "name": name,
                    "kind": "bridge",
                    "up": False,
                    "mtu": 1500,
                    "alias": ALIAS,
                    "docker_network": '"><b>net',
                }
            ],
        )
    fleet.insert(
        database,
        "interface",
        [
            {
                "host": host,
                "netns": "3",
                "index": 2,
                "name": "</text>",
                "kind": "macvlan",
                "up": True,
                "running": True,
                "mtu": 1400,
                "alias": ALIAS,
                "parent_netns": "1",
                "parent_index": 2,
            }
        ],
    )
    return [
        _finding(
            "published-everywhere",
            host,
            f"{name} {ALIAS}",
            {"netns": "1", "interface": name, "<b>key</b>": ALIAS, "list": [name, {"a": ALIAS}]},
            f"ip link delete '{name}' # {ALIAS}",
        )
        for name in HOSTILE
    ]
