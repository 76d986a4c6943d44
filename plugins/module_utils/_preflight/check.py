# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the requirements of a host, and report all that are missing at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core import capabilities
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._preflight import host
from ansible_collections.netfleet.docker.plugins.module_utils._preflight.options import Requirement, parse_requirements

_LABELS = {
    "python": "Python 3.9 or later",
    "root": "root",
    "systemd": "systemd",
    "engine": "Docker Engine",
    "library": "the Python library {}",
    "kind": "links of the kind {} in its kernel",
    "module": "the kernel module {}",
    "feature": "{} in its kernel",
}
_REMEDIES = {
    "python": "set ansible_python_interpreter to a later one",
    "root": "set become: true",
    "systemd": "use a host with systemd",
    "library": "install the package python3-{}",
    "kind": "use a kernel with {0} links; it loads the module rtnl-link-{0} for them",
    "module": "install the modules of the running kernel, or use a kernel with {}",
}
_FEATURES = {
    "esp": ("IPsec (ESP with AES-GCM)", "load esp4 and gcm; encrypted overlay networks carry no traffic without them"),
    "ipvs": ("IPVS", "load ip_vs; virtual IPs of services and the ports that they publish do not work without it"),
}


def build_result(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of the module; ``failed`` is set if a required item is missing and ``fail`` is set."""
    needs = parse_requirements(params)
    reasons = find_missing(needs)
    missing = [_build_row(need, reasons[need.key]) for need in needs if need.key in reasons]
    keys = [row["need"] for row in missing]
    libraries = [need.name for need in needs if need.kind == "library" and need.key in reasons]
    lacks_engine = any(need.kind == "engine" and need.key in reasons for need in needs)
    packages = host.list_engine_packages() if lacks_engine and host.check_engine("installed") else []
    found = {
        "changed": False,
        "missing": missing,
        "missing_needs": keys,
        "missing_libraries": libraries,
        "engine_packages": packages,
        "python": sys.executable,
    }
    is_failure = params["fail"] and any(row["required"] for row in missing)
    if missing:
        reported = [need for need in needs if need.key in reasons and (need.required or not is_failure)]
        lines = [f"{_format_label(need)} ({reasons[need.key]})" for need in reported]
        remedies = dict.fromkeys(row["remedy"] for row in missing if row["required"] or not is_failure)
        found["msg"] = f"This host lacks: {'; '.join(lines)}. Remedy: {'; '.join(remedies)}."
    if is_failure:
        found["failed"] = True
    return found


def find_missing(needs: Sequence[Requirement]) -> dict[str, str]:
    """Return why items are missing, by their keys."""
    # A newer Python has other libraries, and an outdated one cannot import the checks of the kernel.
    is_old = bool(host.check_python())
    skipped = ("kind", "module", "feature", *(["library"] if is_old else []))
    reasons = {need.key: _find_host_reason(need) for need in needs if need.kind not in skipped}
    found = {key: reason for key, reason in reasons.items() if reason}
    # Only root can test the kernel.
    if not is_old and not _lacks_privileges():
        found.update(_find_kernel_reasons(needs))
    return found


def _find_host_reason(need: Requirement) -> str:
    if need.kind == "python":
        return host.check_python()
    if need.kind == "root":
        return _lacks_privileges()
    if need.kind == "systemd":
        return host.check_systemd()
    if need.kind == "library":
        return host.check_library(need.name)
    return host.check_engine(need.name)


def _lacks_privileges() -> str:
    try:
        capabilities.require_capabilities(capabilities.TO_CHANGE)
    except NetfleetError as error:
        return str(error)
    return ""


def _find_kernel_reasons(needs: Sequence[Requirement]) -> dict[str, str]:
    # Imported here, because the files require Python 3.9.
    from ansible_collections.netfleet.docker.plugins.module_utils._preflight import kernel_features
    from ansible_collections.netfleet.docker.plugins.module_utils._preflight.kernel_modules import (
        MISSING,
        KernelModules,
        is_loadable,
    )

    names: dict[str, list[str]] = {}
    for need in needs:
        names.setdefault(need.kind, []).append(need.name)
    try:
        found = kernel_features.find_missing_features(names.get("kind", []), names.get("feature", []))
    except NetfleetError as error:
        found = {need.key: str(error) for need in needs if need.kind in ("kind", "feature")}
    # Docker loads the module on demand.
    if "feature:ipvs" in found and is_loadable("ip_vs"):
        del found["feature:ipvs"]
    if "module" in names:
        states = KernelModules().get_states(names["module"])
        absent = [name for name, state in states.items() if state == MISSING]
        found.update({f"module:{name}": "neither loaded, loadable nor built in" for name in absent})
    return found


def _format_label(need: Requirement) -> str:
    name = _FEATURES[need.name][0] if need.kind == "feature" else need.name
    return _LABELS[need.kind].format(name)


def _build_row(need: Requirement, reason: str) -> dict[str, Any]:
    if need.kind == "feature":
        remedy = _FEATURES[need.name][1]
    elif need.kind == "engine":
        is_installed = not host.check_engine("installed")
        remedy = "systemctl start docker" if is_installed else f"install {' '.join(host.list_engine_packages())}"
    else:
        remedy = _REMEDIES[need.kind].format(need.name)
    return {"need": need.key, "reason": reason, "remedy": remedy, "required": need.required}
