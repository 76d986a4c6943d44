# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of namespace references, and of options of all modules that change a host."""

from __future__ import annotations


class ModuleDocFragment:
    """The notes on namespace references."""

    DOCUMENTATION = r"""
options:
  lock_timeout:
    description:
      - Seconds to wait for another run of this collection that changes the same host.
      - In check mode, the module does not wait.
    type: int
    default: 60
notes:
  - >-
    A reference to a network namespace is C(host) (the namespace of PID 1), C(NAME) (a named namespace,
    C(/run/netns/NAME)), C(container:NAME-or-ID) (the namespace of a running container), C(pid:NUMBER) (the namespace of
    a process), C(path:/ABSOLUTE) (a mounted namespace) or C(docker:NAME) (a sandbox in C(/run/docker/netns)). A
    namespace that does not exist is an error, also in check mode. It is never created, so checking a playbook requires
    the namespaces that it refers to.
  - Options that are not set are not managed.
  - Changes are made in the kernel and are lost at a reboot of the host.
  - >-
    If an operation fails, all changes of the run are rolled back. After the last operation, the state is verified. An
    option that the kernel acknowledged but did not apply is an error.
"""
