# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The builder of a plan: its operations, and the State after them."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link, State, describe_netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import Op, simulate_all


class PlanBuilder:
    """Collects operations; ``state`` is the simulated State after them, with side effects."""

    def __init__(self, actual: State) -> None:
        self.state = actual
        self.operations: list[Op] = []

    def add_operation(self, operation: Op) -> None:
        """Add an operation."""
        self.operations.append(operation)
        self.state = operation.simulate(self.state)

    def add_operations(self, operations: Sequence[Op]) -> None:
        """Add several operations; similar ones are simulated at once."""
        self.operations += operations
        self.state = simulate_all(self.state, operations)

    def choose_initial_master(self, label: str, want: Link) -> str:
        """Return the master to create a link with: the desired one if it exists by now, otherwise an empty string."""
        return want.master if want.master and self.state.get_link(label, want.master) else ""

    def get_link(self, label: str, name: str) -> Link:
        """Return a link that must exist by now; raise PlanError if an earlier operation deletes it."""
        link = self.state.get_link(label, name)
        if link is None:
            place = f"{name} in {describe_netns(label)}"
            raise PlanError(f"{place} is declared, but is deleted together with an object that is removed or moved")
        return link
