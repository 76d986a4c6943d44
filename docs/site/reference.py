# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of the reference that are generated: the rules of the audit and the tables."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import yaml
from ansible_collections.netfleet.docker.docs.site.markdown import code, table, toctree
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import rule_files
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

_CIS = re.compile(r"CIS Docker (\d+(?:\.\d+)+)")


def repository_url(root: Path) -> str:
    """Return the address of the repository."""
    return str(yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["repository"])


@functools.cache
def _rules() -> list[rule_files.AuditRule]:
    rules, broken = rule_files.read_rules([rule_files.OWN])
    if broken:
        raise ValueError("; ".join(one.reason for one in broken))
    return rules


def _link(reference: str) -> str:
    """Return a reference of a rule as a link, if it has an address."""
    if reference.startswith("https://"):
        return f"<{reference}>"
    if reference.startswith("CVE-"):
        return f"[{reference}](https://nvd.nist.gov/vuln/detail/{reference})"
    if number := re.fullmatch(r"RFC (\d+)", reference):
        return f"[{reference}](https://www.rfc-editor.org/rfc/rfc{number[1]})"
    if page := re.fullmatch(r"([\w-]+)\((\d)\)", reference):
        return f"[{reference}](https://man7.org/linux/man-pages/man{page[2]}/{page[1]}.{page[2]}.html)"
    return reference


def _cis_numbers(rule: rule_files.AuditRule) -> str:
    return ", ".join(number for one in rule.references for number in _CIS.findall(one))


def rule_index() -> list[str]:
    """Return the list of all rules, most severe first, and their table of contents."""
    rules = _rules()
    rows = [
        (f"[`{rule.id}`](rules/{rule.id}.md)", rule.severity, rule.scope, rule.title, _cis_numbers(rule))
        for rule in rules
    ]
    heads = ("Rule", "Severity", "Scope", "Fault", "CIS Docker Benchmark")
    return ["## All rules\n", table(heads, rows), toctree(f"rules/{rule.id}" for rule in sorted(rules, key=_by_id))]


def _by_id(rule: rule_files.AuditRule) -> str:
    return rule.id


def rule_pages() -> dict[str, str]:
    """Return the page of each rule by its ID."""
    return {rule.id: _rule_page(rule) for rule in _rules()}


def _rule_page(rule: rule_files.AuditRule) -> str:
    others = [one for one in rule.references if not _CIS.search(one)]
    remediation = f"`{rule.remediation['module']}`" if rule.remediation else "no"
    facts = [
        ("Severity", rule.severity),
        ("Scope", rule.scope),
        ("CIS Docker Benchmark", _cis_numbers(rule)),
        ("References", ", ".join(_link(one) for one in others)),
        ("Tables", ", ".join(f"[{name}](../tables/{name}.md)" for name in sorted(rule.needs))),
        ("Requirements", ", ".join(f"`{name}`" for name in rule.requires)),
        ("Identified by", ", ".join(f"`{name}`" for name in rule.key)),
        ("Safe remedy with `audit_remediate`", remediation),
    ]
    return "\n".join(
        [
            f"# {rule.id}\n",
            f"**{rule.title}**\n",
            rule.reason + "\n",
            table(("Property", "Value"), [fact for fact in facts if fact[1]]),
            "## Remedy\n",
            "Expressions in double braces are replaced with the evidence of the finding:\n",
            code(rule.remedy, "jinja"),
            "## Query\n",
            code(rule.query, "sql"),
        ]
    )


def table_index() -> list[str]:
    """Return the list of all tables and their table of contents."""
    rows = [(f"[`{name}`](tables/{name}.md)", _first_sentence(one.description)) for name, one in schema.TABLES.items()]
    return ["## All tables\n", table(("Table", "Rows"), rows), toctree(f"tables/{name}" for name in schema.TABLES)]


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def table_pages() -> dict[str, str]:
    """Return the page of each table by its name."""
    return {name: _table_page(name, one) for name, one in schema.TABLES.items()}


def _table_page(name: str, one: schema.TableSchema) -> str:
    identifying = {
        "host": ("`host`", "text", "Name of the host in the inventory."),
        "netns": ("`netns`", "text", "Namespace, see [netns](netns.md)."),
    }
    rows = [identifying[column] for column in schema.get_identifying_columns(name)]
    rows += [(f"`{column}`", about.type, about.description) for column, about in one.columns.items()]
    place = f"Place in a snapshot: `{one.part}`.\n" if one.part else "The table is not part of a snapshot.\n"
    rules = [f"[{rule.id}](../rules/{rule.id}.md)" for rule in sorted(_rules(), key=_by_id) if name in rule.needs]
    used = [f"## Rules that use this table\n\n{', '.join(rules)}\n"] if rules else []
    columns = table(("Column", "Type", "Description"), rows)
    example = f"## Example\n\n{code(one.example, 'sql')}"
    return "\n".join([f"# {name}\n", one.description + "\n", place, columns, example, *used])
