# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs on the host: output, output limit, timeout and failures."""

from __future__ import annotations

import time

import pytest
from ansible_collections.netfleet.docker.plugins.module_utils._core import programs
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import MissingProgram, NetfleetError
from ansible_collections.netfleet.docker.plugins.module_utils._facts.netns_context import NetnsContext
from ansible_collections.netfleet.docker.plugins.module_utils._netlink.transport import Budget


def output(script: str, seconds: float = 30) -> str:
    with NetnsContext(Budget(10, time.monotonic() + seconds)) as inside:
        return inside.run_program("sh", "-c", script)


def test_output_is_returned() -> None:
    assert output("printf 'a\\377b'; echo not this >&2") == "a\udcffb"


def test_environment_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "canary")
    assert "canary" not in output("env")


def test_error_output_is_reported() -> None:
    with pytest.raises(NetfleetError, match=r"^sh: no such rule$"):
        output("echo no such rule >&2; echo more >&2; exit 3")
    with pytest.raises(NetfleetError, match=r"^sh: exited with status 3$"):
        output("exit 3")


def test_too_much_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_MOST_OUTPUT", 1 << 20)
    assert len(output("head -c 1048576 /dev/zero")) == 1 << 20
    with pytest.raises(NetfleetError, match="printed more than 1 MiB"):
        output("cat /dev/zero")


def test_timeout_is_an_error() -> None:
    with pytest.raises(NetfleetError, match="timed out"):
        output("exec sleep 1000", seconds=0.2)
    with pytest.raises(NetfleetError, match="timed out before it started"):
        output("true", seconds=-1)


def test_missing_program_is_reported() -> None:
    with (
        pytest.raises(MissingProgram, match="nosuchprogram is not installed"),
        NetnsContext(Budget(10, time.monotonic() + 30)) as inside,
    ):
        inside.run_program("nosuchprogram")


def test_unsupported_protocol_is_reported() -> None:
    with (
        NetnsContext(Budget(10, time.monotonic() + 30)) as inside,
        pytest.raises(OSError, match="rotocol not supported"),
    ):
        inside.dump("a test", 16, b"", protocol=31)
