# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluation of rules: each row of the query of a rule is inserted into the table of findings."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import query_tree, templates
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.policy import Waiver
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.requirements import REQUIREMENTS
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.rule_files import AuditRule, BrokenRule
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import load, schema

FINDING = {
    "rule": "VARCHAR",
    "title": "VARCHAR",
    "severity": "VARCHAR",
    "scope": "VARCHAR",
    "host": "VARCHAR",
    "object": "VARCHAR",
    "evidence": "JSON",
    "remedy": "VARCHAR",
    "fingerprint": "VARCHAR",
    "status": "VARCHAR",
    "waived": "JSON",
    "remediation": "JSON",
}
# Tables whose rows are what a rule checks. Without any, the rule does not apply to a host.
_SUBJECTS = frozenset(
    (
        *("container", "published_port", "docker_network", "docker_endpoint", "network_peer", "bridge_network"),
        *("swarm_node", "swarm_service", "swarm_task", "docker_engine", "xfrm_state", "xfrm_policy", "drift", "probe"),
        *schema.list_policy_tables(),
    )
)
# Rows to process at a time.
_ROWS = 2000
# Largest integer that every JSON parser represents exactly.
_EXACT = 2**53


class _RuleError(Exception):
    """An error in the query or a template of a rule."""


def evaluate_rules(
    database: Any,
    rules: Sequence[AuditRule],
    waivers: Sequence[Waiver],
    today: datetime.date,
    lacking: frozenset[str] = frozenset(),
) -> list[BrokenRule]:
    """Fill the tables ``finding`` and ``not_checked``; return the rules that could not be evaluated.

    A rule that needs a table in ``lacking`` is not evaluated and not checked on any host.
    """
    columns = ", ".join(f"{schema.quote_identifier(name)} {kind}" for name, kind in FINDING.items())
    database.execute(f"CREATE TABLE finding ({columns})")
    database.execute(
        "CREATE TABLE not_checked"
        " (rule VARCHAR, host VARCHAR, netns VARCHAR, reason VARCHAR, part VARCHAR, cause VARCHAR)"
    )
    database.execute("CREATE TABLE not_applicable (rule VARCHAR, host VARCHAR)")
    _find_unmet_requirements(database, rules)
    # Rules must not read files or the network.
    database.execute("SET enable_external_access = false")
    broken = []
    for rule in rules:
        if lacks := sorted(lacking.intersection(rule.needs)):
            database.execute(
                "INSERT INTO not_checked SELECT ?, host, NULL, part || ': ' || cause, part, cause"
                " FROM host, (SELECT ? AS part, ? AS cause)",
                [rule.id, lacks[0], load.NOT_COLLECTED],
            )
            continue
        try:
            _evaluate_rule(database, rule, waivers, today)
        except _RuleError as error:
            database.execute("DELETE FROM finding WHERE rule = ?", [rule.id])
            broken.append(BrokenRule(rule.id, str(error)))
        else:
            _record_not_checked(database, rule)
            _record_not_applicable(database, rule)
            # Ignore findings on hosts whose snapshot does not include the data.
            database.execute(
                "DELETE FROM finding WHERE rule = ? AND host IN"
                " (SELECT host FROM missing WHERE reason = ? AND list_contains(?, part))",
                [rule.id, load.NOT_ASKED, schema.list_snapshot_parts(rule.needs)],
            )
    return broken


def _evaluate_rule(database: Any, rule: AuditRule, waivers: Sequence[Waiver], today: datetime.date) -> None:
    mine = [waiver for waiver in waivers if waiver.rule == rule.id]
    for rows in _query_findings(database, rule):
        findings = [_build_finding(rule, row) for row in rows]
        for finding in findings:
            waiver = next((one for one in mine if one.applies_to(finding, today)), None)
            if waiver:
                finding["waived"] = {"reason": waiver.reason, "until": waiver.until and waiver.until.isoformat()}
        _insert_findings(database, findings)


