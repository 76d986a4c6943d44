# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the audit: complete, tested in both directions, and safe against hostile names."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import rule_files, sql_macros, templates
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema
from ansible_collections.netfleet.docker.plugins.plugin_utils._core import text
from ansible_collections.netfleet.docker.tests.auditing import evaluate, objects, rules
from ansible_collections.netfleet.docker.tests.kernel import (
    test_rules_engine,
    test_rules_faults,
    test_rules_host,
    test_rules_swarm,
)
from ansible_collections.netfleet.docker.tests.unit import test_rules_recorded as recorded
from ansible_collections.netfleet.docker.tests.unit.recorded_fleet import fleet

_DOCS = Path(__file__).parents[2] / "docs/guides/write-a-rule.md"
# Values of a rule's evidence that users can name.
_HOSTILE = "<b>x'\"{{7*7}}$(touch pwned)`touch pwned`;touch pwned\ntouch pwned\n#"
_IDS = [rule.id for rule in rules()]
# Columns with values of the kernel or Docker that users cannot choose.
_WORDS = {"protocol", "state", "absent", "type"}


def test_each_rule_has_a_positive_and_a_negative_test() -> None:
    planted = set(test_rules_host.PLANTED) | set(test_rules_host.ALSO_PLANTED)
    planted |= set(test_rules_swarm.PLANTED) | set(test_rules_swarm.ALSO_PLANTED) | set(test_rules_swarm.HABITS)
    planted |= set(test_rules_engine.PLANTED) | set(test_rules_engine.SILENT)
    planted |= {rule for fault in test_rules_faults.FAULTS.values() for rule in fault.found}
    assert planted | set(recorded.FIRES) == set(_IDS)
    # Rules that have findings on a healthy host in a sandbox. Their negative test uses another host or a recording.
    habits = test_rules_host.HABITS | set(test_rules_swarm.HABITS)
    assert habits <= set(test_rules_engine.SILENT) | set(recorded.SILENT)


def test_recorded_rules_have_a_positive_and_a_negative_test() -> None:
    assert set(recorded.FIRES) <= set(recorded.SILENT)


@pytest.mark.parametrize("rule", rules(), ids=_IDS)
def test_rule_file_is_complete(rule: rule_files.AuditRule) -> None:
    assert rule.references
    assert rule.reason.endswith(".")
    assert len(rule.title) <= 80
    assert "\n" not in rule.object
    # An identity must not change on its own.
    assert not {"netns", "pid", "index", "packets", "connections", "entries"} & set(rule.key)


@pytest.mark.parametrize("rule", rules(), ids=_IDS)
def test_json_operators_are_in_parentheses(rule: rule_files.AuditRule) -> None:
    # Before version 2.0, DuckDB parses a->>'b' = 'c' as a->>('b' = 'c').
    assert re.findall(r"(?<![(\w.])[\w.]+->", rule.query) == []


_SITE = "the IPv4 gateway identifies a site; addresses of both families are compared"
# Rules that name one address family only, and the reason.
_ONE_FAMILY = {
    "accept-ra-forwarding": "IPv4 has no router advertisements",
    "address-pools-nearly-used": "the pools for IPv6 have 2 to the power of 48 subnets or more",
    "bridge-nf-off": "the sysctl for IPv4 applies to every network, that for IPv6 to networks with IPv6",
    "docker-chains-missing": "older versions do not create DOCKER-USER for IPv6",
    "duplicate-mac": _SITE,
    "forwarding-off": "sysctls of interfaces do not disable IPv6 forwarding, and that of all interfaces is compared",
    "loopback-publish-exposed": "the kernel drops packets to ::1 from outside before a rule can translate them",
    "macvlan-duplicate-address": _SITE,
    "macvlan-ranges-overlap": _SITE,
    "network-route-missing": "an IPv6 route of a bridge without a carrier can be missing",
    "overlay-pool-nearly-used": "an IPv6 subnet of an overlay network is never full",
    "pool-nearly-used": "an IPv6 subnet of a Docker network is never full",
    "segment-mtu-differs": _SITE,
}
_FAMILY = re.compile(
    r"family = 'ip6?'|\bfamily = [46]|ip_family\([^()]*(?:\([^()]*\))?[^()]*\) = [46]|'0\.0\.0\.0/0'|'::/0'"
)


