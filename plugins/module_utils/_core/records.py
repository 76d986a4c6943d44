# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Immutable records, and copies of them with other field values."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, TypeVar

__all__ = ["field", "record", "replace_fields"]

Data = TypeVar("Data")

if TYPE_CHECKING:
    from dataclasses import field

    from typing_extensions import dataclass_transform

    @dataclass_transform(frozen_default=True, field_specifiers=(field,))
    def record(cls: type[Data]) -> type[Data]:
        """Create a frozen dataclass."""

else:
    # pylint rejects dataclasses.field in a class with another decorator.
    field = vars(dataclasses)["field"]

    def record(cls: type[Data]) -> type[Data]:
        """Create a dataclass that type checkers treat as frozen.

        The standard library compiles six methods for each frozen class at every start of a module. This decorator
        compiles only the method that differs between classes.
        """
        cls = dataclasses.dataclass(eq=False, repr=False)(cls)
        cls.__eq__, cls.__hash__, cls.__repr__ = _compare_all, _hash_all, _format_record
        compared = [field.name for field in dataclasses.fields(cls) if field.compare]
        if len(compared) < len(dataclasses.fields(cls)):
            cls.__eq__, cls.__hash__ = _build_comparison(compared)
        return cls


def replace_fields(part: Data, **fields: Any) -> Data:
    """Return a copy with some fields replaced, like dataclasses.replace but faster."""
    copy = object.__new__(type(part))
    vars(copy).update(vars(part), **fields)
    return copy


def _compare_all(one: object, other: object) -> bool:
    return vars(one) == vars(other) if type(one) is type(other) else NotImplemented


def _hash_all(one: object) -> int:
    return hash(tuple(vars(one).values()))


def _format_record(one: object) -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in vars(one).items())
    return f"{type(one).__name__}({fields})"


def _build_comparison(names: Sequence[str]) -> tuple[Callable[[object, object], bool], Callable[[object], int]]:
    """Return the methods that compare and hash only the fields with these names."""
    get_values = operator.attrgetter(*names)

    def compare_selected(one: object, other: object) -> bool:
        return get_values(one) == get_values(other) if type(one) is type(other) else NotImplemented

    def hash_selected(one: object) -> int:
        return hash(get_values(one))

    return compare_selected, hash_selected
