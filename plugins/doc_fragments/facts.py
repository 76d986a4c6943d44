# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of modules that gather facts."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes."""

    DOCUMENTATION = r"""
options:
  max_entries:
    description:
      - >-
        Maximum number of entries to read from each table of a namespace, such as its routes. Truncated tables are
        listed in RV(missing).
    type: int
    default: 10000
  netns_timeout:
    description: >-
      Maximum number of seconds for one namespace. Tables that are not read in this time are listed in RV(missing).
    type: float
    default: 10
  timeout:
    description: >-
      Maximum number of seconds for all namespaces. Tables that are not read in this time are listed in RV(missing).
    type: float
    default: 60
  docker_timeout:
    description:
      - >-
        Maximum number of seconds for all requests to Docker Engine. Without the engine, containers are identified by
        their processes.
    type: float
    default: 15
attributes:
  check_mode:
    support: full
    description: The module never changes anything.
  diff_mode:
    support: N/A
    description: The module never changes anything.
  idempotent:
    support: full
    description: The module never changes anything.
  platform:
    platforms: Linux
    support: full
    description: Operating systems that the module can read.
requirements:
  - Python 3.9 or later on the managed host
  - root on the managed host
notes:
  - >-
    The module reads from the kernel and the engine of the host and runs nothing in containers, so containers need no
    tools. It runs C(iptables-save) and C(nft) of the host only in namespaces with firewall rules.
  - >-
    Only an allowed list of properties is read from the engine. Environment variables, arguments, commands, tokens, and
    labels that are not listed are never read.
"""
