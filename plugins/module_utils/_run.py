# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module does: observe, plan, pass the gate, apply, verify, and tell."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils import _privileges, _refs, _view
from ansible_collections.netfleet.docker.plugins.module_utils._errors import KernelError, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._kernel import Kernel, require_pyroute2
from ansible_collections.netfleet.docker.plugins.module_utils._model import Endpoint, State
from ansible_collections.netfleet.docker.plugins.module_utils._observe import observe
from ansible_collections.netfleet.docker.plugins.module_utils._ops import Op
from ansible_collections.netfleet.docker.plugins.module_utils._plan._planner import plan
from ansible_collections.netfleet.docker.plugins.module_utils._plan._undo import target

# Duplicate address detection takes a second after a random delay of up to another (RFC 4862), on a bridge more.
_DAD_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class Request:
    """What a module's parameters ask for.

    ``references`` maps each namespace reference to the parameter that holds it; those in ``may_be_missing`` need not
    be there, as where something is to be absent. ``show`` makes the result's object from the State afterwards and
    the labels of the references.
    """

    desired: State
    references: Mapping[str, str]
    show: Callable[[State, Mapping[str, str]], Any]
    may_be_missing: tuple[str, ...] = ()


def run(module: AnsibleModule, name: str, request: Callable[[dict[str, Any]], Request]) -> None:
    """Carry a module's request out and exit; the object is returned under ``name``."""
    kernel = Kernel()
    try:
        result = _carry_out(kernel, request(module.params), name, module.check_mode)
    except NetfleetError as error:
        module.fail_json(msg=_view.line(str(error)))
    finally:
        kernel.close()
    module.exit_json(**_view.printable(result))


def _carry_out(kernel: Kernel, request: Request, name: str, check_mode: bool) -> dict[str, Any]:
    _privileges.require(_privileges.CHANGE)
    require_pyroute2()
    labels = _refs.resolve(kernel, request.references, request.may_be_missing)
    desired = request.desired.relabel(labels)
    before = _look(kernel, desired)
    operations = plan(desired, before)
    if check_mode:
        after = before
        for op in operations:
            after = op.simulate(after)
    else:
        after = _change(kernel, desired, before, operations)
    return {
        "changed": bool(operations),
        "operations": [op.report() for op in operations],
        "diff": {"before": _view.managed(desired, before), "after": _view.managed(desired, after)},
        name: request.show(after, labels),
    }


def _look(kernel: Kernel, desired: State) -> State:
    """Observe what the desired state speaks of, and the namespaces in which its links' other ends turn out to lie."""
    # Also those that are open already, as the other end of a link that is named may lie there.
    readings = {label: _read(kernel, desired, label) for label in (*desired.namespaces, *kernel.labels())}
    for label, reading in list(readings.items()):
        managed = desired.netns(label).links
        numbers = {message.get("IFLA_LINK_NETNSID") for message in reading.links if message["IFLA_IFNAME"] in managed}
        unknown = {number for number in numbers if number is not None} - set(reading.nsids)
        if unknown and _refs.discover(kernel, label, unknown):
            readings = {one: _read(kernel, desired, one) for one in kernel.labels() | set(desired.namespaces)}
    return observe(list(readings.values()))


def _read(kernel: Kernel, desired: State, label: str) -> Any:
    want = desired.netns(label)
    tables = {table for table in ("routes", "rules", "neighbours") if getattr(want, table) is not None}
    # A VXLAN link that is made anew takes its entries along, which would be missing where that is undone.
    if any(link.fdb is not None or (link.kind == "vxlan" and link.recreate) for link in want.links.values()):
        tables.add("forwarding")
    return kernel.read(label, want.sysctls, tables, want.present is False)


def _change(kernel: Kernel, desired: State, before: State, operations: Sequence[Op]) -> State:
    """Apply the operations and return the State afterwards; where that fails, bring back what was, and raise."""
    applied = 0
    try:
        for op in operations:
            kernel.apply(op)
            applied += 1
        after = _verified(kernel, desired) if operations else before
        _refuse_duplicates(desired, after)
        return after
    except NetfleetError as error:
        # A step that failed may have done a part of what it says.
        left = _undo(kernel, before, operations[: applied + 1])
        if left:
            raise NetfleetError(f"{error}. What could not be undone: {'; '.join(left)}") from None
        changed = "What this run had changed is undone" if applied else "Nothing was changed"
        raise NetfleetError(f"{error}. {changed}.") from None


def _undo(kernel: Kernel, before: State, operations: Sequence[Op]) -> list[str]:
    """Bring back what the operations changed; return what could not be."""
    aim = target(before, operations)
    left = []
    try:
        steps = plan(aim, _look(kernel, aim))
    except NetfleetError as error:
        return [str(error)]
    for op in steps:
        try:
            kernel.apply(op)
        except KernelError as error:
            left.append(str(error))
    return left


def _verified(kernel: Kernel, desired: State) -> State:
    """Return the State after everything was applied; raise NetfleetError for what the kernel took and did not keep."""
    deadline = time.monotonic() + _DAD_SECONDS
    while True:
        state = _look(kernel, desired)
        left = plan(desired, state)
        if left:
            wishes = "; ".join(op.describe() for op in left)
            raise NetfleetError(f"the kernel accepted every request and yet did not do this: {wishes}")
        if not _detecting(desired, state) or time.monotonic() > deadline:
            return state
        time.sleep(0.05)


def _detecting(desired: State, state: State) -> bool:
    """Tell whether duplicate address detection still runs for an address that is managed."""
    pairs = ((want, state.link(label, want.name)) for label, want in desired.links())
    # An address that failed stays tentative for good.
    return any(
        have and have.running and set(want.addresses or ()) & set(have.tentative) - set(have.dad_failed)
        for want, have in pairs
    )


def _refuse_duplicates(desired: State, state: State) -> None:
    for label, want in desired.links():
        have = state.link(label, want.name)
        failed = sorted(set(want.addresses or ()) & set(have.dad_failed)) if have else []
        if failed:
            place = Endpoint(label, want.name)
            raise NetfleetError(f"duplicate address detection failed: another host has {', '.join(failed)} of {place}")
