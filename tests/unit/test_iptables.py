# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Output of iptables-save is parsed without loss."""

from __future__ import annotations

import re

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import escape_invalid_utf8
from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import iptables as iptables_table
from ansible_collections.netfleet.docker.tests.schema import assert_row
from hypothesis import given
from hypothesis import strategies as st

# Read as bytes: surrogates represent bytes that are not UTF-8.
BYTES = st.binary(min_size=1, max_size=30).map(lambda data: data.decode("utf-8", "surrogateescape"))
# Values that resemble other syntax cause most errors.
LOOKALIKES = st.lists(st.sampled_from([*"-!x\"\\' \n", "-j", "--x"]), min_size=1, max_size=6).map("".join)
VALUES = LOOKALIKES | BYTES.map(lambda text: text.replace("\0", "_"))
BARE = VALUES.map(lambda text: re.sub(r"[\s]", "_", text)).filter(lambda text: text != "!")
WORDS = st.sampled_from(
    [*'!-[]:*#"\\ \n', "-A", "-j", "-m", "--comment", "INPUT", "[1:2]", '"a b"', "*nat", ":x - [0:0]"]
)
PRINTED = st.lists(WORDS | VALUES, max_size=30).map(" ".join) | st.lists(WORDS, max_size=30).map("".join)


def quoted(value: str) -> str:
    """Print a value like libxtables: plain, or quoted with backslashes before special characters."""
    if re.fullmatch(r"[-\w]+", value, re.ASCII):
        return value
    return '"' + re.sub(r"([\"'\\])", r"\\\1", value) + '"'


# An option with its values, and its printed form.
BARE_OPTIONS = st.tuples(st.sampled_from(["-i", "-o", "--match-set"]), BARE).map(
    lambda one: (*one, f"{one[0]} {one[1]}")
)
TEXT_OPTIONS = st.tuples(st.sampled_from(["--string", "--helper", "--unheard-of"]), VALUES).map(
    lambda one: (*one, f"{one[0]} {quoted(one[1])}")
)
OPTIONS = st.lists(
    st.tuples(st.booleans(), BARE_OPTIONS | TEXT_OPTIONS).filter(
        # Only a known option is known to have the next word as its value.
        lambda one: one[1][0] != "--unheard-of" or not one[1][2].split(" ")[1].startswith("-")
    ),
    max_size=5,
)


@given(PRINTED)
def test_any_output_is_parsed(printed: str) -> None:
    found = iptables_table.parse_save(printed, "iptables-nft", "ip", 5)
    assert len(found.rules) <= 5 and len(found.chains) <= 5
    for row in found.rules:
        assert row["text"] in escape_invalid_utf8(printed) or row["text"].count("\\x5c")
        assert row["position"] >= 1
        assert_row("firewall_rule", row)
    for row in found.chains:
        assert_row("firewall_chain", row)


@given(PRINTED)
def test_rules_keep_every_argument(printed: str) -> None:
    line = "[3:4] -A INPUT " + printed.replace("\n", " ")
    (row,) = iptables_table.parse_save(f"*filter\n{line}\n", "iptables-nft", "ip", 5).rules
    assert (row["packets"], row["bytes"]) == (3, 4)
    assert row["text"] == escape_invalid_utf8(line[6:])


@given(OPTIONS, st.none() | VALUES, BARE.filter(lambda text: not text.startswith("-")))
def test_options_are_parsed_as_given(
    options: list[tuple[bool, tuple[str, str, str]]], comment: str | None, chain: str
) -> None:
    printed = [("! " if negated else "") + text for negated, (_name, _value, text) in options]
    if comment is not None:
        printed.append(f"-m comment --comment {quoted(comment)}")
    line = " ".join(["[0:0] -A", chain, *printed, "-j DNAT --to-destination 192.0.2.1 --random"])
    after = "[0:0] -A INPUT -j last"
    found = iptables_table.parse_save(f"*nat\n:last - [0:0]\n{line}\n{after}\nCOMMIT\n", "iptables-nft", "ip", 5)
    row, last = found.rules
    long = {"-i": "in-interface", "-o": "out-interface"}
    assert row["match"] == [
        {"option": long.get(name, name.lstrip("-")), "negated": negated, "values": [escape_invalid_utf8(value)]}
        for negated, (name, value, _text) in options
    ]
    assert row["chain"] == escape_invalid_utf8(chain)
    assert row["comment"] == (None if comment is None else escape_invalid_utf8(comment))
    assert (row["target"], row["target_chain"]) == ("dnat", None)
    assert row["target_options"] == {"to-destination": "192.0.2.1", "random": True}
    assert (last["chain"], last["target"], last["target_chain"]) == ("INPUT", "jump", "last")


def test_unclosed_quote_hides_no_rule() -> None:
    printed = '*filter\n[0:0] -A INPUT -p "x -j DROP\n[0:0] -A INPUT --odd "y -j DROP\n[0:0] -A INPUT -j ACCEPT\n'
    assert [row["target"] for row in iptables_table.parse_save(printed, "iptables-nft", "ip", 9).rules] == [
        "drop",
        "drop",
        "accept",
    ]


def test_quoted_text_is_not_an_option() -> None:
    printed = '*filter\n[0:0] -A INPUT --odd "-j x" "!" --even -j DROP\n'
    (row,) = iptables_table.parse_save(printed, "iptables-nft", "ip", 9).rules
    assert row["match"] == [
        {"option": "odd", "negated": False, "values": ["-j x", "!"]},
        {"option": "even", "negated": False, "values": []},
    ]
    assert row["target"] == "drop"


def test_options_of_a_target_are_parsed() -> None:
    line = "-A x -j SOMETHING --flag --pair a b --twice a --twice b ! --not c -s 192.0.2.1"
    row = iptables_table.parse_rule(line, line.split(), ())
    assert row["target_options"] == {"flag": True, "pair": ["a", "b"], "twice": ["a", "b"], "! not": "c"}
    assert row["match"] == [{"option": "source", "negated": False, "values": ["192.0.2.1"]}]


def test_tables_are_distinguished() -> None:
    printed = "*nat\n:own - [0:0]\n:OUTPUT DROP [7:8]\nCOMMIT\n*filter\n:a b DROP\n[0:0] -A OUTPUT -j own\nCOMMIT\n"
    found = iptables_table.parse_save(printed, "iptables-legacy", "ip6", 9)
    assert found.tables == ["nat", "filter"]
    assert [(row["table"], row["chain"], row["packets"], row["bytes"]) for row in found.chains] == [
        ("nat", "own", None, None),
        ("nat", "OUTPUT", 7, 8),
        ("filter", "a b", None, None),
    ]
    assert (found.rules[0]["target"], found.rules[0]["target_chain"]) == ("own", None)
