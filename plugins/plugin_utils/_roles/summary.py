# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Summary of the changes of a host in one line, from the registered results of the roles; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_EFFECTS = ("created", "changed", "recreated", "deleted", "interrupted")
# Objects of the results that have no effects, by the name of the registered result.
_OBJECTS = {"engine_applied": "Docker Engine and the kernel", "topology_applied": "namespaces and links"}


def summarize_host(host: str, results: Mapping[str, Mapping[str, Any]], steps: Iterable[str] = ()) -> str:
    """Return the networks that were created, changed, recreated and deleted, and the interrupted containers.

    ``results`` are those of the roles by the name of the variable, ``steps`` the changes of the Swarm on this host.
    """
    effects: dict[str, list[str]] = {name: [] for name in _EFFECTS}
    for result in results.values():
        for name, values in (result.get("effects") or {}).items():
            effects[name] += [value for value in values if value not in effects[name]]
    parts = [f"{name} {', '.join(values)}" for name, values in effects.items() if values]
    for name, what in _OBJECTS.items():
        count = len((results.get(name) or {}).get("operations") or ())
        parts += [f"{count} change{'' if count == 1 else 's'} of {what}"] if count else []
    parts += list(steps)
    parts += [f"{name.rpartition('_')[0]} failed" for name, result in results.items() if result.get("failed")]
    return f"{host}: {'; '.join(parts) or 'no changes'}"
