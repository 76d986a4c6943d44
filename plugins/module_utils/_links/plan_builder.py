# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan in the making: the operations so far, and the State that they lead to."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Link, State, describe_netns
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import Op


class PlanBuilder:
    """Collects operations; ``state`` is always what would be there after them, side effects included."""

    def __init__(self, actual: State) -> None:
        self.state = actual
        self.operations: list[Op] = []

    def add(self, operation: Op) -> None:
        """Add an operation."""
        self.operations.append(operation)
        self.state = operation.simulate(self.state)

    def master(self, label: str, want: Link) -> str:
        """Return the master with which a link can be created: the one that it is to have, if that is there by now."""
        return want.master if want.master and self.state.link(label, want.master) else ""

    def link(self, label: str, name: str) -> Link:
        """Return a link that must be there by now; raise PlanError if something before took it away."""
        link = self.state.link(label, name)
        if link is None:
            place = f"{name} in {describe_netns(label)}"
            raise PlanError(f"{place} is declared, but is deleted together with an object that is removed or moved")
        return link
