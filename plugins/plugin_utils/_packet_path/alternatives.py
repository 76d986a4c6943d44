# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alternatives of a path where the snapshot does not decide: each combination is followed in a run of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Alternatives:
    """The combination of alternatives of one run; ``reasons`` lists why there are alternatives."""

    def __init__(self) -> None:
        self._chosen: list[int] = []
        self._widths: list[int] = []
        self._position = 0
        self.reasons: list[str] = []

    def choose(self, options: Sequence[T], reason: str) -> T:
        """Return the option of this run."""
        if len(options) == 1:
            return options[0]
        if reason not in self.reasons:
            self.reasons.append(reason)
        if self._position == len(self._chosen):
            self._chosen.append(0)
            self._widths.append(len(options))
        self._position += 1
        return options[self._chosen[self._position - 1]]

    def advance(self) -> bool:
        """Select the next combination; return False after the last one."""
        end = self._position
        del self._chosen[end:], self._widths[end:]
        self._position = 0
        while self._chosen and self._chosen[-1] + 1 >= self._widths[-1]:
            self._chosen.pop()
            self._widths.pop()
        if not self._chosen:
            return False
        self._chosen[-1] += 1
        return True
