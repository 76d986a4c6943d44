# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Atomic replacement and restoration of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._engine.files import read_text, restore_file, write_text


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_new_file_is_readable_and_its_folder_is_created(tmp_path: Path) -> None:
    path = tmp_path / "docker/daemon.json"
    write_text(str(path), "{}\n")
    assert path.read_text(encoding="utf-8") == "{}\n"
    assert mode(path) == 0o644
    assert [file.name for file in path.parent.iterdir()] == ["daemon.json"]


def test_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    path.write_text('{"log-opts": {"splunk-token": "secret"}}', encoding="utf-8")
    path.chmod(0o600)
    write_text(str(path), "{}\n")
    assert mode(path) == 0o600


def test_symbolic_link_is_kept_and_its_target_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "managed.json", tmp_path / "daemon.json"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    write_text(str(link), "new")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"


def test_restored_file_has_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    path.write_bytes(b'{"labels": ["\xff"]}')
    former = read_text(str(path))
    write_text(str(path), "{}")
    restore_file(str(path), former)
    assert path.read_bytes() == b'{"labels": ["\xff"]}'


def test_restoring_a_missing_file_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    assert read_text(str(path)) is None
    write_text(str(path), "{}")
    restore_file(str(path), None)
    restore_file(str(path), None)
    assert list(tmp_path.iterdir()) == []


def test_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NetfleetError, match=f"^{tmp_path} cannot be read: Is a directory$"):
        read_text(str(tmp_path))
    with pytest.raises(NetfleetError, match=f"^{tmp_path} cannot be written: "):
        write_text(str(tmp_path), "{}")
