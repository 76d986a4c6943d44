# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Missing requirements are reported in one line, and names can be any bytes. Modules run in new interpreters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from .quartet import look
from .sandbox import Sandbox
from .snapshot import assert_same

_MODULES: list[tuple[str, dict[str, Any]]] = [
    ("veth", {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}}),
    ("bridge", {"name": "br0", "up": True}),
    ("macvlan", {"name": "m0", "parent": "p0", "mode": "bridge"}),
    ("netns", {"name": "green"}),
]


@pytest.mark.parametrize("module, args", _MODULES, ids=[name for name, _args in _MODULES])
def test_module_runs_in_a_new_interpreter(box: Sandbox, module: str, args: dict[str, Any]) -> None:
    """The result equals that of a forked process."""
    box.sh("ip link add p0 type ifb")
    first = box.fresh(module, args)
    assert first.changed and not first.stderr
    assert not box.fresh(module, args).changed
    assert not box.module(module, args).changed


@pytest.mark.parametrize(
    "privileges, missing",
    [
        (("--inh-caps=-all", "--bounding-set=-all"), "CAP_NET_ADMIN and CAP_SYS_ADMIN"),
        (("--inh-caps=-net_admin", "--bounding-set=-net_admin"), "CAP_NET_ADMIN"),
        (("--inh-caps=-sys_admin", "--bounding-set=-sys_admin"), "CAP_SYS_ADMIN"),
    ],
    ids=["none", "no CAP_NET_ADMIN", "no CAP_SYS_ADMIN"],
)
def test_missing_privileges_are_reported(box: Sandbox, privileges: tuple[str, ...], missing: str) -> None:
    before = box.snapshot()
    result = box.fresh("veth", _MODULES[0][1], "setpriv", *privileges, "--")
    assert result.failed and result.msg.endswith(f"missing capabilities: {missing}"), result.msg
    assert "root" in result.msg
    assert_same(before, box.snapshot())


@pytest.mark.parametrize("module, args", _MODULES, ids=[name for name, _args in _MODULES])
def test_unprivileged_user_is_reported(box: Sandbox, module: str, args: dict[str, Any]) -> None:
    result = box.module(module, args, user=65534)
    assert result.failed and "requires root" in result.msg, result.msg


@pytest.mark.parametrize("module, args", _MODULES[::3], ids=["veth", "netns"])
def test_missing_pyroute2_is_reported(box: Sandbox, tmp_path: Path, module: str, args: dict[str, Any]) -> None:
    shim = (
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'pyroute2' else find(name, *rest)\n"
    )
    (tmp_path / "usercustomize.py").write_text(shim, encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text(shim, encoding="utf-8")
    _refused(box, tmp_path, module, args, "the Python library pyroute2 0.7.2 or later is not installed on this host")


@pytest.mark.parametrize("information", ["pyroute2-0.6.13.dist-info", "pyroute2-0.6.13.egg-info"])
def test_outdated_pyroute2_is_reported(box: Sandbox, tmp_path: Path, information: str) -> None:
    """An older version precedes the real one on the path."""
    (tmp_path / "pyroute2").mkdir()
    (tmp_path / "pyroute2/__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    (tmp_path / information).mkdir()
    _refused(box, tmp_path, *_MODULES[0], "pyroute2 0.6.13 on this host is not supported")


def _refused(box: Sandbox, before: Path, module: str, args: dict[str, Any], words: str) -> None:
    there = box.snapshot()
    path = ":".join([str(before), *(entry for entry in sys.path if "site-packages" in entry)])
    result = box.fresh(module, args, PYTHONPATH=path)
    assert result.failed and words in result.msg, result.msg
    assert "python3-pyroute2" in result.msg
    assert_same(there, box.snapshot())


def test_missing_engine_is_reported_for_containers_only(box: Sandbox) -> None:
    """The engine is needed only where a container is named. /run is empty here, so no engine can be reached."""
    result = box.module("veth", {"name": "a0", "netns": "container:web", "peer": {"name": "b0"}})
    assert result.failed and "Docker Engine" in result.msg, result.msg


_BYTES = "$(printf '\\377\\376x')"


def test_names_that_are_not_utf8(box: Sandbox) -> None:
    """Links, alternative names, aliases and namespaces that are not UTF-8 cause no failure and are returned escaped."""
    box.sh(
        f'ip -n red link add "{_BYTES}" type veth peer name b0 netns blue',
        f'ip -n red link set "{_BYTES}" alias "{_BYTES}"',
        f'ip -n red link add br0 type bridge; ip -n red link set "{_BYTES}" master br0',
        f'ip -n red link add p0 type ifb; ip -n red link property add dev p0 altname "y{_BYTES}"',
        f': >"/run/netns/{_BYTES}"',
    )
    shown = box.module("bridge", {"name": "br0", "netns": "red", "up": True})
    assert shown.changed and shown.data["bridge"]["ports"][0]["name"] == "\\xff\\xfex"
    links = box.module("netns", {"name": "red"}, check=True).data["netns"]["links"]
    assert "\\xff\\xfex" in [link["name"] for link in links]
    assert box.module("macvlan", {"name": "m0", "netns": "red", "parent": "p0", "parent_netns": "red"}).changed
    refused = box.module("veth", {"name": "a0", "netns": "red", "peer": {"name": "b0", "netns": "blue"}})
    assert "b0 in blue has the peer \\xff\\xfex in red" in refused.msg
    released = {"name": "br0", "netns": "red", "ports": []}
    announced = box.module("bridge", released, check=True)
    done = box.module("bridge", released)
    assert done.changed and done.plan == announced.plan
    assert not box.module("bridge", released).changed
    assert box.module("netns", {"name": "red", "state": "absent"}).changed
    assert look(box, "blue", "m0") is None
