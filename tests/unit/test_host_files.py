# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of hosts on the control node: contents, path, and when an action writes them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible_collections.netfleet.docker.plugins.action.audit_rows import ActionModule

ROWS = [{"host": "h1", "module": "topology", "object": "eth0", "operation": "create", "detail": None}]


def run(host: str = "h1", check: bool = False, **args: Any) -> dict[str, Any]:
    task = SimpleNamespace(action="audit_rows", args=args, async_val=0, check_mode=check)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
    more = {"loader": DataLoader(), "templar": None, "shared_loader_obj": None}
    one = ActionModule(task=task, connection=connection, play_context=SimpleNamespace(check_mode=check), **more)
    result: dict[str, Any] = one.run(task_vars={"inventory_hostname": host})
    return result


def test_each_host_has_its_own_file(tmp_path: Path) -> None:
    dest = f"{tmp_path}/deep/er/"
    assert run(rows=ROWS, dest=dest) == {"changed": True, "dest": f"{dest}h1.json"}
    assert run("rack/h2", rows=[], dest=dest) == {"changed": True, "dest": f"{dest}rack_h2.json"}
    written = sorted(Path(dest).iterdir())
    assert [path.name for path in written] == ["h1.json", "rack_h2.json"]
    assert [json.loads(path.read_text()) for path in written] == [ROWS, []]
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}


def test_existing_directory_needs_no_trailing_slash(tmp_path: Path) -> None:
    assert run(rows=[], dest=str(tmp_path))["dest"] == f"{tmp_path}/h1.json"
    assert run(rows=[], dest=f"{tmp_path}/one.json")["dest"] == f"{tmp_path}/one.json"


def test_equal_rows_are_no_change_and_new_rows_replace_them(tmp_path: Path) -> None:
    file = tmp_path / "h1.json"
    assert run(rows=ROWS, dest=f"{tmp_path}/")["changed"]
    before = file.stat()
    assert not run(rows=ROWS, dest=f"{tmp_path}/")["changed"]
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert run(rows=[], dest=f"{tmp_path}/")["changed"]
    assert file.read_text() == "[]"


def test_check_mode_writes_no_file(tmp_path: Path) -> None:
    assert run(check=True, rows=ROWS, dest=f"{tmp_path}/new/")["changed"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"dest": "x"}, "one of the following is required: rows, drift"),
        ({"rows": []}, "missing required arguments: dest"),
        ({"rows": ["x y"], "dest": "x"}, "rows"),
        ({"rows": [], "dest": "/proc/nowhere/"}, "dest: /proc/nowhere/h1.json cannot be written"),
    ],
)
def test_invalid_parameters_are_reported(args: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleActionFail, match=words):
        run(**args)
