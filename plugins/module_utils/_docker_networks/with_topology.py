# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker networks, and the links and routes of the host that belong to them, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._core.suggestions import explain_argument_error
from ansible_collections.netfleet.docker.plugins.module_utils._docker_networks.transaction import apply_networks


def apply(params: Mapping[str, Any], lock_seconds: float | None, diff: bool) -> dict[str, Any]:
    """Apply the networks, then the topology; both are validated before any change."""
    if not params["topology"]:
        return apply_networks(params, lock_seconds)
    # Imported only with a topology, because each run compiles all imported files.
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
    from ansible_collections.netfleet.docker.plugins.module_utils._links.desired import topology
    from ansible_collections.netfleet.docker.plugins.module_utils._links.transaction import reconcile

    checked = ArgumentSpecValidator(topology.build_argument_spec()).validate(params["topology"])
    if checked.error_messages:
        raise BadParameter("topology", "; ".join(map(explain_argument_error, checked.error_messages)))
    request = topology.build_request(checked.validated_parameters)
    found = apply_networks(params, lock_seconds)
    if found["held"]:
        return found
    try:
        done = reconcile(request, "topology", lock_seconds, diff)
    except NetfleetError as error:
        names = ", ".join(network["name"] for network in params["networks"])
        failure = NetfleetError(f"topology: {str(error).rstrip('.')}. Applied before, and kept: {names}.")
        failure.result = found
        raise failure from None
    if done["changed"]:
        for part in ("before", "after"):
            found["diff"][part]["topology"] = (done.get("diff") or {}).get(part)
    return {
        **found,
        "changed": found["changed"] or done["changed"],
        "operations": [*found["operations"], *done["operations"]],
        "warnings": [*found["warnings"], *done.get("warnings", ())],
    }
