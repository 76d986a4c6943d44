# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Composition of option documentation: options of several fragments as the suboptions of another option.

An option is a dictionary as in DOCUMENTATION. References such as ``O(mtu)`` are rewritten to where the option is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

Options = dict[str, Any]


def read_options(fragment: type, *omit: str) -> Options:
    """Return the options of a documentation fragment, except the given names."""
    options = yaml.safe_load(fragment.DOCUMENTATION)["options"]  # type: ignore[attr-defined]
    return {name: option for name, option in options.items() if name not in omit}


def write_options(options: Mapping[str, Any]) -> str:
    """Return options as the DOCUMENTATION of a fragment."""
    return str(yaml.safe_dump({"options": dict(options)}, sort_keys=False, width=4096, allow_unicode=True))


def nest_options(options: Mapping[str, Any], path: str) -> Options:
    """Return options with their references rewritten for a prefix such as ``links[]``."""

    def rewrite(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\bO\((\w+)", lambda found: _rewrite_reference(found, options, path), value)
        if isinstance(value, list):
            return [rewrite(item) for item in value]
        return {key: rewrite(item) for key, item in value.items()} if isinstance(value, dict) else value

    return {name: rewrite(option) for name, option in options.items()}


def _rewrite_reference(found: re.Match[str], options: Mapping[str, Any], path: str) -> str:
    return f"O({path}.{found[1]}" if found[1] in options else found[0]


def merge_kinds(kinds: Sequence[tuple[str, Mapping[str, Any]]]) -> Options:
    """Return the merged options of several link kinds; each description lists its kinds.

    Kinds that share an option may differ in its choices, so these are left out; ``kinds`` names each set of kinds.
    """
    merged: Options = {}
    for name in dict.fromkeys(name for _kinds, options in kinds for name in options):
        documented = [(kind, options[name]) for kind, options in kinds if name in options]
        first = documented[0][1]
        merged[name] = {
            "description": [line for kind, option in documented for line in _describe(kind, option)],
            **{key: first[key] for key in ("type", "elements", "default") if key in first},
        }
    return merged


def _describe(kind: str, option: Mapping[str, Any]) -> list[str]:
    description = option["description"]
    first, *others = [description] if isinstance(description, str) else description
    if first[1:2].islower():
        first = first[0].lower() + first[1:]
    choices = f" One of {', '.join(f'V({choice})' for choice in option['choices'])}." if "choices" in option else ""
    return [f"For {kind}: {first}{choices}", *others]
