# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluation of probe results, name resolution, and documentation of the options."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._probe import evaluation, options
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import OPTIONS, STATES, Check, Outcome
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import resolver
from ansible_collections.netfleet.docker.plugins.modules import probe
from hypothesis import given
from hypothesis import strategies as st


def check(*expect: str) -> Check:
    return Check(type="tcp", name="it", target="x", expect=expect, port=80)


@pytest.mark.parametrize(
    ("expect", "state", "wishes", "met"),
    [
        (("open",), "open", (), True),
        (("open",), "open", ("more",), False),
        (("open",), "refused", (), False),
        (("closed",), "refused", (), True),
        (("closed",), "filtered", (), True),
        (("closed",), "unresolved", (), False),
        (("closed",), "error", (), False),
        (("refused", "open"), "refused", ("ignored",), True),
    ],
)
def test_expectations_are_evaluated(expect: tuple[str, ...], state: str, wishes: tuple[str, ...], met: bool) -> None:
    assert evaluation.is_met(check(*expect), Outcome(state, "why", unmet=wishes)) is met


def test_figures_are_computed() -> None:
    assert evaluation.summarize_latency(()) is None
    assert evaluation.summarize_latency((0.001, 0.002, 0.006)) == {"min_ms": 1.0, "avg_ms": 3.0, "max_ms": 6.0}
    found = evaluation.build_result(check("open"), Outcome("open", "fine", (0.1,), 4), {"address": "192.0.2.1"})
    assert (found["sent"], found["received"], found["loss_percent"]) == (4, 1, 75.0)
    assert found["reason"] == "fine" and found["address"] == "192.0.2.1"
    assert "sent" not in evaluation.build_result(check("open"), Outcome("open", "fine"), {})


def test_summary_counts_results() -> None:
    good = evaluation.build_result(check("open"), Outcome("open", "fine"), {})
    bad = evaluation.build_result(check("open"), Outcome("filtered", "silence"), {})
    assert evaluation.summarize([good]) == "1 of 1 checks met the expectation"
    assert (
        evaluation.summarize([good, bad]) == "1 of 2 checks did not meet the expectation: it: silence (expected: open)"
    )


def test_resolv_conf_is_parsed() -> None:
    text = "# x\nnameserver 192.0.2.1\nnameserver none\nnameserver fd00::1\ndomain a.test\nsearch b.test c.test.\n"
    found = resolver.parse_config(text + "options rotate ndots:2\n", "192.0.2.5 Web web.test # no\n\nx y\n", "/r", "/h")
    assert found.servers == ("192.0.2.1", "fd00::1")
    assert (found.search, found.ndots) == (("b.test", "c.test"), 2)
    assert dict(found.hosts) == {"web": ("192.0.2.5",), "web.test": ("192.0.2.5",)}
    assert resolver.build_candidate_names("db", found) == ("db.b.test", "db.c.test", "db")
    assert resolver.build_candidate_names("db.x.y", found) == ("db.x.y", "db.x.y.b.test", "db.x.y.c.test")
    assert resolver.build_candidate_names("db.", found) == ("db",)


@pytest.mark.parametrize(("text", "expected"), [("3", 3), ("99", 15), ("²", 1), ("-1", 1), ("", 1), ("9" * 5000, 1)])
def test_number_of_dots_is_limited(text: str, expected: int) -> None:
    assert resolver.parse_config(f"options ndots:{text}\n", "", "/r", "/h").ndots == expected


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_resolv_conf_is_parsed(conf: str, hosts: str) -> None:
    resolver.parse_config(conf, hosts, "/r", "/h")


def test_defaults_are_applied() -> None:
    one, two, three = options.parse_checks(
        [
            {"type": "ping", "target": "FD00:0::1", "port": None},
            {"type": "http", "url": "https://[fd00::1]/x?y"},
            {"type": "dns", "target": "_srv._tcp.example"},
        ]
    )
    assert (one.name, one.target, one.count, one.expect) == ("0: ping fd00::1", "fd00::1", 3, ("open",))
    assert (two.target, two.port) == ("fd00::1", 443)
    assert three.name == "2: dns _srv._tcp.example A"


@given(st.dictionaries(st.sampled_from(sorted(options.SUBOPTIONS)), st.text(max_size=20), max_size=4))
def test_any_text_is_accepted_or_rejected_by_name(given_: dict[str, Any]) -> None:
    texts = {name: value for name, value in given_.items() if options.SUBOPTIONS[name]["type"] in ("str", "path")}
    for kind in STATES:
        params = {**{name: value for name, value in texts.items() if "choices" not in options.SUBOPTIONS[name]}}
        refused = ""
        try:
            options.parse_checks([{**params, "type": kind}])
        except BadParameter as error:
            refused = error.parameter
        assert refused.startswith("checks[0].") or not refused


def test_every_option_is_documented_and_used() -> None:
    documented = yaml.safe_load(probe.DOCUMENTATION)["options"]["checks"]["suboptions"]
    assert set(documented) == set(options.SUBOPTIONS) == set().union(*OPTIONS.values())
    for name, option in documented.items():
        spec = options.SUBOPTIONS[name]
        assert option["type"] == spec["type"]
        assert option.get("choices") == spec.get("choices")
