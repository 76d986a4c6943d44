# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON output of nft is parsed without loss."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._facts.tables import nft as nft_table
from hypothesis import given
from hypothesis import strategies as st

TABLES = frozenset({("ip", "t"), ("inet", "u")})
NAMES = st.sampled_from(["t", "u", "{{7*7}}", "\udcff\\x41", "\x1b[31m"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NAMES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.sampled_from(["set", "elem"]), inner, max_size=3)
    ),
    max_leaves=10,
)
STATEMENTS = st.sampled_from(["match", "counter", "xt", "log", "accept", "jump", "vmap", "dnat", "limit", "queue"])
EXPRESSIONS = st.lists(
    st.dictionaries(STATEMENTS, JSON | st.just({"packets": 3, "bytes": 4}), min_size=1, max_size=1), max_size=5
)
FIELDS = st.fixed_dictionaries(
    {"family": st.sampled_from(["ip", "inet"]), "table": NAMES},
    optional={
        "name": NAMES,
        "chain": NAMES,
        "handle": st.integers(),
        "expr": EXPRESSIONS | JSON,
        "comment": NAMES,
        "type": NAMES | st.lists(NAMES) | JSON,
        "map": NAMES,
        "elem": JSON,
        "prio": JSON,
        "policy": st.sampled_from(["accept", "drop"]),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "nftables": st.lists(
            st.dictionaries(st.sampled_from(["table", "chain", "rule", "set", "map"]), FIELDS | JSON, max_size=2),
            max_size=10,
        )
    }
)


@given(DOCUMENTS | JSON, st.integers(0, 5))
def test_any_output_is_parsed(document: Any, most: int) -> None:
    found = nft_table.parse_listing(document, TABLES, most)
    assert max(len(found.chains), len(found.rules), len(found.sets)) <= most
    assert sum(len(row["elements"]) for row in found.sets) <= most
    json.dumps(found, ensure_ascii=False).encode()  # no surrogate is left
    assert {(row["family"], row["table"]) for row in (*found.chains, *found.rules, *found.sets)} <= TABLES


@given(EXPRESSIONS)
def test_every_expression_of_a_rule_is_shown(expressions: list[dict[str, Any]]) -> None:
    one = {"family": "ip", "table": "t", "chain": "c", "handle": 1, "expr": expressions}
    row = nft_table.build_rule(one, 1)
    expressions = nft_table.escape_all(expressions)
    assert json.loads(row["text"]) == expressions
    counters = [each for each in expressions if isinstance(each.get("counter"), dict)][:1]
    assert len(row["match"]) + len(counters) + (row["target"] is not None) == len(expressions)
    assert all(each in expressions for each in row["match"])


def test_only_selected_tables_are_parsed() -> None:
    document = {"nftables": [{"chain": {"family": family, "table": "t", "name": "c"}} for family in ("ip", "ip6")]}
    assert [row["family"] for row in nft_table.parse_listing(document, TABLES, 9).chains] == ["ip"]


def test_truncation_is_reported() -> None:
    common = {"family": "ip", "table": "t", "chain": "c", "name": "n"}
    assert nft_table.parse_listing({"nftables": [{"rule": common}] * 3}, TABLES, 3).complete
    assert not nft_table.parse_listing({"nftables": [{"rule": common}] * 4}, TABLES, 3).complete
    assert nft_table.parse_listing({"nftables": [{"set": {**common, "elem": [1, 2, 3]}}]}, TABLES, 3).complete
    assert not nft_table.parse_listing({"nftables": [{"set": {**common, "elem": [1, 2]}}] * 2}, TABLES, 3).complete


def test_types_of_sets_are_parsed() -> None:
    one = {"family": "ip", "table": "t", "name": "m", "type": ["ipv4_addr", "inet_service"], "map": "verdict"}
    assert nft_table.build_set("map", one, 9)["type"] == "ipv4_addr . inet_service : verdict"
    assert nft_table.build_set("set", {**one, "type": {"typeof": 1}}, 9)["type"] == '{"typeof":1} : verdict'
