# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Become plugin: run any task in a network namespace of the managed host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: netns
short_description: Run tasks inside a network namespace
version_added: 0.1.0
description:
  - >-
    Runs any module, play or C(ansible-console) as root in a network namespace of the managed host, such as a named
    namespace, or that of a container or process. Containers need no shell, Python or tools.
  - >-
    The task uses the links, addresses, routes, sockets and firewall of the namespace, also in C(/sys), and the files
    and programs of the host. Files in C(/etc/netns/NAME) replace those in C(/etc), as with C(ip netns exec).
  - >-
    Before the task starts, the plugin verifies that it is in the requested namespace and not in the host namespace. If
    the namespace does not exist, the task fails and does not run elsewhere.
author:
  - netfleet.docker contributors (@netfleet)
options:
  netns:
    description:
      - >-
        Reference to the namespace: C(host) (the namespace of PID 1), C(NAME) (C(/run/netns/NAME)),
        C(container:NAME-or-ID) (the namespace of a running container), C(pid:NUMBER) (the namespace of a process),
        C(path:/ABSOLUTE) (a mounted namespace) or C(docker:NAME) (a sandbox in C(/run/docker/netns)).
      - Required; there is no default.
    type: str
    vars:
      - name: ansible_netns
    env:
      - name: ANSIBLE_NETNS
    ini:
      - section: netns_become_plugin
        key: netns
  netns_resolver:
    description:
      - Source of C(/etc/resolv.conf) and C(/etc/hosts) for the task.
      - V(host) uses the files of the host, or of C(/etc/netns/NAME) if they exist.
      - >-
        V(container) uses the files of the container. Requires O(netns) in the form C(container:NAME-or-ID). Names are
        resolved as in the container, without systemd-resolved and nscd of the host.
    type: str
    choices: [host, container]
    default: host
    vars:
      - name: ansible_netns_resolver
    env:
      - name: ANSIBLE_NETNS_RESOLVER
    ini:
      - section: netns_become_plugin
        key: resolver
  python:
    description:
      - Python interpreter, version 3.9 or later, on the managed host that enters the namespace.
      - If C(ansible_python_interpreter) is a path, it is used unless C(ansible_netns_python) is set.
    type: str
    default: /usr/bin/python3
    vars:
      - name: ansible_python_interpreter
      - name: ansible_netns_python
    env:
      - name: ANSIBLE_NETNS_PYTHON
    ini:
      - section: netns_become_plugin
        key: python
  docker_socket:
    description: Socket of Docker Engine on the managed host.
    type: str
    default: /var/run/docker.sock
    vars:
      - name: ansible_netns_docker_socket
    env:
      - name: ANSIBLE_NETNS_DOCKER_SOCKET
    ini:
      - section: netns_become_plugin
        key: docker_socket
  become_user:
    description:
      - User that the task runs as. Must be V(root).
    type: str
    keyword:
      - name: become_user
    vars:
      - name: ansible_become_user
    env:
      - name: ANSIBLE_BECOME_USER
    ini:
      - section: privilege_escalation
        key: become_user
  become_exe:
    description: Program that changes from the login user to root. Not used if the login user is root.
    type: str
    default: sudo
    keyword:
      - name: become_exe
    vars:
      - name: ansible_become_exe
    env:
      - name: ANSIBLE_BECOME_EXE
    ini:
      - section: privilege_escalation
        key: become_exe
  become_flags:
    description: Options of O(become_exe).
    type: str
    default: -H -S -n
    keyword:
      - name: become_flags
    vars:
      - name: ansible_become_flags
    env:
      - name: ANSIBLE_BECOME_FLAGS
    ini:
      - section: privilege_escalation
        key: become_flags
  become_pass:
    description: Password of the login user for O(become_exe).
    type: str
    vars:
      - name: ansible_become_password
      - name: ansible_become_pass
    env:
      - name: ANSIBLE_BECOME_PASS
    ini:
      - section: netns_become_plugin
        key: password
notes:
  - >-
    Enable the plugin with the variables C(ansible_become), C(ansible_become_method) and C(ansible_netns), as in the
    examples. C(ansible_become_method) and C(ansible_become) in the inventory take precedence over C(become_method) in a
    play and C(--become-method) on the command line, but not over variables of a play, a task or C(-e).
  - >-
    Only the module runs in the namespace. Connections, file transfers, temporary directories, templates and lookups do
    not. Services that are called through a Unix socket, such as systemd and Docker Engine, act in their own namespace.
  - Mounts of a task are visible only to this task.
  - >-
    If C(nsswitch.conf) uses systemd-resolved or nscd, names are resolved in the host namespace, unless the namespace or
    the container has its own C(resolv.conf).
seealso:
  - module: netfleet.docker.probe
  - module: netfleet.docker.netns
"""

EXAMPLES = r"""
# A shell in the network of the container "web" on 50 hosts:
#   ansible-console web_hosts -e ansible_become=true \
#     -e ansible_become_method=netfleet.docker.netns -e ansible_netns=container:web
#   > ss -lnt
#   > ip route get 192.0.2.1

