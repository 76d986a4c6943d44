# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of roles in check mode as rows of the table drift; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Row = dict[str, Any]
_NO_MESSAGE = "failed without a message"
# The tasks of a role that can change a host are skipped in check mode only if this is the case.
_SKIPPED = "the host lacks a requirement of the role"


def build_rows(host: str, results: Mapping[str, Any]) -> list[Row]:
    """Return a row for each operation that a role would do, and a row for each role that failed or was skipped."""
    return [row for role, result in results.items() for row in _build_role_rows(host, role, result or {})]


def _build_role_rows(host: str, role: str, result: Mapping[str, Any]) -> Iterator[Row]:
    common = {"host": host, "module": "role", "object": role}
    if result.get("failed"):
        yield {**common, "operation": "cannot be compared", "detail": str(result.get("msg") or _NO_MESSAGE)}
        return
    if result.get("skipped"):
        yield {**common, "operation": "cannot be compared", "detail": _SKIPPED}
        return
    for operation in result.get("operations") or ():
        yield {**common, "operation": operation, "detail": None}
