# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning: from what is desired and what is there to the operations that lead from one to the other. Pure."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._model import State
from ansible_collections.netfleet.docker.plugins.module_utils._ops import Op
from ansible_collections.netfleet.docker.plugins.module_utils._plan import _check, _link, _netns
from ansible_collections.netfleet.docker.plugins.module_utils._plan._draft import Draft


def plan(desired: State, actual: State) -> tuple[Op, ...]:
    """Return the operations in the order in which they are to be applied; none if the desired state is met.

    Raises PlanError where the desired state cannot be reached.
    """
    _check.references(desired, actual)
    draft = Draft(actual)
    _netns.create(draft, desired)
    _link.remove(draft, desired)
    for label, want in _check.in_order(desired):
        _link.settle(draft, desired, label, want)
    _netns.finish(draft, desired)
    _netns.delete(draft, desired)
    return tuple(draft.operations)
