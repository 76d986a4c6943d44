# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule files: each rule is one YAML file, named after the ID of the rule. Invalid files are reported separately."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import templates
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine.requirements import REQUIREMENTS
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema

OWN = Path(__file__).parents[1] / "rules"
SEVERITIES = ("critical", "high", "medium", "low", "info")
SCOPES = ("host", "fleet")
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TEXTS = ("title", "reason", "remedy", "object", "query")
_LISTS = ("references", "needs", "requires", "key")
# Modules that a remediation may use.
REMEDIES = ("netfleet.docker.netns", "netfleet.docker.veth", "netfleet.docker.bridge", "netfleet.docker.vxlan")


@dataclasses.dataclass(frozen=True)
class AuditRule:
    """A rule; docs/guides/write-a-rule.md describes the fields."""

    id: str
    title: str
    severity: str
    scope: str
    references: tuple[str, ...]
    reason: str
    remedy: str
    needs: tuple[str, ...]
    key: tuple[str, ...]
    object: str
    query: str
    requires: tuple[str, ...] = ()
    remediation: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True)
class BrokenRule:
    """A rule that could not be read or evaluated, and the reason."""

    rule: str
    reason: str


class _InvalidField(ValueError):
    """An error in a rule file; the message starts with the name of the field."""


def read_rules(folders: Iterable[Path]) -> tuple[list[AuditRule], list[BrokenRule]]:
    """Return valid rules, most severe first, and invalid ones; a rule of a later directory replaces an earlier one."""
    found: dict[str, AuditRule] = {}
    broken: list[BrokenRule] = []
    for folder in folders:
        for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
            try:
                found[path.stem] = _read_rule(path)
            except (_InvalidField, OSError, UnicodeDecodeError) as error:
                found.pop(path.stem, None)
                broken.append(BrokenRule(path.stem, f"{path.name}: {error}"))
    order = sorted(found.values(), key=lambda rule: (SEVERITIES.index(rule.severity), rule.id))
    return order, broken


def _read_rule(path: Path) -> AuditRule:
    if not _ID.fullmatch(path.stem):
        raise _InvalidField("file name: must be lower-case words separated by hyphens")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise _InvalidField(f"invalid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise _InvalidField("must be a mapping of the fields of a rule")
    known = {field.name for field in dataclasses.fields(AuditRule)} - {"id"}
    if unknown := sorted(str(name) for name in set(document) - known):
        raise _InvalidField(f"{unknown[0]}: unknown field; must be one of {', '.join(sorted(known))}")
    fields: dict[str, Any] = {name: _parse_text(document, name) for name in _TEXTS} | {
        name: _parse_texts(document, name) for name in _LISTS
    }
    _check_choice(document, "severity", SEVERITIES)
    _check_choice(document, "scope", SCOPES)
    if stranger := next((name for name in fields["needs"] if name not in schema.list_collected_tables()), None):
        raise _InvalidField(f"needs: unknown table {stranger}")
    if stranger := next((name for name in fields["requires"] if name not in REQUIREMENTS), None):
        raise _InvalidField(f"requires: unknown requirement {stranger}; must be one of {', '.join(REQUIREMENTS)}")
    if not fields["key"]:
        raise _InvalidField("key: required: the columns that identify a finding")
    _check_templates(fields, remediation := _parse_remediation(document))
    return AuditRule(
        id=path.stem, severity=document["severity"], scope=document["scope"], remediation=remediation, **fields
    )


def _parse_text(document: Mapping[str, Any], name: str) -> str:
    if not isinstance(document.get(name), str) or not document[name].strip():
        raise _InvalidField(f"{name}: must be a non-empty string")
    return str(document[name]).strip()


def _parse_texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _InvalidField(f"{name}: must be a list of strings")
    return tuple(value)


def _check_choice(document: Mapping[str, Any], name: str, values: tuple[str, ...]) -> None:
    if document.get(name) not in values:
        raise _InvalidField(f"{name}: must be one of {', '.join(values)}")


def _parse_remediation(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    value = document.get("remediation")
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"module", "args"} or not isinstance(value["args"], dict):
        raise _InvalidField("remediation: must have the keys module and args")
    if value["module"] not in REMEDIES:
        raise _InvalidField(f"remediation.module: must be one of {', '.join(REMEDIES)}")
    return value


def _check_templates(fields: Mapping[str, Any], remediation: Mapping[str, Any] | None) -> None:
    texts = [(name, fields[name]) for name in ("object", "remedy")]
    texts += [(f"remediation.args.{name}", one) for name, one in (remediation or {"args": {}})["args"].items()]
    for name, text in texts:
        try:
            if isinstance(text, str):
                templates.check_template(text)
        except templates.BadTemplate as error:
            raise _InvalidField(f"{name}: {error}") from None