# One command:
#   ansible web_hosts -m ansible.builtin.command -a 'ip -br address' -e ansible_become=true \
#     -e ansible_become_method=netfleet.docker.netns -e ansible_netns=container:web

- name: Check the network of containers
  hosts: web_hosts
  gather_facts: false
  vars:
    ansible_become: true
    ansible_become_method: netfleet.docker.netns
    ansible_netns: container:web
    ansible_netns_resolver: container
  tasks:
    - name: Gather links and addresses of the container as facts
      ansible.builtin.setup:
        gather_subset: network

    - name: Wait until the database is reachable by name
      ansible.builtin.wait_for:
        host: db
        port: 5432
        timeout: 5

    - name: Show a route in several namespaces
      ansible.builtin.command: ip route get 192.0.2.1
      changed_when: false
      vars:
        ansible_netns: "{{ item }}"
      loop:
        - host
        - blue
        - container:web
"""

import functools
import inspect
import re
import shlex
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.become import BecomeBase
from ansible_collections.netfleet.docker.plugins.module_utils._core import validators
from ansible_collections.netfleet.docker.plugins.plugin_utils._become import enter_netns

_NAME = "netfleet.docker.netns"
# The arguments are Python, its program and the command. If the login user is not root, it may be unable to read the
# directory of Python; sudo then reports a missing interpreter.
_START = """if [ "$(id -u)" != 0 ]; then set -- {sudo} "$@"
elif ! [ -x "$1" ]; then echo "{name}: $1 not found on this host; set ansible_netns_python" >&2; exit 1; fi
exec "$@\""""
# A class that contains only a docstring keeps it.
_NO_CODE = re.compile(r'(?<!\(Exception\):\n)^ *(#.*|""".*"""|"""(.|\n)*?""")?\n', re.MULTILINE)


class _Root(str):
    """The user root, unequal to every user, because Ansible skips become for equal users."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class BecomeModule(BecomeBase):
    """Wrap a command so that it runs in a namespace."""

    name = "netns"
    fail = ("Sorry, try again.",)
    missing = ("Sorry, a password is required to run sudo", "sudo: a password is required")

    def __init__(self) -> None:
        super().__init__()
        # Also prevents Ansible from skipping become. Each task has its own process, so this affects only this task.
        constants.BECOME_ALLOW_SAME_USER = True

    def get_option(self, option: str, hostvars: Any = None, playcontext: Any = None) -> Any:
        """Return the value of an option; the user is always root, but unequal to the login user."""
        if option == "become_user":
            return _Root("root")
        return super().get_option(option, hostvars=hostvars, playcontext=playcontext)

    def build_become_command(self, cmd: str, shell: Any) -> str:
        """Return the command that runs the given one in the namespace; raise AnsibleError for invalid options."""
        super().build_become_command(cmd, shell)
        if not cmd:
            return cmd
        reference, resolver = self._get_reference(), self.get_option("netns_resolver")
        if resolver == "container" and not reference.startswith("container:"):
            raise AnsibleError(f"{_NAME}: ansible_netns_resolver=container requires ansible_netns=container:NAME-or-ID")
        user = super().get_option("become_user")
        if user not in (None, "", "root"):
            raise AnsibleError(f"{_NAME}: become_user: {user!r} is not supported; must be root")
        python = self.get_option("python")
        if not python.startswith("/"):  # auto, auto_silent: the discovered interpreter is for modules
            python = "/usr/bin/python3"
        start = _START.format(name=_NAME, sudo=shlex.join(self._build_escalation()))
        arguments = [self.success, reference, resolver, self.get_option("docker_socket")]
        own = ["/bin/sh", "-c", start, "netns", python, "-I", "-S", "-c", _read_program(), *arguments]
        return f"{shlex.join(own)} {self._build_success_command(cmd, shell)}"

    def _get_reference(self) -> str:
        given = self.get_option("netns")
        if not given:
            raise AnsibleError(f"{_NAME}: ansible_netns is not set; must be a namespace such as container:web")
        try:
            return validators.netns_reference(str(given))
        except ValueError as error:
            raise AnsibleError(f"{_NAME}: ansible_netns: {error}") from None

    def _build_escalation(self) -> list[str]:
        """Return the command that changes from the login user to root."""
        flags = shlex.split(self.get_option("become_flags") or "")
        prompt: list[str] = []
        self.prompt = ""
        if self.get_option("become_pass"):
            self.prompt = f"[sudo via ansible, key={self._id}] password:"
            prompt = ["-p", self.prompt]
            # sudo must prompt for the password.
            flags = [re.sub(r"^(-\w*)n", r"\1", flag) for flag in flags if flag not in ("-n", "--non-interactive")]
        return [*shlex.split(self.get_option("become_exe") or "sudo"), *flags, *prompt, "-u", "root"]


@functools.cache
def _read_program() -> str:
    """Return the program without comments and docstrings."""
    return _NO_CODE.sub("", inspect.getsource(enter_netns))
