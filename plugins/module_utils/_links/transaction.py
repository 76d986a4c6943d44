# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transaction of every module: observe, plan, apply, verify and report, with check mode."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities, lock
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    IncompleteRollback,
    KernelError,
    NetfleetError,
    PlanError,
    describe_error,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import (
    apply_unless_check_mode,
    exit_with_result,
    get_lock_timeout,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record, replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._links import namespace_registry, output, protection
from ansible_collections.netfleet.docker.plugins.module_utils._links.entry_record import EntryRecord
from ansible_collections.netfleet.docker.plugins.module_utils._links.kernel import MANAGED_ONLY, Kernel, ReadScope
from ansible_collections.netfleet.docker.plugins.module_utils._links.model import Endpoint, Netns, State
from ansible_collections.netfleet.docker.plugins.module_utils._links.observe import NetnsReading, build_state
from ansible_collections.netfleet.docker.plugins.module_utils._links.operations import CreateLink, Op, simulate_all
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan import states
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.assumed import add_assumed_namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.planner import plan
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.rollback import build_rollback_target
from ansible_collections.netfleet.docker.plugins.module_utils._links.plan.schedule import (
    find_departing_ends,
    find_finished_namespaces,
    find_leaving_links,
    may_lose,
    schedule,
)
from ansible_collections.netfleet.docker.plugins.module_utils._netlink import pyroute2_encoder
from ansible_collections.netfleet.docker.plugins.module_utils._netns import namespaces
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import is_named
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_thread

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


# Open files besides two for each namespace.
_FILES = 200
# Maximum duration of a run in seconds.
_RUN_SECONDS = 600.0
# Maximum duration in seconds of duplicate address detection. It takes one second after a random delay of up to one
# second (RFC 4862), and longer on a bridge.
_DAD_SECONDS = 5.0
_ASSUMED = "no such namespace: {}; the prediction assumes that an earlier task creates it"
_LOST = "; it was created without the options that cannot be declared"


@record
class StateRequest:
    """The request of a module's parameters.

    ``references`` maps each namespace reference to its parameter; references in ``may_be_missing`` need not exist.
    ``show`` returns the result's object from the State after the run and the labels of the references. ``interpret``
    completes the declared state by itself, ``complete`` by the observed State; with ``everywhere``, all namespaces of
    the host are observed for it.
    """

    desired: State
    references: Mapping[str, str]
    show: Callable[[State, Mapping[str, str]], Any]
    may_be_missing: tuple[str, ...] = ()
    interpret: Callable[[State], State] | None = None
    complete: Callable[[State, State], State] | None = None
    everywhere: bool = False
    # The topology whose added routes, rules and neighbours are recorded; ``everywhere``, undeclared ones are removed.
    owner: str | None = None
    # Whether links of Docker and of the SSH connection may be removed.
    force: bool = False


def run_module(
    module: AnsibleModule, name: str, request: Callable[[dict[str, Any]], StateRequest], large: bool = False
) -> None:
    """Carry out a module's request and exit; the object is returned under ``name``.

    With ``large`` parameters, the diff is returned only in diff mode.
    """
    diff = bool(module._diff) or not large
    exit_with_result(module, lambda: reconcile(request(module.params), name, get_lock_timeout(module), diff), large)


def reconcile(request: StateRequest, name: str, lock_seconds: float | None, diff: bool) -> dict[str, Any]:
    """Carry out a request and return the result; without a lock timeout, as in check mode."""
    capabilities.require_capabilities(capabilities.TO_CHANGE)
    pyroute2_encoder.require_pyroute2()
    namespaces.raise_file_limit(_FILES + 2 * len(request.references))
    with contextlib.nullcontext() if lock_seconds is None else lock.hold_lock(lock_seconds):
        return run_in_thread(lambda: _open_kernel_and_reconcile(request, name, lock_seconds is None, diff))


def _open_kernel_and_reconcile(request: StateRequest, name: str, check_mode: bool, diff: bool) -> dict[str, Any]:
    kernel = Kernel()
    try:
        return _reconcile(kernel, request, name, check_mode, diff)
    finally:
        kernel.close()


def _reconcile(kernel: Kernel, request: StateRequest, name: str, check_mode: bool, diff: bool) -> dict[str, Any]:
    record = EntryRecord(request.owner)
    labels, assumed = _resolve_references(kernel, request, record, check_mode)
    try:
        declared = request.desired.relabel(labels)
    except ValueError as error:
        raise PlanError(str(error)) from None
    desired = request.interpret(declared) if request.interpret else declared
    if request.everywhere:
        namespace_registry.open_all(kernel)
    before = observe_state(kernel, desired)
    if request.complete:
        stubs = {name: Netns(present=False, stub=True, group=mark) for name, mark in namespaces.find_stubs().items()}
        completed = request.complete(desired, State({**stubs, **before.namespaces}))
        if request.everywhere:
            completed = states.add_obsolete_entries(completed, before, record.select_by_label(labels))
        if completed != desired:
            desired = completed
            before = observe_state(kernel, desired)
    if assumed:
        before = add_assumed_namespaces(before, desired, assumed)
    operations = schedule(plan(desired, before))
    if not request.force and protection.interrupts_links(operations):
        _refuse_protected_links(kernel, operations, before)

    def apply() -> State:
        with record.update(declared, labels, operations, replaces=request.everywhere):
            return apply_operations(kernel, desired, before, operations)

    after = apply_unless_check_mode(check_mode, operations, before, apply, simulate_all)
    result = {
        "changed": bool(operations),
        "operations": [op.describe() for op in operations],
        name: request.show(after, labels),
        "warnings": [_ASSUMED.format(label) for label in assumed],
    }
    if diff:
        result["diff"] = {
            "before": output.select_managed_part(desired, before),
            "after": output.select_managed_part(desired, after),
        }
    return result


def _refuse_protected_links(kernel: Kernel, operations: Sequence[Op], before: State) -> None:
    # Imported only for such operations, because each run compiles all imported files.
    from ansible_collections.netfleet.docker.plugins.module_utils._core.ssh import find_server_address
    from ansible_collections.netfleet.docker.plugins.module_utils._docker.network_links import read_engine_links

    here = namespace_registry.find_own_label(kernel)
    protection.refuse_protected_links(operations, before, here, read_engine_links(), find_server_address())


def _resolve_references(
    kernel: Kernel, request: StateRequest, record: EntryRecord, check_mode: bool
) -> tuple[dict[str, str], list[str]]:
    """Return the label of each reference, and the labels of namespaces that an earlier task would create."""
    former = [one for one in record.entries if one not in request.references]
    optional = (*request.may_be_missing, *former)
    may_be_missing = optional
    if check_mode:
        named = [one for one in request.references if is_named(one)]
        may_be_missing = (*optional, *(one for one in named if namespaces.classify_name(one) == "nothing"))
    references = {**request.references, **dict.fromkeys(former, "name")}
    labels = namespace_registry.resolve_references(kernel, references, may_be_missing)
    others = [label for one, label in labels.items() if one not in optional]
    return labels, [label for label in dict.fromkeys(others) if not kernel.has_namespace(label)]


def observe_state(
    kernel: Kernel,
    desired: State,
    fully: bool = False,
    known: Mapping[str, NetnsReading] | None = None,
    leaving: Mapping[str, set[str]] | None = None,
) -> State:
    """Observe the namespaces of the desired state, and those of the peers and parents of its links.

    Only managed tables are read, or ``fully`` all of them; namespaces that are ``known`` are not read again. Sysctls of
    links that are ``leaving`` are read too.
    """
    # Processes matter only for a namespace that is removed, and finding them is slow.
    someone_goes = any(netns.present is False for netns in desired.namespaces.values())
    processes = namespaces.list_processes_by_namespace() if someone_goes else None

    def read(label: str) -> NetnsReading:
        if known and label in known:
            return known[label]
        return _read_namespace(kernel, desired, label, ReadScope((), processes, fully, (leaving or {}).get(label, ())))

    # Namespaces that are open already may contain peers.
    readings = {label: read(label) for label in dict.fromkeys((*desired.namespaces, *kernel.get_labels()))}
    for label, reading in list(readings.items()):
        want = desired.get_netns(label)
        # The peers of all links of a removed namespace are also removed.
        known_by = [one for one in reading.links if want.present is False or one["IFLA_IFNAME"] in want.links]
        numbers = {message.get("IFLA_LINK_NETNSID") for message in known_by}
        unknown = {number for number in numbers if number is not None} - set(reading.nsids)
        if unknown and namespace_registry.discover_peers(kernel, label, unknown):
            readings = {one: read(one) for one in kernel.get_labels() | set(desired.namespaces)}
    return build_state(list(readings.values()))


def _read_namespace(kernel: Kernel, desired: State, label: str, scope: ReadScope = MANAGED_ONLY) -> NetnsReading:
    want = desired.get_netns(label)
    near = {end.netns for link in want.links.values() for end in (link.peer, link.parent) if end and end.netns}
    processes = scope.processes if want.present is False else None
    return kernel.read_namespace(label, want, scope._replace(near=sorted(near), processes=processes))


def apply_operations(kernel: Kernel, desired: State, before: State, operations: Sequence[Op]) -> State:
    """Apply the operations and return the State after them; on a failure, roll back and raise."""
    applied = 0
    seen: dict[str, NetnsReading] = {}
    deadline = time.monotonic() + _RUN_SECONDS
    if may_lose(operations):
        before = observe_state(kernel, desired, fully=True, leaving=find_leaving_links(operations))
    try:
        kernel.prefetch_namespaces(operations)
        done = find_finished_namespaces(operations)
        for op in operations:
            kernel.apply(op)
            applied += 1
            # Links that are up keep the kernel busy, so a finished namespace is observed before its links go up; one
            # that is still changing is observed again later.
            for label in done.get(applied, ()):
                reading = _read_namespace(kernel, desired, label)
                seen.update({} if reading.has_tentative_address else {label: reading})
            if time.monotonic() > deadline:
                raise NetfleetError(f"{op.describe()}: the run timed out after {_RUN_SECONDS:g} s")
        kernel.commit()
        ends = find_departing_ends(before, operations)
        kernel.wait_for_deletion(ends)
        after = verify(kernel, desired, seen, lingering=bool(ends)) if operations else before
        _refuse_duplicates(desired, after)
        return after
    except BaseException as error:
        # A failed operation may have been applied in part.
        left = roll_back(kernel, before, operations[: applied + 1])
        if not isinstance(error, Exception):
            raise
        reason = describe_error(error)
        if left:
            raise IncompleteRollback(f"{reason}. Not rolled back: {'; '.join(left)}") from error
        changed = "The changes of this run were rolled back" if applied else "Nothing was changed"
        raise NetfleetError(f"{reason}. {changed}.") from error


def roll_back(kernel: Kernel, before: State, operations: Sequence[Op]) -> list[str]:
    """Roll back the operations; return what could not be restored."""
    left = []
    try:
        kernel.discard_prefetched()
        kernel.restore()
        aim = build_rollback_target(before, operations)
        there = observe_state(kernel, aim)
        way_back = plan(aim, there)
        for op in way_back:
            try:
                kernel.apply(op)
            except KernelError as error:
                left.append(f"{error}{_LOST if _create_without_data(kernel, op) else ''}")
        kernel.commit()
        kernel.wait_for_deletion(find_departing_ends(there, way_back))
        # Identical messages are one failure.
        left += [
            op.describe()
            for op in plan(aim, observe_state(kernel, aim))
            if not any(op.describe() in one for one in left)
        ]
    except Exception as error:  # noqa: BLE001
        left.append(describe_error(error))
    return left


def _create_without_data(kernel: Kernel, op: Op) -> bool:
    """Create a link with the options of the model only, if the kernel rejects all that it reported; return whether."""
    if not isinstance(op, CreateLink) or not op.link.kind_data:
        return False
    try:
        kernel.apply(replace_fields(op, link=replace_fields(op.link, kind_data=b"")))
    except KernelError:
        return False
    return True


def verify(kernel: Kernel, desired: State, seen: Mapping[str, NetnsReading], lingering: bool) -> State:
    """Return the State after all operations; raise NetfleetError if the kernel acknowledged but did not apply one.

    Links that should be deleted with a namespace stay if something else holds it open; they are deleted explicitly.
    """
    deadline = time.monotonic() + _DAD_SECONDS
    while True:
        state = observe_state(kernel, desired, known=seen)
        left = plan(desired, state)
        if left and lingering:
            lingering = False
            for op in left:
                kernel.apply(op)
            continue
        if left:
            remaining = "; ".join(op.describe() for op in left)
            raise NetfleetError(f"verification failed: the kernel acknowledged but did not apply: {remaining}")
        if not _detects_duplicates(desired, state) or time.monotonic() > deadline:
            return state
        time.sleep(0.05)


def _detects_duplicates(desired: State, state: State) -> bool:
    """Return whether duplicate address detection still runs for a managed address."""
    pairs = ((want, state.get_link(label, want.name)) for label, want in desired.iterate_links())
    # An address that failed stays tentative.
    return any(
        have and have.running and set(want.addresses or ()) & set(have.tentative) - set(have.dad_failed)
        for want, have in pairs
    )


def _refuse_duplicates(desired: State, state: State) -> None:
    for label, want in desired.iterate_links():
        have = state.get_link(label, want.name)
        failed = sorted(set(want.addresses or ()) & set(have.dad_failed)) if have else []
        if failed:
            place = Endpoint(label, want.name)
            raise NetfleetError(f"duplicate address detection failed: another host uses {', '.join(failed)} of {place}")
