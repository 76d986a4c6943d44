# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of drift from the results of roles in check mode."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.drift import build_rows


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({}, []),
        ({"changed": False, "operations": []}, []),
        ({"operations": ["create bridge br0 in host"]}, [("create bridge br0 in host", None)]),
        ({"failed": True, "msg": "no such link: eth9"}, [("cannot be compared", "no such link: eth9")]),
        ({"failed": True}, [("cannot be compared", "failed without a message")]),
        ({"skipped": True}, [("cannot be compared", "the host lacks a requirement of the role")]),
    ],
)
def test_result_of_a_role_becomes_rows(result: dict[str, Any], expected: list[tuple[str, str | None]]) -> None:
    rows = build_rows("h1", {"bridge": result})
    assert [(row["operation"], row["detail"]) for row in rows] == expected
    assert {(row["host"], row["object"]) for row in rows} <= {("h1", "bridge")}
