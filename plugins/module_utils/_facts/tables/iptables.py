# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the output of ``iptables-save -c`` and its variants to rows.

A value with special characters is quoted, with a backslash before quotes and backslashes, and can contain line breaks.
Names of interfaces and chains are printed unquoted, and can start with a quote.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8

Row = dict[str, Any]

# Longer than any quoted value, whose bytes can all be escaped: an unclosed quote does not hide what follows.
_QUOTED = re.compile(r'"((?:[^"\\]|\\.){0,4096})"(?=[ \n]|\Z)')
_PLAIN = re.compile(r"[^ \n]+")
_ESCAPE = re.compile(r"\\(.)")
_OPTION = re.compile(r"--?[A-Za-z]")
_CHAIN = re.compile(r":(.*?) (\S+)(?: \[(\d+):(\d+)\])?\s*")
_COUNTERS = re.compile(r"\[(\d+):(\d+)\] ")
_LONG = {
    "-s": "source",
    "-d": "destination",
    "-p": "protocol",
    "-i": "in-interface",
    "-o": "out-interface",
    "-f": "fragment",
    "-m": "match",
}
# Options whose value is printed without quotes.
_RAW = frozenset((*_LONG, "-A", "-j", "-g", "--physdev-in", "--physdev-out", "--match-set", "--name"))
# Options whose value can look like an option.
_TAKES_ONE = _RAW - {"-f"} | {"--comment", "--log-prefix", "--nflog-prefix", "--string", "--helper"}


class ParsedSave(NamedTuple):
    """The printed tables with their chains and rules, up to the limit."""

    tables: list[str]
    chains: list[Row]
    rules: list[Row]
    complete: bool


class _QuotedValue(str):
    """A quoted value, which is therefore not an option."""

    __slots__ = ()


def parse_save(text: str, backend: str, family: str, most: int) -> ParsedSave:
    """Return the tables in ``text``, decoded with surrogateescape, up to a number of chains and rules."""
    tables: list[str] = []
    chains: list[Row] = []
    rules: list[Row] = []
    own: set[str] = set()
    positions: dict[str, int] = {}
    complete = True
    common = {"backend": backend, "family": family, "table": ""}
    for line, words in _split_lines(text):
        if line.startswith("*"):
            tables.append(escape_invalid_utf8(line[1:].rstrip()))
            common["table"] = tables[-1]
            own, positions = set(), {}
        elif line.startswith(":"):
            found = parse_chain(line)
            if found["hook"] is None:
                own.add(found["chain"])
            if len(chains) < most:
                chains.append({**common, **found, "type": _get_chain_type(common["table"], found["hook"])})
        elif line.startswith(("[", "-A ")):
            complete = complete and len(rules) < most
            if complete:
                found = parse_rule(line, words, own)
                found["position"] = positions[found["chain"]] = positions.get(found["chain"], 0) + 1
                rules.append({**common, **found})
    return ParsedSave(tables, chains, rules, complete and len(chains) < most)


def parse_chain(line: str) -> Row:
    """Return the chain in a line such as ``:INPUT ACCEPT [1:60]``; a user-defined chain has the policy ``-``."""
    found = _CHAIN.fullmatch(line)
    name, policy, packets, octets = found.groups() if found else (line[1:], "-", None, None)
    base = policy != "-"
    return {
        "chain": escape_invalid_utf8(name),
        "type": None,
        "hook": escape_invalid_utf8(name).lower() if base else None,
        "priority": None,
        "policy": escape_invalid_utf8(policy).lower() if base else None,
        "packets": int(packets) if base and packets else None,
        "bytes": int(octets) if base and octets else None,
    }


def parse_rule(line: str, words: Sequence[str], own: Collection[str]) -> Row:
    """Return a rule without its position; ``own`` are the user-defined chains in its table."""
    counters = _COUNTERS.match(line)
    start = counters.end() if counters else 0
    text = line[start:]
    words = words[1:] if counters else words
    found: Row = {
        "chain": "",
        "position": 0,
        "handle": None,
        "packets": int(counters[1]) if counters else None,
        "bytes": int(counters[2]) if counters else None,
        "target": None,
        "target_chain": None,
        "match": [],
        "target_options": {},
        "comment": None,
        "text": escape_invalid_utf8(text),
    }
    for option, negated, values in _split_options(words):
        _add_option(found, option, negated, [escape_invalid_utf8(value) for value in values], own)
    return found


def _add_option(found: Row, option: str, negated: bool, values: list[str], own: Collection[str]) -> None:
    first = values[0] if values else ""
    if option == "-A":
        found["chain"] = first
    elif option in ("-j", "-g"):
        jumps = option == "-g" or first in own
        found["target"] = {"-j": "jump", "-g": "goto"}[option] if jumps else first.lower()
        found["target_chain"] = first if jumps else None
        if values[1:]:
            found["target_options"][""] = values[1:]
    elif option == "--comment" and found["comment"] is None and found["target"] is None:
        found["comment"] = first
    elif option == "-m" and values == ["comment"]:
        pass
    elif found["target"] is not None and option not in _LONG:
        _add_target_option(found["target_options"], ("! " if negated else "") + option.lstrip("-"), values)
    else:
        name = _LONG.get(option, option.lstrip("-"))
        found["match"].append({"option": name, "negated": negated, "values": values})


def _add_target_option(options: dict[str, Any], name: str, values: list[str]) -> None:
    """Add an option: true without a value, text for one, a list for several; repeated options are merged."""
    if name in options:
        before = options[name]
        values = [*(before if isinstance(before, list) else [before]), *values]
    options[name] = values[0] if len(values) == 1 else values or True


def _split_options(words: Sequence[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """Yield each option with its negation and values in order; words without an option have an empty one."""
    name, negated, values = "", False, list[str]()
    inverts = False
    for word in words:
        if isinstance(word, _QuotedValue) or (name in _TAKES_ONE and not values):
            values.append(word)
        elif word == "!":
            inverts = True
        elif _OPTION.match(word):
            if name or values:
                yield name, negated, values
            name, negated, values = word, inverts, []
            inverts = False
        else:
            values.append(word)
    if inverts:
        values.append("!")
    if name or values:
        yield name, negated, values


def _split_lines(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each line with its words; a quoted line break continues the line."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        words: list[str] = []
        if text[start] not in "#*:":
            if text.find('"', start, end) < 0:
                words = [word for word in text[start:end].split(" ") if word]
            else:
                words, end = _split_words(text, start)
        if end > start and text[start] != "#":
            yield text[start:end], words
        start = end + 1


def _split_words(text: str, start: int) -> tuple[list[str], int]:
    """Split a line into words, and return where it ends."""
    words: list[str] = []
    while start < len(text) and text[start] != "\n":
        if text[start] == " ":
            start += 1
            continue
        quoted = _QUOTED.match(text, start) if text[start] == '"' and not (words and words[-1] in _RAW) else None
        if quoted:
            words.append(_QuotedValue(_ESCAPE.sub(r"\1", quoted[1])))
            start = quoted.end()
        else:
            end = _find_word_end(text, start)
            words.append(text[start:end])
            start = end
    return words, start


def _find_word_end(text: str, start: int) -> int:
    found = _PLAIN.match(text, start)
    return found.end() if found else start + 1


def _get_chain_type(table: str, hook: str | None) -> str | None:
    """Return the nf_tables type of a base chain."""
    if hook is None:
        return None
    if (table, hook) == ("mangle", "output"):
        return "route"
    return {"nat": "nat", "filter": "filter", "mangle": "filter", "raw": "filter", "security": "filter"}.get(table)
