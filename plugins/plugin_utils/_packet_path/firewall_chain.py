# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluation of the rules of a chain to the possible verdicts."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.conntrack import TRANSLATES
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.fleet import Row
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.iptables_match import match_iptables
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.nft_match import (
    NftRuleset,
    find_data,
    match_expression,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.packet import (
    Answer,
    HookContext,
    Packet,
    all_of,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._packet_path.translation import (
    NotModelled,
    change_field,
    parse_translation,
    select_ports,
    set_marks,
    stop_tracking,
)

_FINAL = ("accept", "drop", "return", "reject")


_TRANSLATING = ("dnat", "snat", "masquerade", "redirect")


_GOES_ON = {
    *(
        None,
        "log",
        "nflog",
        "ulog",
        "trace",
        "tcpmss",
        "classify",
        "checksum",
        "set",
        "audit",
        "secmark",
        "connsecmark",
    ),
    *("rateest", "idletimer", "led", "tee", "dup", "continue"),
}


_MARKING = {"mark", "connmark", "ct", "notrack", "tos", "dscp"}


# Statements of nft that match nothing and change nothing that is modelled.
_NEUTRAL = {"counter", "log", "set", "map", "flow", "last", "ct helper", "ct timeout", "ct expectation", "secmark"}


_DEEPEST = 32


_MOST_STATES = 64


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The verdict ``accept``, ``drop``, ``reject`` or ``unknown``, the rule, and the resulting packet.

    ``doubts`` are the rules that can lead elsewhere. ``reroutes`` is set if a chain of the type route has changed the
    mark. ``accepted`` are the rules that accepted the packet in chains with the policy drop.
    """

    kind: str
    packet: Packet
    rule: str = ""
    notes: tuple[str, ...] = ()
    # Family, table, chain and backend of the rule.
    chain: tuple[str, str, str, str] | None = None
    doubts: tuple[str, ...] = ()
    reroutes: bool = False
    accepted: tuple[str, ...] = ()

    @property
    def stops(self) -> bool:
        """Whether the packet does not continue."""
        return self.kind in ("drop", "reject")


def extend_verdicts(before: Verdict, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Yield verdicts with what was recorded before."""
    for after in verdicts:
        yield dataclasses.replace(
            after,
            notes=(*before.notes, *after.notes),
            doubts=tuple(dict.fromkeys((*before.doubts, *after.doubts))),
            reroutes=before.reroutes or after.reroutes,
            accepted=(*before.accepted, *after.accepted),
        )


def merge_verdicts(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return one verdict for each kind and packet, with all their doubts."""
    found: dict[Any, Verdict] = {}
    for one in verdicts:
        key = (one.kind, None if one.stops else one.packet, one.reroutes)
        first = found.get(key)
        doubts = () if first is None else first.doubts
        found[key] = dataclasses.replace(first or one, doubts=tuple(dict.fromkeys((*doubts, *one.doubts))))
    return list(found.values())


def format_chain(chain: Row) -> str:
    """Return family, table and name of a chain as text."""
    return f"{chain['family']} {chain['table']} {chain['chain']}"


def get_place(row: Row) -> tuple[str, str, str, str]:
    """Return family, table, chain and backend of a chain or rule."""
    return row["family"], row["table"], row["chain"], row["backend"]


def traverse_chain(chain: Row, at: HookContext, depth: int, name: str = "") -> list[Verdict]:
    """Return the possible verdicts of a chain; ``return`` at its end."""
    name = name or chain["chain"]
    if depth > _DEEPEST:
        reason = f"{format_chain(chain)}: too many nested chains"
        return [Verdict("unknown", at.packet, reason, chain=get_place(chain), doubts=(reason,))]
    ended: list[Verdict] = []
    states = [Verdict("return", at.packet, chain=get_place(chain))]
    for rule in at.space.list_firewall_rules(chain["backend"], chain["family"], chain["table"], name):
        after: list[Verdict] = []
        for state in states:
            here = dataclasses.replace(at, packet=state.packet)
            for one in extend_verdicts(state, _evaluate_rule(rule, chain, here, depth)):
                if one.kind == "continue":
                    after.append(dataclasses.replace(one, kind="return"))
                else:
                    ended.append(one)
        states = merge_verdicts(after)
        if len(states) > _MOST_STATES:
            reason = f"{format_chain(chain)}: too many rules are not modelled"
            return [Verdict("unknown", at.packet, reason, chain=get_place(chain), doubts=(reason,))]
        if not states:
            break
    return merge_verdicts([*states, *ended])


def _evaluate_rule(rule: Row, chain: Row, at: HookContext, depth: int) -> Iterator[Verdict]:
    """Yield the possible verdicts of a rule; ``continue`` for the next rule."""
    description = _describe_rule(rule)
    if rule["backend"] == "nft":
        answer, packet, modelled = _match_nft_rule(rule, at)
    else:
        answer, packet, modelled = match_iptables(rule["match"] or [], at), at.packet, True
    doubts = () if answer is not None else (description,)
    if not answer:
        yield Verdict("continue", at.packet, doubts=doubts)
    if answer is False:
        return
    if not modelled:
        yield _build_unknown(rule, at, description)
        return
    for one in _apply_target(rule, chain, dataclasses.replace(at, packet=packet), depth, description):
        yield dataclasses.replace(one, doubts=tuple(dict.fromkeys((*one.doubts, *doubts))))


def _build_unknown(rule: Row, at: HookContext, description: str) -> Verdict:
    reason = f"a target or statement that is not modelled: {description}"
    return Verdict("unknown", at.packet, reason, chain=get_place(rule), doubts=(reason,))


def _match_nft_rule(rule: Row, at: HookContext) -> tuple[Answer, Packet, bool]:
    """Return whether an nft rule matches, the packet after its statements, and whether they are modelled."""
    answers: list[Answer] = [_has_implied_family(rule, at)]
    sets = NftRuleset(rule, at)
    for entry in rule["match"] or []:
        kind, what = _split_entry(entry)
        if kind == "match":
            answers.append(match_expression(what, at, sets))
        elif kind in ("mangle", "notrack"):
            if all_of(answers) is False:
                break
            try:
                at = dataclasses.replace(at, packet=_change_packet(kind, what, at, sets))
            except NotModelled:
                return all_of(answers), at.packet, False
        elif kind not in _NEUTRAL:
            answers.append(None)
        if answers and answers[-1] is False:
            break
    return all_of(answers), at.packet, True


def _has_implied_family(rule: Row, at: HookContext) -> bool:
    """Return whether a packet has the family and protocol that the target of an nft rule implies.

    nft does not print the match of the family in front of such a target.
    """
    options = rule["target_options"] or {}
    version = 0
    if rule["target"] == "reject":
        version = {"icmp": 4, "icmpv6": 6}.get(str(options.get("type")), 0)
    elif rule["target"] in _TRANSLATING:
        address = str(options.get("addr") or "")
        version = {"ip": 4, "ip6": 6}.get(str(options.get("family")), 0)
        with contextlib.suppress(ValueError):
            version = ipaddress.ip_address(address).version
    return version in (0, at.packet.dst.version)


def _split_entry(entry: Any) -> tuple[str, Any]:
    return next(iter(entry.items())) if isinstance(entry, dict) and entry else ("", None)


def _change_packet(kind: str, what: Any, at: HookContext, sets: NftRuleset) -> Packet:
    if kind == "notrack":
        return stop_tracking(at.packet)
    return change_field(what, at, sets)


def _apply_target(rule: Row, chain: Row, at: HookContext, depth: int, description: str) -> Iterator[Verdict]:
    target, place = rule["target"], get_place(rule)
    sets = NftRuleset(rule, at)
    try:
        if target in ("jump", "goto"):
            yield from _enter_chain(target, rule["target_chain"], chain, at, depth)
        elif target in _FINAL:
            yield Verdict(target, at.packet, description, chain=place)
        elif target in _TRANSLATING:
            yield from _translate(rule, at, description, sets)
        elif target == "vmap":
            yield from _apply_verdict_map(rule, chain, at, depth, description)
        elif target in ("mangle", "notrack") and rule["backend"] == "nft":
            yield Verdict("continue", _change_packet(target, rule["target_options"], at, sets))
        elif target in _MARKING:
            yield Verdict("continue", set_marks(rule, at.packet))
        elif target in _GOES_ON:
            yield Verdict("continue", at.packet)
        else:
            yield _build_unknown(rule, at, description)
    except NotModelled:
        yield _build_unknown(rule, at, description)


def _enter_chain(target: str, name: str, chain: Row, at: HookContext, depth: int) -> Iterator[Verdict]:
    for one in traverse_chain(chain, at, depth + 1, name):
        yield dataclasses.replace(one, kind="continue") if one.kind == "return" and target == "jump" else one


def _apply_verdict_map(rule: Row, chain: Row, at: HookContext, depth: int, description: str) -> Iterator[Verdict]:
    options = find_data(rule["target_options"], at, NftRuleset(rule, at))
    if options is None:
        yield Verdict("continue", at.packet)
        return
    certain = any(answer for answer, _data in options)
    doubts = (description,) if len(options) > 1 or not (certain or not options) else ()
    if not certain:
        yield Verdict("continue", at.packet, doubts=doubts)
    for _answer, data in options:
        kind, what = _split_entry(data)
        if kind in ("jump", "goto"):
            found = list(_enter_chain(kind, what["target"], chain, at, depth))
        elif kind in (*_FINAL, "continue"):
            found = [Verdict(kind, at.packet, description, chain=get_place(rule))]
        else:
            found = [_build_unknown(rule, at, description)]
        yield from (dataclasses.replace(one, doubts=(*one.doubts, *doubts)) for one in found)


def _translate(rule: Row, at: HookContext, description: str, sets: NftRuleset) -> Iterator[Verdict]:
    """Yield the possible translations: the addresses are changed after all chains of the type nat."""
    packet, connection = at.packet, at.packet.connection
    if connection is None:
        yield Verdict("accept", packet, description)
        return
    translation = parse_translation(rule, at, sets)
    part = TRANSLATES.get(at.hook, "")
    source = part == "src"
    old, port = (packet.src, packet.sport) if source else (packet.dst, packet.dport)
    addresses = translation.addresses
    if not addresses and translation.drops:
        yield Verdict("drop", packet, f"{description}: no address for the translation", chain=get_place(rule))
        return
    ports = select_ports(port, translation, source)
    options = [(address, one) for address in addresses or (old,) for one in ports]
    doubts = (description,) if len(options) > 1 else ()
    for address, one in options:
        if address is None:
            raise NotModelled
        changed = {"src_to" if source else "dst_to": (address, one)}
        parts = connection.initialized | {part}
        new = dataclasses.replace(connection, initialized=parts, **changed)  # type: ignore[arg-type]
        if (address, one) == (old, port):
            new = dataclasses.replace(connection, initialized=parts)
        yield Verdict("accept", dataclasses.replace(packet, connection=new), description, doubts=doubts)


def _describe_rule(rule: Row) -> str:
    text = str(rule["text"])
    if rule["backend"] == "nft":
        where = f"rule {rule['position']} of {rule['family']} {rule['table']} {rule['chain']}"
        return f"{where} ({rule['comment']})" if rule["comment"] else where
    return f"{rule['table']}: {text}"
