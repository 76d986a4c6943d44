# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A netlink request as data, before it is encoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record


@record
class Message:
    """A request to the socket of one namespace; ``kind`` is link, address, route, rule or neighbour.

    A ``payload`` is sent as it is, instead of the encoded fields and attributes.
    """

    netns: str
    kind: str
    type: int
    flags: int
    fields: Mapping[str, Any]
    attributes: list[tuple[str, Any]]
    payload: bytes = b""
