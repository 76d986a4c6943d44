# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sandbox fixture, and the option that selects parameters of parametrized tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .sandbox import Sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the parameters."""
    text = (
        "run parametrized tests with all parameters, only those marked 'libraries', or each with its first parameters"
    )
    parser.addoption("--parameters", choices=("all", "libraries", "none"), default="all", help=text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what --parameters excludes, and skip the tests with a message unless they run as root."""
    chosen = select_parameters(items, config.getoption("--parameters"))
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
    if os.geteuid() != 0:
        here = os.path.dirname(__file__)
        for item in items:
            if str(item.fspath).startswith(here):
                item.add_marker(pytest.mark.skip(reason="network namespaces require root"))


def select_parameters(items: list[pytest.Item], which: str) -> list[pytest.Item]:
    """Return each test with its first parameters; with all, if ``which`` is all or a marker of the test.

    The marker ``one_set`` excludes a test from the latter.
    """
    first: dict[str, pytest.Item] = {}
    for item in items:
        first.setdefault(item.nodeid.partition("[")[0], item)
    chosen = {item.nodeid for item in first.values()}
    with_all = [
        item
        for item in items
        if which == "all"
        or (which == "libraries" and item.get_closest_marker("libraries") and not item.get_closest_marker("one_set"))
    ]
    chosen |= {item.nodeid for item in with_all}
    return [item for item in items if item.nodeid in chosen]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """Return a host with the named namespaces red and blue."""
    with Sandbox() as sandbox:
        sandbox.netns("red", "blue")
        yield sandbox
