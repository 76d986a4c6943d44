# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planner: a pure function from the desired and the observed State to operations."""

from __future__ import annotations

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import PlanError
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import State
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import (
    AddAddress,
    AddAltname,
    CreateLink,
    CreateNetns,
    Op,
    SetGroupUp,
    SetLink,
)
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import dependencies
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import fdb as fdb_plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import link as link_plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import netns as netns_plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan_builder import PlanBuilder

# A removal can delete desired objects as a side effect, which a second pass creates again. A contradictory
# desired state does not converge.
_PASSES = 3


def plan(desired: State, actual: State) -> tuple[Op, ...]:
    """Return the operations in the order to apply them; none if the desired state is reached.

    Raises PlanError if the desired state cannot be reached.
    """
    builder = PlanBuilder(actual)
    for _pass in range(_PASSES):
        planned = len(builder.operations)
        _plan_pass(builder, desired)
        if all(_is_additive(op, desired) for op in builder.operations[planned:]):
            return tuple(builder.operations)
    again = "; ".join(op.describe() for op in builder.operations[planned:])
    raise PlanError(f"the desired state contradicts itself; planning does not converge: {again}")


def _is_additive(op: Op, desired: State) -> bool:
    """Return whether an operation certainly removes or changes no other object."""
    if isinstance(op, CreateLink) and op.master:
        # A new port can change the MTU of its bridge.
        master = desired.get_link(op.netns, op.master)
        return master is None or master.mtu is None
    return isinstance(op, (CreateNetns, CreateLink, SetGroupUp, AddAddress, AddAltname)) or (
        isinstance(op, SetLink) and not op.options and not op.can_remove_objects
    )


def _plan_pass(builder: PlanBuilder, desired: State) -> None:
    dependencies.check_references(desired, builder.state)
    netns_plan.plan_creation(builder, desired)
    link_plan.plan_removals(builder, desired)
    for label, want in dependencies.sort_for_creation(desired):
        link_plan.plan_link(builder, desired, label, want)
    at_once = link_plan.find_groups_to_bring_up(builder, desired)
    for label, want in dependencies.sort_for_activation(desired):
        if (label, want.group) not in at_once:
            link_plan.plan_up(builder, label, want)
    for (label, group), names in at_once.items():
        builder.add_operation(SetGroupUp(label, group, names))
    fdb_plan.plan_forwarding(builder, desired)
    netns_plan.plan_tables(builder, desired)
    netns_plan.plan_deletion(builder, desired)
