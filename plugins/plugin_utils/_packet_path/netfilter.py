# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluation of netfilter hooks: base chains by priority, rule by rule, to a verdict."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.firewall_match import (
    HookContext,
    Packet,
    matches,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Row

# Priorities of the tables of iptables; nft reports the priority of each chain.
_PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
_NAT = {"prerouting": -100, "output": -100, "input": 100, "postrouting": 100}
_GOES_ON = {
    None,
    "log",
    "nflog",
    "mark",
    "connmark",
    "ct",
    "notrack",
    "tcpmss",
    "classify",
    "checksum",
    "set",
    "ulog",
    "trace",
}
_DEEPEST = 32


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The verdict ``accept``, ``drop``, ``reject`` or ``unknown``, the rule, and the resulting packet."""

    kind: str
    packet: Packet
    rule: str = ""
    notes: tuple[str, ...] = ()
    # Family, table, chain and backend of the rule.
    chain: tuple[str, str, str, str] | None = None


def traverse(hook: str, at: HookContext) -> Verdict:
    """Return the verdict of a hook."""
    notes: list[str] = []
    if at.space.lacks("firewall_chains"):
        return Verdict("unknown", at.packet, f"the snapshot does not contain the firewall of {at.space}")
    for chain in sorted(_find_base_chains(at, hook), key=lambda one: _get_priority(one, hook)):
        if chain["type"] == "nat" and at.packet.state != "new":
            continue
        possible = list(_traverse_chain(chain, at, 0))
        if all(one.kind == "return" for one in possible):
            policy = chain["policy"] or "accept"
            rule = f"policy {policy} of {_format_chain(chain)}"
            possible = [_build_verdict(policy, at, rule, chain, one.packet) for one in possible]
        first = possible[0]
        if any(one.kind != first.kind or one.packet != first.packet for one in possible[1:]):
            return _report_undecided(possible, at)
        notes += first.notes
        if first.kind in ("drop", "reject"):
            return dataclasses.replace(first, notes=tuple(notes))
        at = dataclasses.replace(at, packet=first.packet)
    return Verdict("accept", at.packet, notes=tuple(notes))


def _report_undecided(possible: list[Verdict], at: HookContext) -> Verdict:
    """Return the verdict unknown, with the rules that are not modelled."""
    others = [one for one in possible if one.kind != "accept" or one.packet != at.packet]
    rules = [one.rule for one in others if one.rule]
    reason = f"the verdict depends on matches that are not modelled: {'; '.join(rules[:3])}"
    return Verdict("unknown", at.packet, reason, chain=others[0].chain)


def _find_base_chains(at: HookContext, hook: str) -> Iterator[Row]:
    families = ("bridge",) if at.layer == "bridge" else ("inet", "ip" if at.packet.dst.version == 4 else "ip6")
    return (row for row in at.space.get_rows("firewall_chains") if row["hook"] == hook and row["family"] in families)


def _get_priority(chain: Row, hook: str) -> int:
    if chain["priority"] is not None:
        return int(chain["priority"])
    return _NAT[hook] if chain["table"] == "nat" else _PRIORITIES.get(chain["table"], 0)


def _format_chain(chain: Row) -> str:
    return f"{chain['family']} {chain['table']} {chain['chain']}"


def _list_rules(at: HookContext, chain: Row, name: str) -> list[Row]:
    same = ("backend", "family", "table")
    found = [
        row
        for row in at.space.get_rows("firewall_rules")
        if row["chain"] == name and all(row[key] == chain[key] for key in same)
    ]
    return sorted(found, key=lambda row: row["position"])


def _build_verdict(kind: str, at: HookContext, rule: str, of: Row, packet: Packet | None = None) -> Verdict:
    return Verdict(kind, packet or at.packet, rule, chain=(of["family"], of["table"], of["chain"], of["backend"]))


def _traverse_chain(chain: Row, at: HookContext, depth: int, name: str = "") -> Iterator[Verdict]:
    """Yield the possible verdicts of a chain; ``return`` at its end."""
    if depth > _DEEPEST:
        yield _build_verdict("unknown", at, f"{_format_chain(chain)}: too many nested chains", chain)
        return
    for rule in _list_rules(at, chain, name or chain["chain"]):
        answer = matches(rule, at)
        if answer is False:
            continue
        description = _describe_rule(rule)
        outcomes = list(_apply_rule(rule, chain, at, depth, description))
        goes_on = any(one.kind == "continue" for one in outcomes)
        for one in outcomes:
            if one.kind == "continue":
                at = dataclasses.replace(at, packet=one.packet) if answer else at
            else:
                yield one
        if answer and not goes_on:
            return
    yield _build_verdict("return", at, "", chain)


def _apply_rule(rule: Row, chain: Row, at: HookContext, depth: int, description: str) -> Iterator[Verdict]:
    """Yield the possible verdicts of a matching rule; ``continue`` for the next rule."""
    target = rule["target"]
    if target in ("jump", "goto"):
        for one in _traverse_chain(chain, at, depth + 1, rule["target_chain"]):
            yield dataclasses.replace(one, kind="continue") if one.kind == "return" and target == "jump" else one
    elif target in ("accept", "drop", "return"):
        yield _build_verdict(target, at, description, rule)
    elif target == "reject":
        yield _build_verdict("reject", at, description, rule)
    elif target in ("dnat", "snat", "masquerade", "redirect"):
        yield _translate_address(rule, at, description)
    elif target in _GOES_ON and not _has_verdict_map(rule):
        yield _build_verdict("continue", at, description, rule, _set_mark(rule, at.packet))
    else:
        yield _build_verdict("unknown", at, description, rule)


def _has_verdict_map(rule: Row) -> bool:
    """Return whether an nft rule without a target can have a verdict from a map."""
    return rule["target"] is None and any(isinstance(entry, dict) and "vmap" in entry for entry in rule["match"] or [])


def _set_mark(rule: Row, packet: Packet) -> Packet:
    options = rule["target_options"] or {}
    if rule["target"] == "notrack" or "notrack" in options:
        # Untracked packets are not translated.
        return dataclasses.replace(packet, state="untracked")
    text = options.get("set-xmark") or options.get("set-mark")
    if rule["target"] != "mark" or not isinstance(text, str):
        return packet
    try:
        value, _slash, mask = text.partition("/")
        kept = packet.mark & ~int(mask or "0xffffffff", 0)
        return dataclasses.replace(packet, mark=kept ^ int(value, 0))
    except ValueError:
        return packet


def _translate_address(rule: Row, at: HookContext, description: str) -> Verdict:
    options: dict[str, Any] = dict(rule["target_options"] or {})
    packet = at.packet
    target = rule["target"]
    if target == "masquerade":
        link = at.space.find_link(at.oif)
        rows = at.space.list_link_addresses(link["index"], packet.dst.version) if link else []
        if not rows:
            return _build_verdict("drop", at, f"{description}: {at.oif} has no address for masquerading", rule)
        changed = dataclasses.replace(packet, src=ipaddress.ip_address(rows[0]["address"]))
    elif target == "redirect":
        text = str(options.get("to-ports", packet.dport or ""))
        changed = dataclasses.replace(
            packet, dst=_get_own_address(at), dport=int(text) if text.isdigit() else packet.dport
        )
    else:
        place = _parse_translation(options)
        if place is None:
            return _build_verdict("unknown", at, description, rule)
        address, port = place
        if target == "dnat":
            changed = dataclasses.replace(packet, dst=address, dport=port or packet.dport)
        else:
            changed = dataclasses.replace(packet, src=address, sport=port or packet.sport)
    return Verdict("accept", changed, description, (f"{description}: translated to {changed}",))


def _get_own_address(at: HookContext) -> Any:
    """Return the target of a redirect: an address of the incoming link, or a loopback address."""
    version = at.packet.dst.version
    link = at.space.find_link(at.iif)
    rows = at.space.list_link_addresses(link["index"], version) if link else []
    return ipaddress.ip_address(rows[0]["address"] if rows else "127.0.0.1" if version == 4 else "::1")


def _parse_translation(options: dict[str, Any]) -> tuple[Any, int | None] | None:
    """Return the address and port of a translation, or None if it is not a single address."""
    text = options.get("to-destination") or options.get("to-source")
    address, port = options.get("addr"), options.get("port")
    if isinstance(text, str):
        address, _colon, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", None)
    try:
        return ipaddress.ip_address(str(address).strip("[]")), int(port) if port is not None else None
    except ValueError:
        return None


def _describe_rule(rule: Row) -> str:
    text = str(rule["text"])
    if rule["backend"] == "nft":
        where = f"rule {rule['position']} of {rule['family']} {rule['table']} {rule['chain']}"
        return f"{where} ({rule['comment']})" if rule["comment"] else where
    return f"{rule['table']}: {text}"
