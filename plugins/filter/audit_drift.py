# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: what modules said in a check, as rows of the audit's table of drift."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_drift
short_description: Turn what modules would change into rows for the audit
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Takes what M(netfleet.docker.network) and M(netfleet.docker.topology) returned in check mode, one result or those of
    a loop, and makes of each operation a row of the table C(drift), which the rule C(drift) of
    M(netfleet.docker.audit) reports.
options:
  _input:
    description:
      - Results by the module's name.
    type: dict
    required: true
  host:
    description:
      - Name of the host in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: What would be changed
  netfleet.docker.topology:
    links: "{{ links }}"
  check_mode: true
  register: said

- name: As rows
  ansible.builtin.debug:
    msg: "{{ {'topology': said} | netfleet.docker.audit_drift(host=inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description:
    - Objects of C(host), C(module), C(object), C(operation) and C(detail).
  type: list
  elements: dict
"""

from collections.abc import Iterator, Mapping
from typing import Any, Callable


def audit_drift(said: Mapping[str, Any], host: str) -> list[dict[str, Any]]:
    """Return a row for each operation."""
    return [
        {"host": host, "module": module, "object": about, "operation": operation, "detail": None}
        for module, result in said.items()
        for about, one in _each(module, result)
        for operation in one.get("operations") or ()
    ]


def _each(module: str, result: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the results of a loop, or the one there is, each with what it is about."""
    if "results" not in result:
        yield module, result
        return
    for one in result["results"]:
        item = one.get("item")
        yield (str(item["name"]) if isinstance(item, Mapping) and "name" in item else module), one


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"audit_drift": audit_drift}
