# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what the modules that gather facts have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes."""

    DOCUMENTATION = r"""
options:
  max_entries:
    description:
      - >-
        The most entries that are read of each table of a namespace, such as its routes. What is cut off is named in
        RV(missing); a container that floods its tables costs no more than this.
    type: int
    default: 10000
  netns_timeout:
    description: The most seconds that one namespace may take. What is not read by then is named in RV(missing).
    type: float
    default: 10
  timeout:
    description: The most seconds that all namespaces may take, likewise.
    type: float
    default: 60
  docker_timeout:
    description:
      - >-
        The most seconds that the Docker Engine may take for all that it is asked. Namespaces come without it too;
        whose they are is then told by their processes.
    type: float
    default: 15
attributes:
  check_mode:
    support: full
    description: Changes nothing, in C(check_mode) or out of it.
  diff_mode:
    support: N/A
    description: Nothing changes.
  idempotent:
    support: full
    description: Changes nothing.
  platform:
    platforms: Linux
    support: full
    description: The operating systems that the module reads.
requirements:
  - Python 3.9 or later on the managed host
  - root on the managed host
notes:
  - >-
    Reads through the host's own kernel and engine. Nothing is run or opened in a container, so containers need no
    tools. Programs of the host (C(iptables-save), C(nft)) are run only where the kernel says that there are rules
    that only they can tell.
  - >-
    What the engine says comes in by a list of what is allowed; environment variables, arguments, commands, labels
    other than those listed, and tokens never do.
"""
