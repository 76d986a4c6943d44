# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module does: observe, plan, pass the gate, apply, verify, and tell."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities, lock
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    KernelError,
    NetfleetError,
    PlanError,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import (
    apply_unless_check_mode,
    exit_with_result,
    lock_timeout,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record
from ansible_collections.netfleet.docker.plugins.module_utils._links import namespace_registry, output
from ansible_collections.netfleet.docker.plugins.module_utils._links.kernel import Kernel, Processes
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.observe import Reading, build_state
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import Op
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.planner import plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.rollback import rollback_target
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.schedule import (
    departing_ends,
    finished_namespaces,
    may_lose,
    schedule,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink import pyroute2_encoder
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_thread

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


# Open files besides two for each namespace.
_FILES = 200
# How long a run may go on changing things, whatever becomes of the one who started it.
_RUN_SECONDS = 600.0
# Duplicate address detection takes a second after a random delay of up to another (RFC 4862), on a bridge more.
_DAD_SECONDS = 5.0


@record
class Request:
    """What a module's parameters ask for.

    ``references`` maps each namespace reference to the parameter that holds it; those in ``may_be_missing`` need not
    be there, as where something is to be absent. ``show`` makes the result's object from the State afterwards and
    the labels of the references. ``interpret`` makes of what is declared what is meant, and ``complete`` adds what
    depends on what is there, for which, with ``everywhere``, all namespaces of the host are looked at.
    """

    desired: State
    references: Mapping[str, str]
    show: Callable[[State, Mapping[str, str]], Any]
    may_be_missing: tuple[str, ...] = ()
    interpret: Callable[[State], State] | None = None
    complete: Callable[[State, State], State] | None = None
    everywhere: bool = False


def run_module(
    module: AnsibleModule, name: str, request: Callable[[dict[str, Any]], Request], large: bool = False
) -> None:
    """Carry a module's request out and exit; the object is returned under ``name``.

    Where parameters are ``large``, the difference comes only if it is asked for.
    """
    diff = bool(module._diff) or not large
    exit_with_result(module, lambda: reconcile(request(module.params), name, lock_timeout(module), diff), large)


def reconcile(request: Request, name: str, lock_seconds: float | None, diff: bool) -> dict[str, Any]:
    """Carry a request out and return the result; with None for the lock's timeout only say what would be done."""
    capabilities.require_capabilities(capabilities.TO_CHANGE)
    pyroute2_encoder.require_pyroute2()
    namespaces.raise_file_limit(_FILES + 2 * len(request.references))
    with contextlib.nullcontext() if lock_seconds is None else lock.hold_lock(lock_seconds):
        return run_in_thread(lambda: _with_kernel(request, name, lock_seconds is None, diff))


def _with_kernel(request: Request, name: str, check_mode: bool, diff: bool) -> dict[str, Any]:
    kernel = Kernel()
    try:
        return _reconcile(kernel, request, name, check_mode, diff)
    finally:
        kernel.close()


def _reconcile(kernel: Kernel, request: Request, name: str, check_mode: bool, diff: bool) -> dict[str, Any]:
    labels = namespace_registry.resolve_references(kernel, request.references, request.may_be_missing)
    try:
        desired = request.desired.relabel(labels)
    except ValueError as error:
        raise PlanError(str(error)) from None
    if request.interpret:
        desired = request.interpret(desired)
    if request.everywhere:
        namespace_registry.open_all(kernel)
    before = _observe(kernel, desired)
    if request.complete:
        stubs = {name: Netns(present=False, stub=True, group=mark) for name, mark in namespaces.find_stubs().items()}
        completed = request.complete(desired, State({**stubs, **before.namespaces}))
        if completed != desired:
            desired = completed
            before = _observe(kernel, desired)
    operations = schedule(plan(desired, before))
    after = apply_unless_check_mode(check_mode, operations, before, lambda: _apply(kernel, desired, before, operations))
    result = {
        "changed": bool(operations),
        "operations": [op.describe() for op in operations],
        name: request.show(after, labels),
    }
    if diff:
        result["diff"] = {"before": output.managed_part(desired, before), "after": output.managed_part(desired, after)}
    return result


def _observe(kernel: Kernel, desired: State, fully: bool = False, known: Mapping[str, Reading] | None = None) -> State:
    """Observe what the desired state speaks of, and the namespaces in which its links' other ends turn out to lie.

    Of other tables only what is managed is read, or ``fully`` all of them; of namespaces that are ``known``, nothing.
    """
    # Who is inside matters only where a namespace is to go, and takes long to find out.
    someone_goes = any(netns.present is False for netns in desired.namespaces.values())
    processes = namespaces.processes_by_namespace() if someone_goes else None

    def read(label: str) -> Reading:
        if known and label in known:
            return known[label]
        return _read_namespace(kernel, desired, label, processes, fully)

    # Also those that are open already, as the other end of a link that is named may lie there.
    readings = {label: read(label) for label in dict.fromkeys((*desired.namespaces, *kernel.labels()))}
    for label, reading in list(readings.items()):
        want = desired.netns(label)
        # Of a namespace that goes, all the other ends go too.
        known_by = [one for one in reading.links if want.present is False or one["IFLA_IFNAME"] in want.links]
        numbers = {message.get("IFLA_LINK_NETNSID") for message in known_by}
        unknown = {number for number in numbers if number is not None} - set(reading.nsids)
        if unknown and namespace_registry.discover_peers(kernel, label, unknown):
            readings = {one: read(one) for one in kernel.labels() | set(desired.namespaces)}
    return build_state(list(readings.values()))


def _read_namespace(
    kernel: Kernel, desired: State, label: str, processes: Processes | None = None, fully: bool = False
) -> Reading:
    want = desired.netns(label)
    near = {end.netns for link in want.links.values() for end in (link.peer, link.parent) if end and end.netns}
    return kernel.read(label, want, sorted(near), processes if want.present is False else None, fully)


def _apply(kernel: Kernel, desired: State, before: State, operations: Sequence[Op]) -> State:
    """Apply the operations and return the State afterwards; where that fails, bring back what was, and raise."""
    applied = 0
    seen: dict[str, Reading] = {}
    deadline = time.monotonic() + _RUN_SECONDS
    if may_lose(operations):
        before = _observe(kernel, desired, fully=True)
    try:
        kernel.expect(operations)
        done = finished_namespaces(operations)
        for op in operations:
            kernel.apply(op)
            applied += 1
            # Once its links are up the kernel is busy with what they say to each other, so a namespace that is finished
            # is looked at before; what is still under way there is looked at again.
            for label in done.get(applied, ()):
                reading = _read_namespace(kernel, desired, label)
                seen.update({} if reading.changing else {label: reading})
            if time.monotonic() > deadline:
                raise NetfleetError(f"{op.describe()}: the run timed out after {_RUN_SECONDS:g} s")
        kernel.commit()
        ends = departing_ends(before, operations)
        kernel.wait_until_gone(ends)
        after = _verify(kernel, desired, seen, lingering=bool(ends)) if operations else before
        _refuse_duplicates(desired, after)
        return after
    except NetfleetError as error:
        # A step that failed may have done a part of what it says.
        left = _roll_back(kernel, before, operations[: applied + 1])
        if left:
            raise NetfleetError(f"{error}. Not rolled back: {'; '.join(left)}") from None
        changed = "The changes of this run were rolled back" if applied else "Nothing was changed"
        raise NetfleetError(f"{error}. {changed}.") from None


def _roll_back(kernel: Kernel, before: State, operations: Sequence[Op]) -> list[str]:
    """Bring back what the operations changed; return what could not be."""
    left = []
    try:
        kernel.expect_nothing()
        kernel.restore()
        aim = rollback_target(before, operations)
        there = _observe(kernel, aim)
        way_back = plan(aim, there)
        for op in way_back:
            try:
                kernel.apply(op)
            except KernelError as error:
                left.append(str(error))
        kernel.commit()
        kernel.wait_until_gone(departing_ends(there, way_back))
        # Two of the same words are one thing that went wrong.
        left += [
            op.describe() for op in plan(aim, _observe(kernel, aim)) if not any(op.describe() in one for one in left)
        ]
    except NetfleetError as error:
        left.append(str(error))
    return left


def _verify(kernel: Kernel, desired: State, seen: Mapping[str, Reading], lingering: bool) -> State:
    """Return the State after everything was applied; raise NetfleetError for what the kernel took and did not keep.

    What should have gone with a namespace stays where something else holds that open: then it goes by itself.
    """
    deadline = time.monotonic() + _DAD_SECONDS
    while True:
        state = _observe(kernel, desired, known=seen)
        left = plan(desired, state)
        if left and lingering:
            lingering = False
            for op in left:
                kernel.apply(op)
            continue
        if left:
            wishes = "; ".join(op.describe() for op in left)
            raise NetfleetError(f"verification failed: the kernel acknowledged but did not apply: {wishes}")
        if not _detects_duplicates(desired, state) or time.monotonic() > deadline:
            return state
        time.sleep(0.05)


def _detects_duplicates(desired: State, state: State) -> bool:
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
            raise NetfleetError(f"duplicate address detection failed: another host uses {', '.join(failed)} of {place}")