def _query_findings(database: Any, rule: AuditRule) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a query in batches, with JSON columns decoded."""
    import duckdb

    reader = database.cursor()
    try:
        _require_single_select(reader, rule.query)
        if error := query_tree.find_type_error(query_tree.parse_query(reader, rule.query)):
            raise _RuleError(f"query: {error}")
        reader.execute(f"SELECT * FROM ({rule.query.rstrip().rstrip(';')})")
        names = [column[0] for column in reader.description]
        if missing := next((name for name in ("host", *rule.key) if name not in names), None):
            raise _RuleError(
                f"query: column {missing} is missing; it is {'required' if missing == 'host' else 'listed in key'}"
            )
        data = [number for number, column in enumerate(reader.description) if str(column[1]) == "JSON"]
        while rows := reader.fetchmany(_ROWS):
            yield [dict(zip(names, _decode_row(row, data))) for row in rows]
    except duckdb.Error as error:
        raise _RuleError(f"query: {' '.join(str(error).split())}") from None
    finally:
        reader.close()


def _require_single_select(reader: Any, query: str) -> None:
    statements = reader.extract_statements(query)
    if len(statements) != 1 or statements[0].type.name not in ("SELECT", "SELECT_STATEMENT"):
        raise _RuleError("query: must be one SELECT statement")


def _decode_row(row: tuple[Any, ...], data: Iterable[int]) -> list[Any]:
    values = [_to_plain_value(value) for value in row]
    for number in data:
        values[number] = None if values[number] is None else json.loads(values[number])
    return values


def _to_plain_value(value: Any) -> Any:
    """Return a value that JSON can represent."""
    if isinstance(value, (bool, str, float)) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < _EXACT else str(value)
    if isinstance(value, (list, tuple)):
        return [_to_plain_value(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _to_plain_value(one) for key, one in value.items()}
    return str(value)


def _build_finding(rule: AuditRule, row: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(row["host"], str):
        raise _RuleError("query: returned a row without a host")
    evidence = {name: value for name, value in row.items() if name != "host"}
    try:
        return {
            "rule": rule.id,
            "title": rule.title,
            "severity": rule.severity,
            "scope": rule.scope,
            "host": row["host"],
            "object": templates.render_template(rule.object, row),
            "evidence": evidence,
            "remedy": templates.render_template(rule.remedy, row),
            "fingerprint": _compute_fingerprint(rule, row),
            "status": None,
            "waived": None,
            "remediation": templates.render_all(rule.remediation, row),
        }
    except templates.BadTemplate as error:
        raise _RuleError(f"object, remedy or remediation: {error}") from None


def _compute_fingerprint(rule: AuditRule, row: Mapping[str, Any]) -> str:
    """Return the identifier of a finding, which is stable across runs."""
    identity = [rule.id, row["host"], *([name, row[name]] for name in rule.key)]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]


def _insert_findings(database: Any, findings: Sequence[Mapping[str, Any]]) -> None:
    """Insert findings as one JSON document, which is a hundred times faster than single rows."""
    database.execute(
        "INSERT INTO finding SELECT unnest(one) FROM (SELECT unnest(from_json(?, ?)) AS one)",
        [json.dumps(findings), json.dumps([FINDING])],
    )


def _record_not_checked(database: Any, rule: AuditRule) -> None:
    """Record hosts with incomplete data for a rule."""
    database.execute(
        "INSERT INTO not_checked SELECT DISTINCT $rule, host, netns, part || ': ' || reason, part, reason FROM missing"
        " WHERE list_contains($parts, part) AND what <> 'gone'",
        {"rule": rule.id, "parts": schema.list_snapshot_parts(rule.needs)},
    )
    for name in rule.requires:
        database.execute(
            "INSERT INTO not_checked SELECT ?, host, NULL, reason, 'firewall', reason FROM unmet WHERE name = ?",
            [rule.id, name],
        )


def _record_not_applicable(database: Any, rule: AuditRule) -> None:
    """Record the hosts that have no rows in a table without which the rule has no findings."""
    tree = query_tree.parse_query(database, rule.query)
    for table in sorted(query_tree.find_required_tables(tree) & _SUBJECTS):
        has_host = "host" in schema.get_identifying_columns(table) or table in ("drift", "probe")
        condition = "host NOT IN (SELECT host FROM" if has_host else "NOT EXISTS (SELECT 1 FROM"
        database.execute(
            f"INSERT INTO not_applicable SELECT ?, host FROM host WHERE {condition} {schema.quote_identifier(table)})"
            " AND (? , host) NOT IN (SELECT (rule, host) FROM not_checked)",
            [rule.id, rule.id],
        )


def _find_unmet_requirements(database: Any, rules: Iterable[AuditRule]) -> None:
    """Fill the table ``unmet``: the hosts that do not meet a requirement of a rule, and the cause."""
    database.execute("CREATE TABLE unmet (name VARCHAR, host VARCHAR, reason VARCHAR)")
    for name in sorted({name for rule in rules for name in rule.requires}):
        database.execute(f"INSERT INTO unmet SELECT ?, * FROM ({REQUIREMENTS[name]})", [name])
