# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of how a namespace is named, and of what all runs that change something share."""

from __future__ import annotations


class ModuleDocFragment:
    """The notes on namespace references."""

    DOCUMENTATION = r"""
options:
  lock_timeout:
    description:
      - How many seconds to wait for another run of this collection on the same host, which changes something, to end.
      - A check does not wait.
    type: int
    default: 60
notes:
  - >-
    A network namespace is named by C(host) (the host's own, that of PID 1), C(NAME) (a named one, C(/run/netns/NAME)),
    C(container:NAME-or-ID) (a running container's), C(pid:NUMBER) (a process's), C(path:/ABSOLUTE) (a file that is a
    namespace) or C(docker:NAME) (a sandbox in C(/run/docker/netns)). A namespace that is not there is an error and is
    never created, in check mode too, so a check of a whole playbook needs the namespaces that it refers to.
  - Only options that are given are compared and set; all others are left as they are.
  - What is set lives in the kernel and does not survive a reboot of the host.
  - >-
    If a step fails, what the run had changed before is undone. After success everything is read back, and an option
    that the kernel accepted and did not keep is an error.
"""
