# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checklist and explanation side by side → the first broken step, the likely cause, and what to type; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._legible import quote
from .._path import _explain
from .._path._matches import Packet
from ._case import Case
from ._live import PING, TARGET, checks, from_probe
from ._steps import Step, from_snapshot

ORDER = (
    *("process", "namespace", "link", "peer", "address", "duplicate address", "route", "neighbour", "resolver", "name"),
    *(
        "gateway",
        "host",
        "FDB",
        "forwarding",
        "firewall",
        "target ping",
        "published port",
        "service",
        "target",
        "path MTU",
    ),
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
    steps = [*from_snapshot(case), *from_probe(case, by_name), *_from_path(case, path)]
    if case.target.unknown and not case.target.is_name:
        steps.append(Step("target", "unknown", case.target.unknown))
    steps.sort(key=lambda step: ORDER.index(step.step))
    reached = _reached(by_name)
    if reached:
        # What was seen to work is not what a prediction says of it.
        steps = [_overruled(step) if step.step in _FORETOLD and step.state == "broken" else step for step in steps]
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


# What is a prediction as long as nobody has tried.
_FORETOLD = ("route", "FDB", "forwarding", "firewall", "published port", "service")
# What an explanation ends with, and the step that is.
_ENDINGS = (
    ("the firewall", "firewall"),
    ("the FDB", "FDB"),
    ("a static entry in the FDB", "FDB"),
    ("does not forward", "forwarding"),
    ("nobody listens", "service"),
)


def _from_path(case: Case, path: Mapping[str, Any] | None) -> Iterator[Step]:
    """Give the steps that only the explanation has."""
    if path is None:
        return
    ending = next((step for words, step in _ENDINGS if words in path["reason"]), None)
    if ending != "firewall":
        yield Step("firewall", "ok", "no rule that is known stops it")
    if path["reaches"] is None and ending == "firewall":
        yield Step("firewall", "unknown", _where(path))
    elif path["reaches"] is False and ending == "service":
        yield _service(case, path)
    elif path["reaches"] is False and ending:
        yield Step(ending, "broken", _where(path), _remedy(path))


def _service(case: Case, path: Mapping[str, Any]) -> Step:
    """Say who should have had the port: the service itself, or the container that it is published for."""
    host = path["stops_at"]["host"] if path["stops_at"] else case.host
    published = next(
        (
            row
            for space in case.world.of(host)
            if space.is_host
            for row in space.docker.get("published_ports") or []
            if row["host_port"] == case.target.port and row["protocol"] == case.protocol
        ),
        None,
    )
    if published and path["stops_at"]["netns"] == "host":
        name = published["container"]
        port = case.target.port
        detail = f"{host} publishes port {port} for container {name}, and no DNAT rule and no proxy takes it there"
        return Step(
            "published port", "broken", detail, f"docker restart {quote(name)}   # on {host}: makes the rules again"
        )
    return Step("service", "broken", _where(path), _remedy(path))


def _where(path: Mapping[str, Any]) -> str:
    at = path["stops_at"]
    return f"{at['netns']} on {at['host']}: {path['reason']}" if at else str(path["reason"])


def _target(results: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return results.get(TARGET) or results.get(PING)


def _reached(results: Mapping[str, Mapping[str, Any]]) -> bool | None:
    """Tell whether the target was reached; None where nobody tried."""
    target = _target(results)
    return None if target is None or target["state"] == "error" else bool(target["met"])


def _overruled(step: Step) -> Step:
    return Step(step.step, "note", f"by what snapshots tell it should not get through, and it does: {step.detail}")


def _verdict(
    steps: Sequence[Step], path: Mapping[str, Any] | None, results: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return ``reached``, ``first_broken``, ``cause``, ``remedy`` and ``confident``."""
    reached, target = _reached(results), _target(results)
    broken = [step for step in steps if step.state == "broken"]
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
    reason, at = str(path["reason"]), path["stops_at"]
    where = f"on {at['host']}, in {at['netns']}" if at else ""
    if "the firewall" in reason:
        rule = reason.rpartition(": ")[2]
        chain = rule.split()[1] if rule.startswith("-A ") else rule.split()[-1]
        return f"iptables-save | grep -- {quote(f'-A {chain} ')}   # {where}"
    if "the FDB" in reason:
        return f"bridge fdb show   # {where}; then: bridge fdb del MAC dev LINK dst VTEP self"
    if "does not forward" in reason:
        return f"sysctl -w net.ipv4.ip_forward=1   # {where}; and keep it: /etc/sysctl.d"
    if "nobody listens" in reason:
        return f"ss -lntup   # {where}: what listens there?"
    return ""
