# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Error types. The message of each names the object and reads as one line.

NetfleetError
├── BadParameter      a parameter is invalid
├── NoSuchNetns       a namespace reference does not resolve
├── PlanError         the desired state cannot be reached
├── MissingPrivilege  a privilege is missing
├── LockTimeout       another run holds the lock
├── MissingLibrary, MissingProgram
├── IncompleteDump    a table of the kernel changed while it was read
├── KernelError       the kernel refused a request
└── EngineError       Docker Engine is unreachable or its answer is invalid
    ├── EngineTimeout     in _docker/sdk.py: the deadline has passed
    └── EngineApiError    Docker Engine answered with an error message
        └── NotFound      the object does not exist in Docker Engine
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any


def describe_error(error: BaseException) -> str:
    """Return the message of an error; for one that was not expected, with its type and the place in the code."""
    if isinstance(error, NetfleetError):
        return str(error)
    place, at = "", error.__traceback__
    while at is not None:
        place, at = f" in {Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}", at.tb_next
    return f"unexpected error{place}: {type(error).__name__}: {error}"


class NetfleetError(Exception):
    """Base class: ``str(error)`` is the message for the user, ``result`` further values of the module."""

    result: Mapping[str, Any] = MappingProxyType({})


class BadParameter(NetfleetError):
    """A parameter is invalid; nothing was changed."""

    def __init__(self, parameter: str, reason: str) -> None:
        """Take the parameter as written by the user, such as ``peer.mtu``, and the reason with the expected value."""
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class NoSuchNetns(NetfleetError):
    """A namespace reference does not resolve, or the namespace must not be entered."""


class PlanError(NetfleetError):
    """The desired state cannot be reached from the observed state; nothing was changed."""


class IncompleteRollback(NetfleetError):
    """A run failed, and not all of its changes could be rolled back."""


class MissingPrivilege(NetfleetError):
    """The process lacks a privilege on this host; nothing was changed."""


class LockTimeout(NetfleetError):
    """Another run holds the lock; nothing was changed."""


class MissingLibrary(NetfleetError):
    """A Python library is not installed on the managed host."""


class MissingProgram(NetfleetError):
    """A program is not installed on the managed host."""


class IncompleteDump(NetfleetError):
    """A table of the kernel changed during every attempt to read it."""


class KernelError(NetfleetError):
    """The kernel refused a request; the message has the kernel's reason."""

    def __init__(self, what: str, code: int, reason: str) -> None:
        """Take the operation, the errno and the kernel's message."""
        super().__init__(f"{what}: {reason}")
        self.code = code
        self.reason = reason


class EngineError(NetfleetError):
    """Docker Engine is unreachable, or its answer is invalid."""

    def __init__(self, path: str, reason: str) -> None:
        """Take the path or URL of the engine and the reason."""
        super().__init__(f"the Docker Engine at {path}: {reason}")


class EngineApiError(EngineError):
    """Docker Engine answered with an error message."""


class NotFound(EngineApiError):
    """The object does not exist in Docker Engine."""
