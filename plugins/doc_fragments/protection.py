# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the option that allows a run to remove links of Docker and of the SSH connection."""

from __future__ import annotations


class ModuleDocFragment:
    """The option force."""

    DOCUMENTATION = r"""
options:
  force:
    description:
      - >-
        Allow the run to delete, recreate or move links that belong to Docker: the bridges of its networks and the links
        of its containers. By default, this is an error.
      - >-
        Allow the run to delete, recreate, move or set down a link that carries the SSH connection of this run: the link
        with the address of the host, its parents, and the uplink of its bridge. By default, this is an error.
    type: bool
    default: false
"""
