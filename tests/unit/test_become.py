# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The become plugin on the control node: commands that it sends, and input that it rejects."""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import get_shell_plugin
from ansible_collections.netfleet.docker.plugins.become import netns
from ansible_collections.netfleet.docker.plugins.become.netns import _read_program

NAME = "netfleet.docker.netns"
SHELL = SimpleNamespace(ECHO="echo", COMMAND_SEP=";", executable="/bin/sh")
MOST_BYTES = 9000


def plugin(**variables: Any) -> Any:
    """Return the plugin as a task with these variables and keywords gets it."""
    keywords = {"become_user": variables.pop("become_user", None)}
    found = netns.BecomeModule()
    found._load_name = NAME
    constants.config.initialize_plugin_configuration_definitions(
        "become", NAME, yaml.safe_load(netns.DOCUMENTATION)["options"]
    )
    found.set_options(task_keys=keywords, var_options={f"ansible_{name}": value for name, value in variables.items()})
    return found


class Connection:
    """A connection that records the commands."""

    transport = "ssh"
    allow_executable = False
    default_user = None

    def __init__(self, become: Any, user: str | None) -> None:
        self.become = become
        self.user = user
        self._shell = get_shell_plugin("sh")
        self.ran: list[str] = []

    def get_option(self, _name: str) -> str | None:
        return self.user

    def exec_command(self, command: str, **_more: Any) -> tuple[int, bytes, bytes]:
        self.ran.append(command)
        return 0, b"/root\n", b""


class Action(ActionBase):  # type: ignore[misc]
    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        return {}


def action(user: str | None, **variables: Any) -> Any:
    """Return an Ansible action whose connection logs in as a user and uses the plugin."""
    connection = Connection(plugin(**variables), user)
    more = {"loader": None, "templar": None, "shared_loader_obj": None}
    return Action(task=SimpleNamespace(), connection=connection, play_context=SimpleNamespace(executable=None), **more)


@pytest.mark.parametrize("user", ["root", "deploy", "", None])
@pytest.mark.parametrize("become_user", ["root", None])
@pytest.mark.parametrize("same_user", [True, False])
def test_become_applies_to_root_as_well(
    user: str | None, become_user: str | None, same_user: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = action(user, netns="blue", become_user=become_user)
    # Each of the two settings alone is sufficient.
    monkeypatch.setattr(constants, "BECOME_ALLOW_SAME_USER", same_user)
    one._low_level_execute_command("true")
    assert "no such namespace" in one._connection.ran[0]
    # An unprivileged user would require readable files of others; the user is root.
    assert one._is_become_unprivileged() is False
    assert one._remote_expand_user("~/x") == "/root/x"
    assert "~root" in one._connection.ran[1]


def test_pipelining_is_enabled() -> None:
    plugin(netns="blue")
    assert constants.BECOME_ALLOW_SAME_USER is True


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "ansible_netns is not set"),
        ({"netns": ""}, "ansible_netns is not set"),
        ({"netns": "../x"}, "ansible_netns: must be 1 to 255"),
        ({"netns": "-x"}, "ansible_netns: must be 1 to 255"),
        ({"netns": "pid:0"}, "ansible_netns: must be one of"),
        ({"netns": "path:x"}, "ansible_netns: must be one of"),
        ({"netns": "container:"}, "ansible_netns: must be one of"),
        ({"netns": "container:a b"}, "ansible_netns: must be one of"),
        ({"netns": "blue", "become_user": "web"}, "must be root"),
        ({"netns": "blue", "netns_resolver": "container"}, "requires ansible_netns=container"),
    ],
)
def test_references_are_not_interpreted_by_the_shell(variables: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleError, match=words):
        plugin(**variables).build_become_command("true", SHELL)


def words(command: str) -> list[str]:
    return shlex.split(command)


def test_command_line_is_complete() -> None:
    found = plugin(netns="path:/run/it's here; $(touch x)", netns_python="/opt/python")
    said = words(found.build_become_command("echo 'a b' | cat", SHELL))
    assert said[:2] == ["/bin/sh", "-c"]
    assert said[3:8] == ["netns", "/opt/python", "-I", "-S", "-c"]
    assert said[8] == _read_program()
    assert said[9:12] == [found.success, "path:/run/it's here; $(touch x)", "host"]
    assert said[-3:] == ["/bin/sh", "-c", f"echo {found.success} ; echo 'a b' | cat"]
    assert "set -- sudo -H -S -n -u root" in said[2]
    assert found.build_become_command("", SHELL) == ""


def test_password_prompt_is_recognized() -> None:
    found = plugin(netns="blue", become_password="secret", become_exe="/usr/bin/sudo", become_flags="-HSn --foo")
    command = found.build_become_command("true", SHELL)
    assert "secret" not in command
    assert found.prompt in words(words(command)[2].split("set -- ")[1].splitlines()[0])
    assert "/usr/bin/sudo -HS --foo -p" in words(command)[2]
    assert found.expect_prompt()
    assert not plugin(netns="blue").expect_prompt()


@pytest.mark.parametrize("value", ["auto", "auto_silent", "/usr/bin/python3"])
def test_success_marker_is_not_part_of_a_path(value: str) -> None:
    said = words(plugin(netns="blue", python_interpreter=value).build_become_command("true", SHELL))
    assert said[4] == "/usr/bin/python3"


def test_program_is_small_and_complete() -> None:
    program = _read_program()
    assert len(program) < MOST_BYTES
    assert "#" not in "".join(line for line in program.splitlines() if line.lstrip().startswith("#"))
    tree = ast.parse(program)
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported <= set(sys.stdlib_module_names)


def test_failure_is_reported_as_text_and_json() -> None:
    argv = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        _read_program(),
        "MARK",
        "no-such-namespace",
        "host",
        "/none",
        "touch",
        "/x",
    ]
    done = subprocess.run(argv, input="x" * 200000, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = "netfleet.docker.netns: no such namespace: no-such-namespace"
    assert done.stdout == f'MARK\n{{"failed": true, "msg": "{said}"}}\n'
    assert done.stderr == f"{said}\n"
