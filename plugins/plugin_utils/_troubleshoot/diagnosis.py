# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagnosis from checklist and packet path: the first broken step, its likely cause, and a remedy; pure."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import quote
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path import trace
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import Packet
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.case import Case
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.explanations import (
    describe_listeners,
    explain_docker_dns,
    find_common_network_fault,
    judge_docker,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.probe_checks import (
    PING,
    TARGET,
    build_checks,
    judge_probes,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._troubleshoot.snapshot_checks import (
    DiagnosisStep,
    judge_snapshot,
)

ORDER = (
    *("process", "target container", "namespace", "link", "peer", "address", "duplicate address"),
    *("Docker network", "route", "reverse path", "segment", "neighbour", "resolver", "name", "gateway"),
    *("host", "FDB", "forwarding", "firewall", "uplink", "way back", "target ping", "published port"),
    *("service", "target", "other address", "path MTU"),
)


def plan_checks(case: Case, timeout: float) -> list[dict[str, Any]]:
    """Return the checks for the module probe."""
    return build_checks(case, timeout)


def explain_path(case: Case) -> dict[str, Any] | None:
    """Return the path of a packet to the target from snapshots; None if source or target is unknown."""
    if case.space is None or case.target.address is None:
        return None
    version = case.target.address.version
    protocol = case.protocol if case.target.port else "icmpv6" if version == 6 else "icmp"
    packet = Packet(None, case.target.address, protocol, case.target.port)
    return trace.explain(case.world, case.space, packet).to_dict()


def diagnose(case: Case, results: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Return the steps in order, the packet path, and the verdict; ``results`` is None without probes."""
    path = explain_path(case)
    by_name = {str(result["name"]): result for result in results or ()}
    reached = _is_target_reached(by_name)
    docker = [] if reached else list(judge_docker(case, is_tested=reached is False))
    steps = [*judge_snapshot(case), *judge_probes(case, by_name), *docker]
    # Do not predict a fault that was already observed.
    seen = {step.step for step in steps if step.state == "broken"}
    steps += [step for step in _judge_path(case, path, reached) if step.step not in seen]
    if case.target.unknown and not case.target.is_name:
        steps.append(DiagnosisStep("target", "unknown", case.target.unknown))
    steps.sort(key=lambda step: ORDER.index(step.step))
    if reached:
        # A successful probe overrules a prediction.
        steps = [_overrule(step) if step.step in _FORETOLD and step.state == "broken" else step for step in steps]
    verdict = _build_verdict(steps, path, by_name)
    return {
        "host": case.host,
        "source": case.source,
        "target": case.target.text + (f":{case.target.port}" if case.target.port else ""),
        "address": str(case.target.address) if case.target.address else None,
        "protocol": case.protocol if case.target.port else "icmp",
        "steps": [dataclasses.asdict(step) for step in steps],
        "path": path,
        **verdict,
    }


# Steps that are predictions unless a probe confirms them.
_FORETOLD = ("route",)


def _judge_path(case: Case, path: Mapping[str, Any] | None, reached: bool | None) -> Iterator[DiagnosisStep]:
    """Yield the steps that only the packet path provides; a successful probe overrules them."""
    if path is None:
        return
    if path["about"] != "firewall":
        yield DiagnosisStep("firewall", "ok", "no known rule stops the packet")
    if path["reaches"] is None and path["about"]:
        yield DiagnosisStep(path["about"], "unknown", _describe_place(path), path["remedy"])
    elif path["reaches"] is False and path["about"]:
        step = _judge_published_port(case, path) if path["about"] == "service" else None
        step = step or _judge_place(case, path)
        yield _overrule(step) if reached else step


def _judge_place(case: Case, path: Mapping[str, Any]) -> DiagnosisStep:
    """Return the step for the place where the packet stops, with the cause that Docker's data explains."""
    about, detail, remedy = path["about"], _describe_place(path), path["remedy"]
    if about == "firewall" and (fault := find_common_network_fault(case)):
        detail, remedy = f"{fault[0]}: {detail}", fault[1] or remedy
    elif about == "service" and case.target.port:
        at = path["stops_at"]
        space = next((one for one in case.world.list_namespaces(at["host"]) if one.name == at["netns"]), None)
        detail += describe_listeners(space, case.protocol) if space else ""
        if fault := explain_docker_dns(case):
            detail, remedy = f"{fault[0]}: {detail}", fault[1]
    return DiagnosisStep(about, "broken", detail, remedy)


def _judge_published_port(case: Case, path: Mapping[str, Any]) -> DiagnosisStep | None:
    """Return the step for a published port that is not forwarded to its container; None for other ports."""
    at = path["stops_at"]
    rows = next(
        (
            space.docker.get("published_ports") or []
            for space in case.world.list_namespaces(at["host"])
            if space.is_host
        ),
        [],
    )
    same = [row for row in rows if (row["host_port"], row["protocol"]) == (case.target.port, case.protocol)]
    if not same or at["netns"] != "host":
        return None
    name, port = same[0]["container"], case.target.port
    version = case.target.address.version if case.target.address else 4
    places = [ipaddress.ip_address(row["host_address"]) for row in same]
    if not any(one == case.target.address or (one.is_unspecified and one.version == version) for one in places):
        only = ", ".join(str(one) for one in places)
        detail = f"{at['host']} publishes port {port} of container {name} only on {only}, not on {case.target.address}"
        return DiagnosisStep("published port", "broken", detail, f"docker port {quote(name)}   # on {at['host']}")
    detail = f"{at['host']} publishes port {port} of container {name}, but no DNAT rule or proxy forwards it"
    remedy = f"docker restart {quote(name)}   # on {at['host']}: recreates the rules"
    return DiagnosisStep("published port", "broken", detail, remedy)


def _describe_place(path: Mapping[str, Any]) -> str:
    at = path["stops_at"]
    return f"{at['netns']} on {at['host']}: {path['reason']}" if at else str(path["reason"])


def _find_target_result(results: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return results.get(TARGET) or results.get(PING)


def _is_target_reached(results: Mapping[str, Mapping[str, Any]]) -> bool | None:
    """Return whether the target is reachable; None if it was not tested."""
    target = _find_target_result(results)
    return None if target is None or target["state"] == "error" else bool(target["met"])


def _overrule(step: DiagnosisStep) -> DiagnosisStep:
    return DiagnosisStep(step.step, "note", f"works, although snapshots predict a failure: {step.detail}")


def _build_verdict(
    steps: Sequence[DiagnosisStep], path: Mapping[str, Any] | None, results: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return ``reached``, ``first_broken``, ``cause``, ``remedy`` and ``confident``."""
    reached, target = _is_target_reached(results), _find_target_result(results)
    first = next((step for step in steps if step.state == "broken"), None)
    if first is None and reached is not False:
        cause = "no fault found" if reached else "no fault found, and the target was not tested"
        return _build_verdict_fields(reached, None, cause, "", bool(reached))
    if first is None or first.step == "target":
        return _build_verdict_fields(
            reached, *_build_unknown_verdict(str(target["reason"]) if target else "", path), False
        )
    if (
        first.step == "neighbour"
        and path is not None
        and path["reaches"] is False
        and _describe_place(path) != first.detail
    ):
        return _build_verdict_fields(reached, first, f"{first.detail}; {_describe_place(path)}", first.remedy, True)
    if first.step == "path MTU" and path is not None and (least := path["narrowest"]):
        where = f"{least['link']} in {least['netns']} on {least['host']}"
        cause = f"{first.detail}; the smallest MTU on the path is {least['mtu']}, on {where}"
        return _build_verdict_fields(reached, first, cause, first.remedy, True)
    return _build_verdict_fields(reached, first, first.detail, first.remedy, True)


def _build_unknown_verdict(reason: str, path: Mapping[str, Any] | None) -> tuple[DiagnosisStep, str, str]:
    """Return the verdict for a target that is unreachable without a known fault."""
    target = DiagnosisStep("target", "broken", reason)
    if path is None:
        return target, f"unknown: {reason}", ""
    if path["reaches"] is None and path["about"]:
        return (
            DiagnosisStep(path["about"], "unknown", reason),
            f"possible cause: {_describe_place(path)}",
            path["remedy"],
        )
    known = "nothing stops the packet" if path["reaches"] else _describe_place(path)
    return target, f"unknown: {reason}; according to snapshots: {known}", ""


def _build_verdict_fields(
    reached: bool | None, first: DiagnosisStep | None, cause: str, remedy: str, confident: bool
) -> dict[str, Any]:
    return {
        "reached": reached,
        "first_broken": first.step if first else None,
        "cause": cause,
        "remedy": remedy,
        "confident": confident,
    }
