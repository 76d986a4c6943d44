# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit checked: causes of incomplete checks, the result of each rule and of each control of a benchmark."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables.load import NOT_COLLECTED

BENCHMARK = "CIS Docker Benchmark 1.8.0"
_CONTROL = re.compile(r"CIS Docker (\d+(?:\.\d+)+)")
# Worst first: the result of a control is that of its worst rule.
STATES = ("failed", "not checked", "partly checked", "waived", "passed", "not applicable")


def group_causes(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each cause of incomplete checks once, with its parts, rules and hosts; the most frequent first."""
    found: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        cause = found[str(row.get("cause") or row["reason"])]
        cause["rules"].add(row["rule"])
        cause["hosts"].add(row["host"])
        if row.get("part"):
            cause["parts"].add(row["part"])
        if row.get("netns"):
            cause["namespaces"].add((row["host"], row["netns"]))
    causes = [
        {
            "cause": cause,
            **{name: sorted(values[name]) for name in ("parts", "rules", "hosts")},
            "namespaces": len(values["namespaces"]),
        }
        for cause, values in found.items()
    ]
    return sorted(causes, key=lambda one: (-len(one["hosts"]), -len(one["rules"]), one["cause"]))


def describe_cause(cause: Mapping[str, Any]) -> str:
    """Return a cause in one line, with its counts; the host by name if it is the only one."""
    hosts, rules = cause["hosts"], len(cause["rules"])
    where = f"host {hosts[0]}" if len(hosts) == 1 else f"{len(hosts)} hosts"
    namespaces = f", {cause['namespaces']} namespaces" if cause["namespaces"] > 1 else ""
    text = cause["cause"]
    parts = [one for one in cause["parts"] if not text.startswith(f"{one}:")]
    what = f"{', '.join(parts)}: " if parts else ""
    return f"{what}{text} ({rules} {'rule' if rules == 1 else 'rules'} on {where}{namespaces})"


def judge_rules(
    rules: Mapping[str, Mapping[str, Any]],
    hosts: Iterable[str],
    not_checked: Iterable[Mapping[str, Any]],
    not_applicable: Iterable[tuple[str, str]],
    absent: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Return the state of each rule, and on how many hosts it was checked, not checked and not applicable.

    A rule that some of the expected hosts could not be checked for is never passed.
    """
    every = set(hosts)
    unchecked: dict[str, set[str]] = defaultdict(set)
    for row in not_checked:
        unchecked[row["rule"]].add(row["host"])
    inapplicable: dict[str, set[str]] = defaultdict(set)
    for rule, host in not_applicable:
        inapplicable[rule].add(host)
    found = {}
    for name in {*rules, *unchecked}:
        about = rules.get(name) or {}
        blind = unchecked[name]
        idle = inapplicable[name] - blind
        checked = len(every - blind - idle)
        if about.get("findings"):
            state = "failed"
        elif blind and not checked:
            state = "not checked"
        elif blind or absent:
            state = "partly checked"
        elif about.get("waived"):
            state = "waived"
        else:
            state = "passed" if checked else "not applicable"
        found[name] = {
            "state": state,
            "checked": checked,
            "not_checked": len(blind) + len(absent),
            "not_applicable": len(idle),
        }
    return found


def judge_controls(rules: Mapping[str, Mapping[str, Any]], results: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """Return the controls of the CIS Docker Benchmark that rules check, with the result of the worst rule."""
    controls: dict[str, list[str]] = defaultdict(list)
    for name, rule in rules.items():
        for reference in rule.get("references") or ():
            if number := _CONTROL.fullmatch(reference):
                controls[number[1]].append(name)
    return [
        {
            "control": number,
            "state": min((results[name]["state"] for name in names), key=STATES.index),
            "findings": sum(rules[name].get("findings") or 0 for name in names),
            "rules": sorted(names),
        }
        for number, names in sorted(controls.items(), key=lambda one: [int(part) for part in one[0].split(".")])
    ]


def describe_gaps(absent: int, hosts: int, causes: Sequence[Mapping[str, Any]], broken: int) -> str | None:
    """Return in one sentence what was not checked, or None if everything was.

    Optional data that was not collected, such as port checks, is no gap.
    """
    parts = []
    causes = [one for one in causes if one["cause"] != NOT_COLLECTED]
    if absent:
        parts.append(f"{absent} of {absent + hosts} hosts {'has' if absent == 1 else 'have'} no snapshot")
    if causes:
        rules = {name for one in causes for name in one["rules"]}
        places = {name for one in causes for name in one["hosts"]}
        where = f"host {next(iter(places))}" if len(places) == 1 else f"{len(places)} hosts"
        parts.append(
            f"{len(rules)} {'rule was' if len(rules) == 1 else 'rules were'} not completely checked on {where}"
        )
    if broken:
        parts.append(f"{broken} invalid {'file' if broken == 1 else 'files'}")
    return "; ".join(parts) or None
