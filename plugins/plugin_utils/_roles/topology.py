# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the topology that the role declares for a host, without the host; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.module_utils._core.suggestions import explain_argument_error
from ansible_collections.netfleet.docker.plugins.module_utils._links.desired.topology import (
    TopologyDocument,
    build_argument_spec,
)

_LISTS = ("namespaces", "links")
_ENTRY = re.compile(r"(namespaces|links)\[(\d+)\]")


def check_topology(variables: Mapping[str, Any]) -> None:
    """Raise BadParameter for a wrong value; the error names the variable and the entry."""
    params = {"name": variables["topology_name"], "state": variables["topology_state"]}
    if params["state"] == "absent":
        return
    for name in _LISTS:
        params[name] = [*variables[f"topology_{name}"], *variables[f"topology_host_{name}"]]
    result = ArgumentSpecValidator(build_argument_spec()).validate(params)
    if result.error_messages:
        reason = "; ".join(explain_argument_error(message) for message in result.error_messages)
        raise BadParameter("role topology", _rename_entries(reason, variables))
    try:
        TopologyDocument(result.validated_parameters).build_desired_state()
    except BadParameter as error:
        parameter, reason = (_rename_entries(text, variables) for text in (error.parameter, error.reason))
        raise BadParameter(parameter, reason) from None


def _rename_entries(text: str, variables: Mapping[str, Any]) -> str:
    """Return a text with the variable and the position of each entry, such as ``topology_host_links[2]``."""

    def rename(found: re.Match[str]) -> str:
        name, place = found[1], int(found[2])
        first = len(variables[f"topology_{name}"])
        return f"topology_{name}[{place}]" if place < first else f"topology_host_{name}[{place - first}]"

    return _ENTRY.sub(rename, text)
