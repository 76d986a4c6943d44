# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible filter: settings of a Docker Engine, merged into what its file has."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_settings
short_description: Merge settings into a Docker Engine's daemon.json
version_added: 0.1.0
author:
  - netfleet.docker contributors (@netfleet)
description:
  - >-
    Merges settings into the text of a C(daemon.json), leaves what others put there, and refuses what no engine would
    take, or what would cut it off.
positional: _input, wanted
options:
  _input:
    description:
      - Text of the file; empty where there is none.
    type: str
    required: true
  wanted:
    description:
      - Settings by the keys of the file; V(null) where nothing is said of one.
    type: dict
    required: true
  absent:
    description:
      - Keys that are to be removed.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: What the file is to be
  ansible.builtin.debug:
    msg: "{{ text | netfleet.docker.engine_settings({'mtu': 1400}) }}"
  vars:
    text: '{"log-driver": "journald"}'
"""

RETURN = r"""
_value:
  description:
    - The settings.
  type: dict
  contains:
    settings:
      description: All that the file is to have.
      type: dict
    before:
      description: What it has.
      type: dict
    changed:
      description: Keys that change.
      type: list
      elements: str
    changes:
      description: The same for people to read, with their values.
      type: list
      elements: str
    restart:
      description: Whether the engine takes them by a restart only.
      type: bool
    manages_hosts:
      description: Whether C(hosts) is among what is wanted.
      type: bool
    leaves_hosts:
      description: Whether C(hosts) is among what is to be removed.
      type: bool
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter
from ansible_collections.netfleet.docker.plugins.plugin_utils._roles import engine_settings as roles_engine_settings


def engine_settings(current: Any, wanted: Any, absent: Any = ()) -> dict[str, Any]:
    """Return the settings that are to be, and what changes by them."""
    try:
        return roles_engine_settings.engine_settings(str(current), wanted, absent)
    except BadParameter as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"engine_settings": engine_settings}
