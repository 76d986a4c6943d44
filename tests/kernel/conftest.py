# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: a sandbox for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .sandbox import Sandbox


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests with a message unless they run as root."""
    if os.geteuid() != 0:
        here = os.path.dirname(__file__)
        for item in items:
            if str(item.fspath).startswith(here):
                item.add_marker(pytest.mark.skip(reason="network namespaces take root"))


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """Return a host with the named namespaces red and blue."""
    with Sandbox() as sandbox:
        sandbox.netns("red", "blue")
        yield sandbox
