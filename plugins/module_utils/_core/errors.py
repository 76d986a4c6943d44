# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, as types: each carries the object, and reads as one line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class NetfleetError(Exception):
    """The base: ``str(error)`` is the one line that the user reads, ``result`` what else a module returns then."""

    result: Mapping[str, Any] = MappingProxyType({})


class BadParameter(NetfleetError):
    """A value that is refused before anything is done."""

    def __init__(self, parameter: str, reason: str) -> None:
        """Name the parameter as the user wrote it, e.g. ``peer.mtu``, and say what would be right."""
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class NoSuchNetns(NetfleetError):
    """A namespace reference that leads nowhere, or to something that may not be entered."""


class PlanError(NetfleetError):
    """The desired state cannot be reached from the actual one; nothing was done."""


class NotAllowed(NetfleetError):
    """What this process may not do on this host; nothing was done."""


class Busy(NetfleetError):
    """Another run holds the lock; nothing was done."""


class MissingLibrary(NetfleetError):
    """A Python library that the managed host lacks."""


class MissingProgram(NetfleetError):
    """A program that the managed host lacks."""


class Incomplete(NetfleetError):
    """The kernel's tables kept changing while they were read."""


class KernelError(NetfleetError):
    """The kernel refused a request, in its own words."""

    def __init__(self, what: str, code: int, words: str) -> None:
        """Take what was being done, the errno, and the kernel's words."""
        super().__init__(f"{what}: {words}")
        self.code = code
        self.words = words


class NoEngine(NetfleetError):
    """The Docker Engine cannot be asked, or does not answer as one."""

    def __init__(self, path: str, reason: str) -> None:
        """Take the path of its socket, and what is wrong."""
        super().__init__(f"the Docker Engine at {path}: {reason}")


class EngineRefused(NoEngine):
    """The Docker Engine answered with an error, in its own words."""


class NotFound(EngineRefused):
    """The Docker Engine has no such object."""
