# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluation of an outcome against the expectation, as the result that the user reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    CLOSED,
    CLOSED_STATES,
    ERROR,
    OPEN,
    Check,
    Outcome,
)


def is_met(check: Check, outcome: Outcome) -> bool:
    """Return whether a state is expected; other expectations apply only if there is a response."""
    states = {state for one in check.expect for state in (CLOSED_STATES if one == CLOSED else (one,))}
    return outcome.state in states and not (outcome.state == OPEN and outcome.unmet)


def summarize_latency(times: Sequence[float]) -> dict[str, float] | None:
    """Return minimum, mean and maximum in milliseconds."""
    if not times:
        return None
    figures = {"min_ms": min(times), "avg_ms": sum(times) / len(times), "max_ms": max(times)}
    return {name: round(seconds * 1000, 3) for name, seconds in figures.items()}


def build_result(check: Check, outcome: Outcome, resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a check."""
    met = is_met(check, outcome)
    reason = "; ".join([outcome.reason, *(outcome.unmet if outcome.state == OPEN else ())])
    if not met and outcome.state not in (OPEN, ERROR):
        reason = f"{reason} (expected: {' or '.join(check.expect)})"
    elif not met and outcome.state == OPEN and not outcome.unmet:
        reason = f"{reason}, but {' or '.join(check.expect)} was expected"
    counted: dict[str, Any] = {}
    if outcome.sent is not None:
        received = len(outcome.times)
        loss = round(100 * (1 - received / outcome.sent), 1) if outcome.sent else 0.0
        counted = {"sent": outcome.sent, "received": received, "loss_percent": max(loss, 0.0)}
    return {
        "name": check.name,
        "type": check.type,
        "target": check.target,
        **({"port": check.port} if check.port else {}),
        "address": None,
        "resolved_by": None,
        **resolved,
        "state": outcome.state,
        "expect": list(check.expect),
        "met": met,
        "reason": reason,
        **counted,
        "latency": summarize_latency(outcome.times),
        **outcome.facts,
    }


def summarize(results: Sequence[Mapping[str, Any]]) -> str:
    """Return one line about all results that names the unexpected ones."""
    unmet = [one for one in results if not one["met"]]
    if not unmet:
        return f"{len(results)} of {len(results)} checks met the expectation"
    reasons = "; ".join(f"{one['name']}: {one['reason']}" for one in unmet)
    return f"{len(unmet)} of {len(results)} checks did not meet the expectation: {reasons}"
