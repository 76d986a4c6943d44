# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of one task run in separate processes one at a time, and none runs after a failure."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._core.turns import EarlierFailure, take_turn


def _work(folder: str, host: str, failing: str) -> None:
    log = Path(folder, "log")
    try:
        with take_turn(folder, "task", host) as turn:
            with log.open("a", encoding="ascii") as file:
                file.write(f"{host} begins\n")
            time.sleep(0.1)
            if host == failing:
                turn.fail()
            with log.open("a", encoding="ascii") as file:
                file.write(f"{host} ends\n")
    except EarlierFailure as error:
        with log.open("a", encoding="ascii") as file:
            file.write(f"{host} after {error.host}\n")


def _run(folder: Path, failing: str) -> list[str]:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_work, args=(str(folder), f"h{number}", failing)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return (folder / "log").read_text(encoding="ascii").splitlines()


def test_hosts_run_one_at_a_time(tmp_path: Path) -> None:
    lines = _run(tmp_path, "")
    assert len(lines) == 8
    for begin, end in zip(lines[::2], lines[1::2]):
        assert begin.replace("begins", "ends") == end


def test_no_host_runs_after_a_failed_one(tmp_path: Path) -> None:
    lines = _run(tmp_path, "h2")
    place = lines.index("h2 ends")
    assert all(line.endswith(" after h2") for line in lines[place + 1 :])
    assert len([line for line in lines if line.endswith(("ends", "after h2"))]) == 4


def test_exception_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), take_turn(str(tmp_path), "task", "h1"):
        raise ZeroDivisionError
    with pytest.raises(EarlierFailure, match="h1"), take_turn(str(tmp_path), "task", "h2"):
        pass


def test_next_task_is_not_affected_by_an_earlier_failure(tmp_path: Path) -> None:
    with take_turn(str(tmp_path), "one", "h1") as turn:
        turn.fail()
    with take_turn(str(tmp_path), "other", "h2"):
        pass
