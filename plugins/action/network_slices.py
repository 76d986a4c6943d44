# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the slices of shared subnets, write them to a file, and check the networks of all hosts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._core import host_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.action import RoleAction
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles.network_checks import (
    check_networks,
    collect_networks,
    get_shared_variables,
    has_slices,
    list_existing_networks,
)
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices import slices_file
from ansible_collections.netfleet.docker.plugins.plugin_utils._slices.networks import allocate_network_slices


class ActionModule(RoleAction):
    """Run once for all hosts, without a connection."""

    _requires_connection = False

    def work(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the slices, and whether the file changed; raise BadParameter if a host cannot have its networks."""
        role, fleet = arguments["role"], self.fleet
        networks = collect_networks(role, fleet)
        # A run that fails on one host must change none.
        if not any(has_slices(network) for one in networks.values() for network in one):
            check_networks(role, fleet, networks, {})
            return {"slices": {}, "path": None, "changed": False}
        own = get_shared_variables(role, fleet, networks)
        name = f"{role}_slices_file"
        path = slices_file.find_file(self._loader, name, own[name], self.task_vars)
        # Another run that reads the file at the same time could assign the same slices to other hosts.
        with contextlib.nullcontext() if self.is_check_mode else slices_file.hold_lock(path):
            before = slices_file.read_slices(path)
            found = allocate_network_slices(
                {host: one for host, one in networks.items() if one},
                before,
                used=list_existing_networks(fleet),
                recover=own[f"{role}_recover_slices"],
            )
            check_networks(role, fleet, networks, found)
            content = slices_file.render_slices(found)
            # Written before any host uses a slice, so that the next run reads it even if this one fails.
            if found != before and not self.is_check_mode:
                host_file.write_file(path, content.encode(), mode=0o644)
        result = {"slices": found, "path": str(path), "changed": found != before}
        if found == before:
            return result
        texts = {"before": slices_file.render_slices(before) if before else "", "after": content}
        return {**result, "diff": [{**texts, "before_header": str(path), "after_header": str(path)}]}
