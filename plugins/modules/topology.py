#!/usr/bin/python
# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible module: a whole host's namespaces and links as one document."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Manage all network namespaces and links of a host as one document
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.netfleet.docker.plugins.module_utils import _gather, _topology
from ansible_collections.netfleet.docker.plugins.module_utils._run import report, run


def gathered(params: dict[str, Any]) -> dict[str, Any]:
    """Return what is there."""
    found = _gather.gather(_topology.name(params))
    return {"changed": False, "gathered": found.document, "warnings": found.warnings}


def rendered(params: dict[str, Any]) -> dict[str, Any]:
    """Return what is declared as commands."""
    return {"changed": False, "rendered": _topology.rendered(params)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=_topology.spec(), supports_check_mode=True)
    work = {"gathered": gathered, "rendered": rendered}.get(module.params["state"])
    if work:
        report(module, lambda: work(module.params))
    else:
        run(module, "topology", _topology.request)


if __name__ == "__main__":
    main()
