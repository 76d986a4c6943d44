# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that anybody may have chosen, in text that people read and paste; and templates that take them."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_BYTE = re.compile(r"\\x([0-9a-f]{2})")


def shown(text: str) -> str:
    r"""Return text in one line that a terminal prints and does not obey: what is not printable stands as its bytes.

    Snapshots write bytes that are not UTF-8 as ``\xNN``; control characters, and those that turn the direction of
    writing, come to look alike.
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else _as_bytes(one) for one in text)


def quote(value: Any) -> str:
    r"""Return a word of a POSIX shell, of bash where it holds bytes that cannot be printed: ``$'…'`` has those back."""
    text = str(value)
    if text.isprintable() and not _BYTE.search(text):
        return shlex.quote(text)
    return "$'" + "".join(_ansi_c(part) for part in re.split(r"(\\x[0-9a-f]{2})", text)) + "'"


def _as_bytes(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


def _ansi_c(part: str) -> str:
    if _BYTE.fullmatch(part):
        return part
    return "".join(f"\\{one}" if one in "\\'" else one if one.isprintable() else _as_bytes(one) for one in part)


class BadTemplate(ValueError):
    """A template that cannot be read, or not be filled, in one line."""


@functools.cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False
    )
    environment.filters["quote"] = quote
    return environment


@functools.lru_cache(maxsize=1024)
def _template(text: str) -> Any:
    try:
        return _environment().from_string(text)
    except TemplateError as error:
        raise BadTemplate(str(error)) from None


def check(text: str) -> None:
    """Raise BadTemplate where a text is no template."""
    _template(text)


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Return a template filled with values, which are never read as templates themselves."""
    try:
        return str(_template(text).render(values))
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise BadTemplate(str(error)) from None


def fill_all(value: Any, values: Mapping[str, Any]) -> Any:
    """Return data with all texts in it filled."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {key: fill_all(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [fill_all(one, values) for one in value]
    return value
