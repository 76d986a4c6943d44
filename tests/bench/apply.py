# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module topology as a plain process: read the parameters as JSON and print the result.

Stderr shows the milliseconds of each part: ``import``, conversion of the ``document``, ``look`` (read the current
state), ``plan``, ``apply`` and ``verify`` (read and plan again). The rest is the start of Python and the result.
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
    """Return a wrapper that adds the run time of a function to its part, except in nested parts."""

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
    """Return parameters with all defaults, as Ansible passes them to a module."""
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
    """Run the module and print its result."""
    began = time.perf_counter()
    from ansible_collections.netfleet.docker.plugins.module_utils._links import kernel, transaction
    from ansible_collections.netfleet.docker.plugins.module_utils._links.desired import topology as topology_options

    took["import"] = (time.perf_counter() - began) * 1000
    places: tuple[tuple[str, Any, str], ...] = (
        ("look", transaction, "observe_state"),
        ("plan", transaction, "plan"),
        ("apply", kernel.Kernel, "apply"),
        ("apply", kernel.Kernel, "wait_for_deletion"),
        ("verify", transaction, "verify"),
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
