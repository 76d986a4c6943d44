# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a reader of facts like the collector does: in a thread that has entered a namespace of the sandbox."""

from __future__ import annotations

import os
import time
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_context import NetnsContext
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Budget
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_netns

from .sandbox import Sandbox

Reader = Callable[[NetnsContext], Any]


def read_all(box: Sandbox, netns: str, reader: Reader, messages: int = 100_000) -> tuple[Any, bool]:
    """Return the data of a named namespace of the sandbox, and whether it was truncated."""
    budget = Budget(messages, time.monotonic() + 30)

    def work() -> Any:
        with NetnsContext(budget) as inside:
            return reader(inside)

    fd = namespaces.open_netns(f"/proc/{box.pid}/root/run/netns/{netns}")
    try:
        return run_in_netns(fd, work), budget.exceeded
    finally:
        os.close(fd)


def read(box: Sandbox, netns: str, reader: Reader) -> Any:
    """Return the complete data of a named namespace of the sandbox."""
    found, exceeded = read_all(box, netns, reader)
    assert not exceeded
    return found
