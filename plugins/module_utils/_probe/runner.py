# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run all checks in parallel, each in a thread inside the namespace, and return one result."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities, validators
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import (
    BadParameter,
    KernelError,
    NetfleetError,
)
from ansible_collections.netfleet.docker.plugins.module_utils._core.module import exit_with_result
from ansible_collections.netfleet.docker.plugins.module_utils._core.records import record
from ansible_collections.netfleet.docker.plugins.module_utils._core.text import make_printable, to_one_line
from ansible_collections.netfleet.docker.plugins.module_utils._docker import local_api
from ansible_collections.netfleet.docker.plugins.module_utils._netns.reference import open_parameter
from ansible_collections.netfleet.docker.plugins.module_utils._netns.threads import run_in_netns
from ansible_collections.netfleet.docker.plugins.module_utils._probe import evaluation, options
from ansible_collections.netfleet.docker.plugins.module_utils._probe.checks import (
    dns,
    http,
    neighbour,
    path_mtu,
    ping,
    tcp,
    traceroute,
    udp,
)
from ansible_collections.netfleet.docker.plugins.module_utils._probe.model import (
    ERROR,
    FILTERED,
    UNRESOLVED,
    Check,
    Outcome,
)
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import resolver as net_resolver
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net import sockets
from ansible_collections.netfleet.docker.plugins.module_utils._probe.net.resolver import Resolver

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_AT_ONCE = 64
_FILE_BYTES = 1 << 16
_PROBES: Mapping[str, Callable[[Check, str, float], Outcome]] = {
    "ping": ping.probe,
    "tcp": tcp.probe,
    "udp": udp.probe,
    "http": http.probe,
    "path_mtu": path_mtu.probe,
    "traceroute": traceroute.probe,
    "neighbour": neighbour.probe_neighbour,
    "duplicate": neighbour.probe_duplicate,
}
_ENTER = {21: "CAP_SYS_ADMIN"}


@record
class _ProbePlace:
    """The place of the checks: an open namespace, or None for that of the module, and its resolver."""

    fd: int | None
    resolver: Resolver


def run_module(module: AnsibleModule) -> None:
    """Run the checks of the parameters and exit with their results; with ``fail``, unmet expectations are a failure."""

    def work() -> dict[str, Any]:
        found = make_printable(run_checks(module.params))
        for one in found["results"]:
            one["reason"] = to_one_line(one["reason"])
        found["summary"] = to_one_line(found["summary"])
        failure = {"failed": True, "msg": found["summary"]} if module.params["fail"] and not found["met"] else {}
        return {**found, **failure}

    exit_with_result(module, work, is_printable=True)


def run_checks(params: Mapping[str, Any]) -> dict[str, Any]:
    """Run the checks of the parameters and return their results in order."""
    checks = options.parse_checks(params["checks"])
    seconds = params["timeout"]
    if not 0 < seconds <= 3600:
        raise BadParameter("timeout", f"must be more than 0 and at most 3600 seconds, not {seconds:g}")
    if params["netns"] is not None:
        capabilities.require_capabilities(_ENTER)
    started = time.monotonic()
    place = _open_place(params["netns"], params["resolv_conf"])
    try:
        with ThreadPoolExecutor(min(len(checks), _AT_ONCE)) as pool:
            results = list(pool.map(lambda check: _run_check(place, check, started + seconds), checks))
        identity = _format_netns_id(place.fd)
    finally:
        if place.fd is not None:
            os.close(place.fd)
    return {
        "changed": False,
        "met": all(one["met"] for one in results),
        "summary": evaluation.summarize(results),
        "netns": {"reference": params["netns"], "inode": identity},
        "resolver": dict(net_resolver.describe_resolver(place.resolver)),
        "seconds": round(time.monotonic() - started, 3),
        "results": results,
    }


def _format_netns_id(fd: int | None) -> str:
    return str((os.stat("/proc/self/ns/net") if fd is None else os.fstat(fd)).st_ino)


def _open_place(reference: str | None, given: str | None) -> _ProbePlace:
    """Return the open namespace and its resolver configuration."""
    conf, hosts = "/etc/resolv.conf", "/etc/hosts"
    fd = None
    if reference is not None:
        try:
            validators.netns_reference(reference)
        except ValueError as error:
            raise BadParameter("netns", str(error)) from None
        fd = open_parameter(reference, "netns")
        scheme, colon, rest = reference.partition(":")
        if scheme == "container":
            # The files that the engine writes for the container are those that the container reads.
            container = local_api.inspect_container(rest)
            conf, hosts = container.resolv_conf or conf, container.hosts or hosts
        elif not colon:
            conf, hosts = (_find_netns_file(reference, path) for path in (conf, hosts))
    conf = given or conf
    return _ProbePlace(fd, net_resolver.parse_config(_read_file(conf, given), _read_file(hosts, None), conf, hosts))


def _find_netns_file(name: str, path: str) -> str:
    """Return the file that ip-netns(8) mounts over another for a namespace, if there is one."""
    own = f"/etc/netns/{name}/{os.path.basename(path)}"
    return own if os.path.isfile(own) else path


def _read_file(path: str, given: str | None) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_FILE_BYTES)
    except OSError as error:
        if path == given:
            raise BadParameter("resolv_conf", f"{path}: {error.strerror}") from None
        return ""


def _run_check(place: _ProbePlace, check: Check, end: float) -> dict[str, Any]:
    """Return the result of one check; errors are part of it."""
    resolved: dict[str, Any] = {}
    try:
        outcome = _run_probe(place, check, end, resolved)
    except net_resolver.ResolutionError as error:
        outcome = Outcome(UNRESOLVED, str(error))
    except sockets.SocketOpenError as error:
        outcome = Outcome(ERROR, str(error))
    except KernelError as error:
        outcome = Outcome("unreachable", str(error))
    except OSError as error:
        outcome = sockets.classify_error(error)
    except (NetfleetError, ValueError) as error:
        outcome = Outcome(ERROR, str(error))
    return evaluation.build_result(check, outcome, resolved)


def _run_probe(place: _ProbePlace, check: Check, end: float, resolved: dict[str, Any]) -> Outcome:
    deadline = min(end, time.monotonic() + _compute_budget(check))
    if time.monotonic() >= end:
        return Outcome(FILTERED, "timed out before it started")

    def work() -> Outcome:
        if check.type == "dns":
            return dns.probe(check, place.resolver, deadline)
        address = check.target
        if not _is_address(address):
            every, by = net_resolver.resolve_name(address, place.resolver, check, deadline)
            address = every[0]
            resolved.update({"addresses": every, "resolved_by": by})
        resolved["address"] = address
        return _PROBES[check.type](check, address, deadline)

    return work() if place.fd is None else run_in_netns(place.fd, work)


def _compute_budget(check: Check) -> float:
    """Return the maximum duration of a check in seconds: its timeout for each time that it waits."""
    waits = {"ping": 1, "neighbour": 1, "duplicate": 1, "path_mtu": 6, "traceroute": 6}.get(check.type, check.count)
    return waits * check.timeout + check.count * check.interval + 1.0


def _is_address(text: str) -> bool:
    try:
        validators.address(text)
    except ValueError:
        return False
    return True