def test_rules_check_both_address_families() -> None:
    found = {}
    for rule in rules():
        named = {"6" if "6" in one or "::" in one else "4" for one in _FAMILY.findall(rule.query)}
        if len(named) == 1:
            found[rule.id] = named
    assert set(found) == set(_ONE_FAMILY)


@pytest.fixture(scope="module")
def empty() -> Iterator[Any]:
    """Return a database with all tables and no rows."""
    import duckdb

    database = duckdb.connect(":memory:", config={"threads": 1})
    for statement in schema.build_create_statements():
        database.execute(statement)
    sql_macros.define_macros(database)
    yield database
    database.close()


@pytest.mark.parametrize("rule", rules(), ids=_IDS)
def test_rule_file_lists_the_tables_of_its_query(rule: rule_files.AuditRule, empty: Any) -> None:
    read = set(empty.get_table_names(rule.query)) & set(schema.list_snapshot_tables())
    # More tables can be listed: the kind of a namespace depends on engine data of containers.
    assert set(rule.needs) >= read - {"host", "missing"}


@pytest.mark.parametrize("rule", rules(), ids=_IDS)
def test_names_cannot_inject_commands_into_a_remedy(rule: rule_files.AuditRule, empty: Any, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "touch").symlink_to("/usr/bin/touch")
    for values in _hostile(rule, empty):
        remedy = templates.render_template(rule.remedy, values)
        command = ["/bin/bash", "--norc", "-c", remedy]
        syntax = subprocess.run([*command[:2], "-n", *command[2:]], capture_output=True, text=True, check=False)
        assert (syntax.returncode, syntax.stderr) == (0, ""), remedy
        subprocess.run(
            command,
            cwd=tmp_path,
            env={"PATH": str(programs)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert os.listdir(tmp_path) == ["programs"], remedy
        assert "\n" not in text.escape_invisible(templates.render_template(rule.object, values))


def _hostile(rule: rule_files.AuditRule, empty: Any) -> Iterator[dict[str, Any]]:
    """Return the columns of a rule with hostile values, and once with nulls."""
    described = empty.execute(f"DESCRIBE {rule.query}").fetchall()
    texts: dict[str, Any] = {}
    for name, kind, *_rest in described:
        if kind == "VARCHAR":
            texts[name] = "tcp" if name in _WORDS else _HOSTILE
        elif kind.endswith("[]"):
            # No process has this PID.
            texts[name] = [2**22 + 1] if "INT" in kind else [_HOSTILE]
        else:
            texts[name] = False if kind == "BOOLEAN" else 2**22 + 1
    yield texts
    if "namespace" in texts:
        yield {**texts, "namespace": "host"}
        yield {**texts, "path": None}
    for word in ("down", "missing", "network", "mount"):
        yield {**texts, **dict.fromkeys(_WORDS & set(texts), word)}


def test_example_of_the_guide_is_a_valid_rule(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(# container-in-two-networks\.yml\n.*?)```", _DOCS.read_text("utf-8"), re.DOTALL)
    assert set(yaml.safe_load(example)) >= {"title", "severity", "scope", "reason", "remedy", "key", "object", "query"}
    (tmp_path / "container-in-two-networks.yml").write_text(example, encoding="utf-8")
    hosts = fleet()
    first = hosts["h1"]["docker"]["endpoints"][0]
    hosts["h1"]["docker"]["endpoints"].append({**first, "network": "other", "network_id": "other"})
    found = evaluate(hosts, folder=tmp_path)
    assert objects(found, "container-in-two-networks") == ["h1: container c1"]
    assert found[0]["evidence"]["networks"] == ["far", "other"]
