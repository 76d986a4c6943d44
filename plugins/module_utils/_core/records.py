# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain data: classes of fields that nobody changes, and copies of them in which something is different."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["field", "record", "replace_fields"]

Data = TypeVar("Data")

if TYPE_CHECKING:
    from dataclasses import field

    from typing_extensions import dataclass_transform

    @dataclass_transform(frozen_default=True, field_specifiers=(field,))
    def record(cls: type[Data]) -> type[Data]:
        """Make a frozen dataclass."""

else:
    # Of one that it knows as dataclasses', pylint thinks that it has no place in a class with another decorator.
    field = vars(dataclasses)["field"]

    def record(cls: type[Data]) -> type[Data]:
        """Make a dataclass, of which type checkers know that it is frozen.

        dataclasses compiles six methods for each frozen class, which for all of ours takes longer than to remove a
        hundred links, on every host and at every run. Here it makes the one that differs from class to class.
        """
        cls = dataclasses.dataclass(eq=False, repr=False)(cls)
        cls.__eq__, cls.__hash__, cls.__repr__ = _compare_all, _hash_all, _represent
        if not all(field.compare for field in dataclasses.fields(cls)):
            cls.__eq__, cls.__hash__ = _compare_selected, _hash_selected
        return cls


def replace_fields(part: Data, **fields: Any) -> Data:
    """Return a copy with some fields changed, as dataclasses.replace does, which takes ten times as long."""
    copy = object.__new__(type(part))
    vars(copy).update(vars(part), **fields)
    return copy


def _compare_all(one: object, other: object) -> bool:
    return vars(one) == vars(other) if type(one) is type(other) else NotImplemented


def _hash_all(one: object) -> int:
    return hash(tuple(vars(one).values()))


def _represent(one: object) -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in vars(one).items())
    return f"{type(one).__name__}({fields})"


def _compared_values(one: Any) -> tuple[Any, ...]:
    return tuple(getattr(one, field.name) for field in dataclasses.fields(one) if field.compare)


def _compare_selected(one: object, other: object) -> bool:
    return _compared_values(one) == _compared_values(other) if type(one) is type(other) else NotImplemented


def _hash_selected(one: object) -> int:
    return hash(_compared_values(one))
