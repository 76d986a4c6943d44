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
    text = "run parametrized tests with all parameters, or each with its first parameters"
    parser.addoption("--parameters", choices=("all", "first"), default="all", help=text)


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
    """Return all tests, or each test with its first parameters."""
    if which == "all":
        return items
    first: dict[str, pytest.Item] = {}
    for item in items:
        first.setdefault(item.nodeid.partition("[")[0], item)
    return list(first.values())


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """Return a host with the named namespaces red and blue."""
    with Sandbox() as sandbox:
        sandbox.netns("red", "blue")
        yield sandbox
