# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates of rules, rendered in a sandbox with untrusted values."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ansible_collections.netfleet.docker.plugins.plugin_utils._core.text import quote
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment


class BadTemplate(ValueError):
    """A template that cannot be parsed or rendered."""


@functools.cache
def _build_environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False
    )
    environment.filters["quote"] = quote
    return environment


@functools.lru_cache(maxsize=1024)
def _compile_template(text: str) -> Any:
    try:
        return _build_environment().from_string(text)
    except TemplateError as error:
        raise BadTemplate(str(error)) from None


def check_template(text: str) -> None:
    """Raise BadTemplate if a text is not a valid template."""
    _compile_template(text)


def render_template(text: str, values: Mapping[str, Any]) -> str:
    """Return a rendered template. Values are never rendered as templates."""
    try:
        return str(_compile_template(text).render(values))
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise BadTemplate(str(error)) from None


def render_all(value: Any, values: Mapping[str, Any]) -> Any:
    """Return data with all strings rendered as templates."""
    if isinstance(value, str):
        return render_template(value, values)
    if isinstance(value, Mapping):
        return {key: render_all(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [render_all(one, values) for one in value]
    return value
