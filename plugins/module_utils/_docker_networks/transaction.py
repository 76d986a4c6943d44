# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transaction of a network: observe, plan, apply, verify and report, with check mode."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities
from ansible_collections.netfleet.docker.plugins.module_utils._core import lock as core_lock
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    BadParameter,
    EngineError,
    NetfleetError,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import apply_unless_check_mode
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import replace_fields
from ansible_collections.netfleet.docker.plugins.module_utils._core.ssh import find_server_address
from ansible_collections.netfleet.docker.plugins.module_utils._docker.sdk import (
    UNIX,
    EngineClient,
    EngineTimeout,
    limit_time,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks import engine as engine_client
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks import kernel_check, options
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.diff import (
    Difference,
    build_managed_view,
    compare_members,
    compare_networks,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.effects import (
    find_effects,
    merge_effects,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.journal import Journal, JournalEntry
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.model import (
    ActualNetwork,
    DesiredNetwork,
    Network,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.operations import (
    ConnectMember,
    Op,
    RemoveNetwork,
)
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.planner import NetworkPlan, plan
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.protection import (
    refuse_protected_network,
)

_SWARM_SECONDS, _PAUSE = 10.0, 0.1
_STALE = "{0} keeps an endpoint in network {1} and cannot start again; run docker network disconnect -f {1} {0}"


def apply_network(params: Mapping[str, Any], lock_seconds: float | None) -> dict[str, Any]:
    """Apply the parameters and return the result; without a lock, only predict it."""
    desired = options.parse_network(params)
    with _open_connection(params, lock_seconds) as docker:
        result = _NetworkTransaction(docker, _is_local(params), desired).reconcile(lock_seconds is None)
    return {key: value for key, value in (result or {}).items() if key != "name"}


def apply_networks(params: Mapping[str, Any], lock_seconds: float | None) -> dict[str, Any]:
    """Apply a list of networks, each in a separate transaction, and return one result.

    All parameters are validated before the first network is changed. After a failure, no further network is applied;
    the error names the networks that were applied before. Without ``interrupt``, the first network whose containers
    would lose their connection, and all after it, are not applied, and ``held`` is true.
    """
    desired = options.parse_networks(params["networks"])
    done: list[dict[str, Any]] = []
    held = False
    with _open_connection(params, lock_seconds) as docker:
        for at, one in enumerate(desired):
            try:
                transaction = _NetworkTransaction(docker, _is_local(params), one)
                result = transaction.reconcile(lock_seconds is None, params["interrupt"])
            except BadParameter as error:
                parameter = f"networks[{at}].{error.parameter}"
                message = f"{parameter}: {one.network.name}: {error.reason}"
                raise PartialFailure(
                    message, _list_names(desired[:at]), {**_merge_results(done), "parameter": parameter}
                ) from None
            except NetfleetError as error:
                raise PartialFailure(
                    f"{one.network.name}: {error}", _list_names(desired[:at]), _merge_results(done)
                ) from None
            held = result is None
            if result is None:
                break
            done.append(result)
    return {**_merge_results(done), "held": held}


class PartialFailure(NetfleetError):
    """A network failed; contains the networks applied before and the result until then."""

    def __init__(self, message: str, applied: list[str], result: dict[str, Any]) -> None:
        """Store the error and the results."""
        before = f" Applied before, and kept: {', '.join(applied)}." if applied else ""
        super().__init__(message if not before else f"{message.rstrip('.')}.{before}")
        self.result = result


def _list_names(desired: Sequence[DesiredNetwork]) -> list[str]:
    return [one.network.name for one in desired]


def _merge_results(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the merged results of several networks."""
    parts = ("before", "after", "differences")
    return {
        "changed": any(one["changed"] for one in results),
        "operations": [line for one in results for line in one["operations"]],
        "effects": merge_effects(one["effects"] for one in results),
        "diff": {part: {key: one["diff"][part] for key, one in _pair_with_names(results)} for part in parts},
        "networks": [one["network"] for one in results],
        "warnings": [line for one in results for line in one["warnings"]],
    }


def _pair_with_names(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the results with changes by network name."""
    return [(one["name"], one) for one in results if one["changed"]]


def _is_local(params: Mapping[str, Any]) -> bool:
    return str(params["docker_host"]).startswith(UNIX)


@contextlib.contextmanager
def _open_connection(params: Mapping[str, Any], lock_seconds: float | None) -> Iterator[EngineClient]:
    """Yield a connection to the engine while the lock of this host is held, until the deadline."""
    for name in ("timeout", "deadline"):
        if params[name] < 1:
            raise BadParameter(name, "must be at least 1 second")
    if _is_local(params):
        capabilities.require_capabilities(capabilities.TO_CHANGE)
    lock = contextlib.nullcontext() if lock_seconds is None else core_lock.hold_lock(lock_seconds)
    with lock, limit_time(params["deadline"], str(params["docker_host"])):
        docker = EngineClient(params)
        try:
            yield docker
        except engine_client.UnexpectedResponse as error:
            raise EngineError(docker.url, f"unexpected answer: {error}") from None
        finally:
            docker.close()


class _NetworkTransaction:
    """One network of one engine."""

    def __init__(self, docker: EngineClient, local: bool, desired: DesiredNetwork) -> None:
        self._docker = docker
        self._socket = docker.url.removeprefix(UNIX) if local else None
        given = desired.network.name
        found = engine_client.find_network(docker, given)
        # The network can be given by its ID.
        self._name = found["Name"] if found else given
        # A recreation keeps the name. After a removal, another network of this name is not related to this run.
        self._names = (given, self._name) if desired.present else (given,)
        desired = replace_fields(desired, network=replace_fields(desired.network, name=self._name))
        self._desired = engine_client.identify_containers(docker, desired)
        self._journal = Journal(lambda: engine_client.get_engine_id(docker), self._name)

    def reconcile(self, check_mode: bool, may_interrupt: bool = True) -> dict[str, Any] | None:
        """Return the result of the module, applied or predicted.

        If running containers would lose their connection and must not, nothing is changed, and there is no result.
        """
        entry = self._journal.read()
        before, gone = engine_client.observe(self._docker, self._names, entry)
        planned = plan(self._desired, before, engine_client.supports_endpoint_macs(self._docker))
        effects = find_effects(self._name, planned.operations)
        if not self._desired.recreate:
            refuse_protected_network(self._name, before, effects, find_server_address() if self._socket else None)
        if effects.created or effects.recreated:
            engine_client.refuse_misspelled_driver(self._docker, self._desired.network.driver or "bridge")
        if effects.interrupted and not may_interrupt and not check_mode:
            return None
        after = apply_unless_check_mode(check_mode, planned.operations, before, lambda: self._apply(planned, before))
        recreation = effects.describe_recreation(self._name)
        shown = self._build_view(after)
        if recreation:
            shown["effect"] = recreation
        warnings = [recreation] if recreation else []
        warnings += [f"network {self._name}: {line}" for line in planned.losses]
        warnings += [f"network {self._name}: its former member {name} no longer exists" for name in gone]
        return {
            "name": self._name,
            "changed": bool(planned.operations),
            "operations": [op.describe() for op in planned.operations],
            "effects": effects.to_dict(),
            "diff": {
                "before": self._build_view(before),
                "after": shown,
                # The reason of the recreation is part of the diff.
                "differences": [one.option for one in self._find_differences(before)],
            },
            "network": next(
                filter(None, (engine_client.find_network(self._docker, name) for name in self._names)), None
            ),
            "warnings": warnings,
        }

    def _find_differences(self, actual: ActualNetwork) -> list[Difference]:
        there = actual.network if self._desired.present else None
        return compare_networks(self._desired.network, there, actual.default_options) if there else []

    def _build_view(self, actual: ActualNetwork) -> dict[str, Any]:
        members = sorted(actual.members.values(), key=lambda member: member.name)
        want = self._desired
        # Members are part of the diff if they are managed or can change.
        shows = want.connected is not None or bool(actual.lost) or not want.present
        network = want.network if want.present else Network(self._name)
        return build_managed_view(actual, members, network, (want.connected or ()) if shows else None)

    def _apply(self, planned: NetworkPlan, before: ActualNetwork) -> ActualNetwork:
        """Apply the plan and return the state afterwards; on failure, roll back and raise."""
        if planned.can_lose_members:
            members = {**before.members, **before.lost}
            network = before.network or before.before
            if network:
                # Members of an earlier killed run were lost before this network existed.
                identity = before.id if before.network else before.before_id
                self._journal.write(JournalEntry(network, members, identity))
        try:
            for op in planned.operations:
                engine_client.apply_operation(self._docker, op)
            after = self._verify(planned.operations, before)
        except EngineTimeout as error:
            raise NetfleetError(f"{error}. The next run reconnects the members of {self._name}.") from None
        except NetfleetError as error:
            left = self._roll_back(before) if planned.operations else []
            if left:
                more = f"Not rolled back: {'; '.join(left)}. The next run tries again"
                raise NetfleetError(f"{error}. {more}.") from None
            raise NetfleetError(f"{error}. The changes of this run were rolled back.") from None
        self._journal.remove()
        return after

    def _verify(self, operations: list[Op], before: ActualNetwork) -> ActualNetwork:
        """Return the state; raise NetfleetError if the engine did not apply an operation."""
        deadline = time.monotonic() + _SWARM_SECONDS
        while True:
            after, _gone = engine_client.observe(self._docker, self._names, None)
            # The plan has connected the lost members.
            left = plan(replace_fields(self._desired, recreate=False), after, keeps_macs=True).operations
            # A Swarm assigns subnets and IDs to a network after a while.
            in_time = after.network and after.network.scope == "swarm" and time.monotonic() < deadline
            if not left or not in_time:
                break
            time.sleep(_PAUSE)
        if left:
            remaining = "; ".join(op.describe() for op in left)
            raise NetfleetError(f"verification failed: the engine acknowledged but did not apply: {remaining}")
        if self._socket is not None:
            removed = [(before.network, op.id) for op in operations if isinstance(op, RemoveNetwork) and before.network]
            lacks = kernel_check.find_kernel_faults(self._socket, after, removed)
            if lacks:
                raise NetfleetError(
                    f"network {self._name} does not exist in the kernel as reported by the engine: {'; '.join(lacks)}"
                )
        return after

    def _roll_back(self, before: ActualNetwork) -> list[str]:
        """Restore the network and its members; return what could not be restored."""
        left = []
        try:
            network = before.network or before.before
            keeps_macs = engine_client.supports_endpoint_macs(self._docker)
            members = tuple(
                member if keeps_macs and member.mac_chosen else replace_fields(member, mac=None)
                for member in before.members.values()
                if not member.service
            )
            aim = DesiredNetwork(network or Network(self._name), network is not None, members, appends=True)
            left += self._remove_stale_endpoints(before)
            entry = JournalEntry(network, {**before.members, **before.lost}) if network else None
            now, _gone = engine_client.observe(self._docker, self._names, entry)
            for op in plan(aim, now, keeps_macs).operations:
                try:
                    engine_client.apply_operation(self._docker, op)
                except EngineTimeout:
                    raise
                except NetfleetError as error:
                    left.append(str(error))
                    if isinstance(op, ConnectMember) and op.member.chosen:
                        # Another address is better than none; failures were reported before.
                        with contextlib.suppress(NetfleetError):
                            engine_client.apply_operation(
                                self._docker, replace_fields(op, member=op.member.automatic_endpoint)
                            )
            left += self._find_broken_members(before)
            if not left:
                self._journal.remove()
        except NetfleetError as error:
            left.append(str(error))
        return left

    def _remove_stale_endpoints(self, before: ActualNetwork) -> list[str]:
        """Remove the endpoints of containers that were not in the network; return those that remain."""
        left = []
        for member in self._desired.connected or ():
            if member.id not in before.members:
                try:
                    if not engine_client.remove_endpoint(self._docker, self._name, member):
                        left.append(_STALE.format(member.name, self._name))
                except EngineTimeout:
                    raise
                except NetfleetError as error:
                    left.append(f"{_STALE.format(member.name, self._name)} ({error})")
        return left

    def _find_broken_members(self, before: ActualNetwork) -> list[str]:
        """Return the former members that are not in the network as before."""
        now, _gone = engine_client.observe(self._docker, self._names, None)
        found = []
        for key, member in before.members.items():
            again = now.members.get(key)
            if again is None:
                found.append(f"{member.name} is not in network {self._name}")
            elif member.running and again.running:
                # Engines that do not accept a MAC address of an endpoint give it another one.
                keeps_mac = member.mac_chosen and engine_client.supports_endpoint_macs(self._docker)
                former = member if keeps_mac else replace_fields(member, mac=None)
                lost = [str(one) for one in compare_members(former, again)]
                found += [f"{member.name}: {'; '.join(lost)}"] if lost else []
        return found
