# SPDX-FileCopyrightText: netfleet.docker contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Become plugin: any task inside a network namespace of the host that it runs on."""

from __future__ import annotations

DOCUMENTATION = r"""
name: netns
short_description: Run tasks inside a network namespace
version_added: 0.1.0
description:
  - >-
    Runs any module, play or C(ansible-console) as root inside a network namespace of the managed host: a named one, a
    container's, a process's, a sandbox of Docker's. Containers need no shell, no Python and no tools.
  - >-
    The task sees the namespace's links, addresses, routes, sockets and firewall, in C(/sys) too, and the files and
    programs of the host. C(/etc/netns/NAME/*) lies over C(/etc) as with C(ip netns exec).
  - >-
    Before the task is started, the namespace that was entered is compared with the one that was asked for, and with the
    host's own. A namespace that is not there, or turns out to be the host's, fails the task. It never runs elsewhere.
author:
  - netfleet.docker contributors (@netfleet)
options:
  netns:
    description:
      - >-
        The namespace: C(host) (the host's own, that of PID 1), C(NAME) (C(/run/netns/NAME)), C(container:NAME-or-ID)
        (a running container's), C(pid:NUMBER) (a process's), C(path:/ABSOLUTE) (a file that is a namespace) or
        C(docker:NAME) (a sandbox in C(/run/docker/netns)).
      - There is no default. Without it every task fails.
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
      - Whose C(/etc/resolv.conf) and C(/etc/hosts) the task sees.
      - With V(host) those of the host, or of C(/etc/netns/NAME) where they are there.
      - >-
        With V(container) the container's own, for O(netns) of the form C(container:NAME-or-ID). Names are then resolved
        as the container resolves them; systemd-resolved and nscd, which would answer from the host, are out of sight.
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
      - Python 3.9 or later on the managed host, with which the namespace is entered.
      - If C(ansible_python_interpreter) is a path, that is taken, unless C(ansible_netns_python) names another.
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
    description: Socket of the Docker Engine on the managed host.
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
      - Only V(root), which is what a task inside a namespace runs as. Anything else is refused.
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
    description: What makes a login user root; not used where the login is root already.
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
    description: The login user's password for O(become_exe).
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
    Set it by the variables C(ansible_become), C(ansible_become_method) and C(ansible_netns), as in the examples. An
    inventory that sets C(ansible_become_method) or C(ansible_become) wins over C(become_method) in a play and
    C(--become-method) on the command line, and this plugin is then not asked at all; it loses against variables of a
    play, a task or C(-e).
  - >-
    The module runs inside. What Ansible does around it (the connection, file transfers, the temporary folder) and what
    an action does on the controller (templates, lookups) do not. Services that are asked over a Unix socket, such as
    systemd and the Docker Engine, act where they are.
  - Mounts made by a task are seen by that task alone.
  - >-
    Where C(nsswitch.conf) asks systemd-resolved or nscd for names, those answer from the host's namespace, unless
    C(resolv.conf) is one of the namespace's or the container's own.
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

- name: Look into containers
  hosts: web_hosts
  gather_facts: false
  vars:
    ansible_become: true
    ansible_become_method: netfleet.docker.netns
    ansible_netns: container:web
    ansible_netns_resolver: container
  tasks:
    - name: The container's links and addresses as facts
      ansible.builtin.setup:
        gather_subset: network

    - name: Can it reach its database by name
      ansible.builtin.wait_for:
        host: db
        port: 5432
        timeout: 5

    - name: The same from each of several namespaces
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
# What follows is Python, its program and the command. Where the login user is not root, Python may lie where it cannot
# look, and it is for sudo to say that it is not there.
_START = """if [ "$(id -u)" != 0 ]; then set -- {sudo} "$@"
elif ! [ -x "$1" ]; then echo "{name}: there is no $1 on this host; ansible_netns_python names another" >&2; exit 1; fi
exec "$@\""""
# A class of nothing but a docstring keeps it.
_NO_CODE = re.compile(r'(?<!\(Exception\):\n)^ *(#.*|""".*"""|"""(.|\n)*?""")?\n', re.MULTILINE)


class _Root(str):
    """The user root, who differs from any other: where Ansible finds users not to differ, it leaves become out."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class BecomeModule(BecomeBase):
    """Wraps a command so that it runs inside a namespace."""

    name = "netns"
    fail = ("Sorry, try again.",)
    missing = ("Sorry, a password is required to run sudo", "sudo: a password is required")

    def __init__(self) -> None:
        super().__init__()
        # The other way to the same end. A task has a process of its own, so this is of this task alone.
        constants.BECOME_ALLOW_SAME_USER = True

    def get_option(self, option: str, hostvars: Any = None, playcontext: Any = None) -> Any:
        """Return an option's value; to Ansible, the user is root, but never one that it finds to be the login's."""
        if option == "become_user":
            return _Root("root")
        return super().get_option(option, hostvars=hostvars, playcontext=playcontext)

    def build_become_command(self, cmd: str, shell: Any) -> str:
        """Return the command that runs the given one inside the namespace; raise AnsibleError rather than none."""
        super().build_become_command(cmd, shell)
        if not cmd:
            return cmd
        reference, resolver = self._reference(), self.get_option("netns_resolver")
        if resolver == "container" and not reference.startswith("container:"):
            raise AnsibleError(f"{_NAME}: ansible_netns_resolver=container takes ansible_netns=container:NAME-or-ID")
        user = super().get_option("become_user")
        if user not in (None, "", "root"):
            raise AnsibleError(f"{_NAME}: tasks inside a namespace run as root; become_user cannot be {user!r}")
        python = self.get_option("python")
        if not python.startswith("/"):  # auto, auto_silent: what Ansible finds is for modules
            python = "/usr/bin/python3"
        start = _START.format(name=_NAME, sudo=shlex.join(self._escalation()))
        arguments = [self.success, reference, resolver, self.get_option("docker_socket")]
        own = ["/bin/sh", "-c", start, "netns", python, "-I", "-S", "-c", _program(), *arguments]
        return f"{shlex.join(own)} {self._build_success_command(cmd, shell)}"

    def _reference(self) -> str:
        given = self.get_option("netns")
        if not given:
            raise AnsibleError(f"{_NAME}: ansible_netns is not set, so there is no namespace to run this in")
        try:
            return validators.netns_reference(str(given))
        except ValueError as error:
            raise AnsibleError(f"{_NAME}: ansible_netns: {error}") from None

    def _escalation(self) -> list[str]:
        """Return what makes a login user root."""
        flags = shlex.split(self.get_option("become_flags") or "")
        prompt: list[str] = []
        self.prompt = ""
        if self.get_option("become_pass"):
            self.prompt = f"[sudo via ansible, key={self._id}] password:"
            prompt = ["-p", self.prompt]
            # With a password there is a question to be answered.
            flags = [re.sub(r"^(-\w*)n", r"\1", flag) for flag in flags if flag not in ("-n", "--non-interactive")]
        return [*shlex.split(self.get_option("become_exe") or "sudo"), *flags, *prompt, "-u", "root"]


@functools.cache
def _program() -> str:
    """Return the program without what only its readers need."""
    return _NO_CODE.sub("", inspect.getsource(enter_netns))
