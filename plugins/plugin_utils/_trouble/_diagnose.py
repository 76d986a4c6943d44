# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checklist and explanation side by side → the first broken step, the likely cause, and what to type; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._path import _explain
from .._path._matches import Packet
from ._case import Case
from ._live import TARGET, checks, from_probe
from ._steps import Step, from_snapshot

ORDER = (
    *("process", "namespace", "link", "peer", "address", "duplicate address", "route", "neighbour", "resolver", "name"),
    *("gateway", "host", "firewall", "target ping", "target", "path MTU"),
)


def wanted(case: Case, timeout: float) -> list[dict[str, Any]]:
    """Return what the module probe is to be asked."""
    return checks(case, timeout)


def explained(case: Case) -> dict[str, Any] | None:
    """Return the way of the packet to the target as snapshots tell it; None where it cannot be asked for."""
    if case.space is None or case.target.address is None:
        return None
    version = case.target.address.version
    protocol = case.protocol if case.target.port else "icmpv6" if version == 6 else "icmp"
    packet = Packet(None, case.target.address, protocol, case.target.port)
    return _explain.explain(case.world, case.space, packet).as_data()


def diagnose(case: Case, results: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Return steps in order, the explanation, and the verdict; ``results`` is None where nothing was probed."""
    path = explained(case)
    by_name = {str(result["name"]): result for result in results or ()}
    steps = [*from_snapshot(case), *from_probe(case, by_name), *_firewall(path)]
    if case.target.unknown and not case.target.is_name:
        steps.append(Step("target", "unknown", case.target.unknown))
    steps.sort(key=lambda step: ORDER.index(step.step))
    verdict = _verdict(steps, path, by_name)
    return {
        "host": case.host,
        "source": case.source,
        "target": case.target.said + (f":{case.target.port}" if case.target.port else ""),
        "address": str(case.target.address) if case.target.address else None,
        "protocol": case.protocol if case.target.port else "icmp",
        "steps": [dataclasses.asdict(step) for step in steps],
        "path": path,
        **verdict,
    }


def _firewall(path: Mapping[str, Any] | None) -> Iterable[Step]:
    if path is None:
        return
    if path["reaches"] is False and "the firewall" in path["reason"]:
        yield Step("firewall", "broken", _where(path), _list_rules(path))
    elif path["reaches"] is None and "the firewall" in path["reason"]:
        yield Step("firewall", "unknown", _where(path))
    else:
        yield Step("firewall", "ok", "no rule that is known stops it")


def _where(path: Mapping[str, Any]) -> str:
    at = path["stops_at"]
    return f"{at['netns']} on {at['host']}: {path['reason']}" if at else str(path["reason"])


def _list_rules(path: Mapping[str, Any]) -> str:
    rule = str(path["reason"]).rpartition(": ")[2]
    chain = rule.split()[1] if rule.startswith("-A ") else "FORWARD"
    return f"iptables -L {chain} -n -v --line-numbers   # on {path['stops_at']['host']}, in {path['stops_at']['netns']}"


def _verdict(
    steps: Sequence[Step], path: Mapping[str, Any] | None, results: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return ``reached``, ``first_broken``, ``cause``, ``remedy`` and ``confident``."""
    target = results.get(TARGET) or results.get("target ping")
    reached = None if target is None or target["state"] == "error" else bool(target["met"])
    broken = [step for step in steps if step.state == "broken"]
    if reached:
        # What was seen to work is not what a prediction says of it.
        broken = [step for step in broken if step.step not in ("firewall", "route", "address")]
    first = broken[0] if broken else None
    stops = path is not None and path["reaches"] is False
    if first is None and reached is False:
        first = Step("target", "broken", str(target["reason"]) if target else "")
    if first is None:
        cause = "nothing is broken that this looks at" if reached else "nothing known is broken, and nothing was tried"
        return _said(reached, None, cause, "", bool(reached))
    if first.step == "target" and path is not None:
        if stops:
            return _said(reached, first, _where(path), _remedy(path), True)
        return _said(reached, first, f"not known: {first.detail}; nothing in the known state stops it", "", False)
    if first.step == "neighbour" and stops:
        return _said(reached, first, f"{first.detail}; {_where(path or {})}", first.remedy, True)
    return _said(reached, first, first.detail, first.remedy, True)


def _said(reached: bool | None, first: Step | None, cause: str, remedy: str, confident: bool) -> dict[str, Any]:
    return {
        "reached": reached,
        "first_broken": first.step if first else None,
        "cause": cause,
        "remedy": remedy,
        "confident": confident,
    }


def _remedy(path: Mapping[str, Any]) -> str:
    reason = str(path["reason"])
    if "does not forward" in reason:
        return "sysctl -w net.ipv4.ip_forward=1   # and keep it: /etc/sysctl.d"
    if "nobody listens" in reason:
        at = path["stops_at"]
        return f"nsenter --net ss -lntup   # in {at['netns']} on {at['host']}: what listens there?"
    return ""
