# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What topology does, as a bare process: takes its parameters as JSON and prints its result.

On stderr it tells the milliseconds of its parts: to ``import``, to make a State of the ``document``, to ``look``, to
``plan``, to ``apply`` and to ``verify``, which is to look and to plan once more. What is left is Python's own start and
the result.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.netfleet.docker.plugins.module_utils._core.text import make_printable

took: dict[str, float] = {}
running: list[str] = []


def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same, and adds to what it takes, unless it is a part of another one here."""

    def run(*arguments: Any, **options: Any) -> Any:
        if running:
            return work(*arguments, **options)
        running.append(name)
        start = time.perf_counter()
        try:
            return work(*arguments, **options)
        finally:
            took[name] = took.get(name, 0.0) + (time.perf_counter() - start) * 1000
            running.clear()

    return run


def complete(given: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with what is not given, as Ansible hands them on to a module."""
    return {key: _value(given.get(key), option) for key, option in spec.items()}


def _value(value: Any, option: Mapping[str, Any]) -> Any:
    if value is None:
        return option.get("default")
    if "options" not in option:
        return value
    if option["type"] == "dict":
        return complete(value, option["options"])
    return [complete(item, option["options"]) for item in value]


def main() -> None:
    """Do it."""
    began = time.perf_counter()
    from ansible_collections.netfleet.docker.plugins.module_utils._links import kernel, transaction
    from ansible_collections.netfleet.docker.plugins.module_utils._links.desired import topology as topology_options

    took["import"] = (time.perf_counter() - began) * 1000
    places: tuple[tuple[str, Any, str], ...] = (
        ("look", transaction, "_look"),
        ("plan", transaction, "plan"),
        ("apply", kernel.Kernel, "apply"),
        ("apply", kernel.Kernel, "wait_until_gone"),
        ("verify", transaction, "_verified"),
    )
    for name, place, function in places:
        setattr(place, function, timed(name, getattr(place, function)))
    read = timed(
        "document",
        lambda: topology_options.build_request(complete(json.load(sys.stdin), topology_options.build_argument_spec())),
    )
    result = transaction.reconcile(read(), "topology", 30.0, False)
    sys.stdout.write(json.dumps(make_printable(result)))
    print(json.dumps(took), file=sys.stderr)


if __name__ == "__main__":
    main()
