# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The become plugin on the controller: what it sends, and what it refuses to send."""

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
from ansible_collections.netfleet.docker.plugins.become import netns
from ansible_collections.netfleet.docker.plugins.become.netns import _program

NAME = "netfleet.docker.netns"
SHELL = SimpleNamespace(ECHO="echo", COMMAND_SEP=";", executable="/bin/sh")
MOST_BYTES = 9000


def plugin(**variables: Any) -> Any:
    """Return the plugin as a task with these variables and keywords has it."""
    keywords = {"become_user": variables.pop("become_user", None)}
    found = netns.BecomeModule()
    found._load_name = NAME
    constants.config.initialize_plugin_configuration_definitions(
        "become", NAME, yaml.safe_load(netns.DOCUMENTATION)["options"]
    )
    found.set_options(task_keys=keywords, var_options={f"ansible_{name}": value for name, value in variables.items()})
    return found


@pytest.mark.parametrize("user", ["root", "deploy", "", None])
@pytest.mark.parametrize("become_user", ["root", None])
def test_ansible_never_finds_the_users_to_be_the_same(user: str | None, become_user: str | None) -> None:
    found = plugin(netns="blue", become_user=become_user).get_option("become_user")
    # As ActionBase._low_level_execute_command and _is_become_unprivileged ask.
    assert found != user
    assert not found == user  # noqa: SIM201
    assert not bool(found and found not in ["root", user])


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "ansible_netns is not set"),
        ({"netns": ""}, "ansible_netns is not set"),
        ({"netns": "../x"}, "ansible_netns: a namespace name is"),
        ({"netns": "-x"}, "ansible_netns: a namespace name is"),
        ({"netns": "pid:0"}, "ansible_netns: a namespace is one of"),
        ({"netns": "path:x"}, "ansible_netns: a namespace is one of"),
        ({"netns": "container:"}, "ansible_netns: a namespace is one of"),
        ({"netns": "container:a b"}, "ansible_netns: a namespace is one of"),
        ({"netns": "blue", "become_user": "web"}, "run as root"),
        ({"netns": "blue", "netns_resolver": "container"}, "takes ansible_netns=container"),
    ],
)
def test_what_is_not_sent(variables: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleError, match=words):
        plugin(**variables).build_become_command("true", SHELL)


def words(command: str) -> list[str]:
    return shlex.split(command)


def test_the_command() -> None:
    found = plugin(netns="path:/run/it's here; $(touch x)", netns_python="/opt/python")
    said = words(found.build_become_command("echo 'a b' | cat", SHELL))
    assert said[:2] == ["/bin/sh", "-c"]
    assert said[3:8] == ["netns", "/opt/python", "-I", "-S", "-c"]
    assert said[8] == _program()
    assert said[9:12] == [found.success, "path:/run/it's here; $(touch x)", "host"]
    assert said[-3:] == ["/bin/sh", "-c", f"echo {found.success} ; echo 'a b' | cat"]
    assert "set -- sudo -H -S -n -u root" in said[2]
    assert found.build_become_command("", SHELL) == ""


def test_a_password_is_asked_for_in_a_way_that_is_recognised() -> None:
    found = plugin(netns="blue", become_password="secret", become_exe="/usr/bin/sudo", become_flags="-HSn --foo")
    command = found.build_become_command("true", SHELL)
    assert "secret" not in command
    assert found.prompt in words(words(command)[2].split("set -- ")[1].splitlines()[0])
    assert "/usr/bin/sudo -HS --foo -p" in words(command)[2]
    assert found.expect_prompt()
    assert not plugin(netns="blue").expect_prompt()


@pytest.mark.parametrize("value", ["auto", "auto_silent", "/usr/bin/python3"])
def test_what_ansible_would_look_for_is_not_a_path(value: str) -> None:
    said = words(plugin(netns="blue", python_interpreter=value).build_become_command("true", SHELL))
    assert said[4] == "/usr/bin/python3"


def test_the_program_is_small_and_whole() -> None:
    program = _program()
    assert len(program) < MOST_BYTES
    assert "#" not in "".join(line for line in program.splitlines() if line.lstrip().startswith("#"))
    tree = ast.parse(program)
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported <= set(sys.stdlib_module_names)


def test_the_program_says_no_in_both_ways() -> None:
    argv = [sys.executable, "-I", "-S", "-c", _program(), "MARK", "no-such-namespace", "host", "/none", "touch", "/x"]
    done = subprocess.run(argv, input="x" * 200000, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = "netfleet.docker.netns: no such namespace: no-such-namespace"
    assert done.stdout == f'MARK\n{{"failed": true, "msg": "{said}"}}\n'
    assert done.stderr == f"{said}\n"
