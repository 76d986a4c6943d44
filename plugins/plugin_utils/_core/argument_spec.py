# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as they are documented → an argument specification, for actions whose modules are documentation only."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import yaml


def spec(module: ModuleType) -> dict[str, Any]:
    """Return what a module's documentation says of its options as an argument specification."""
    return _options(yaml.safe_load(module.DOCUMENTATION)["options"])


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _option(option) for name, option in options.items()}


def _option(option: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: option[name] for name in ("type", "elements", "required", "default", "choices") if name in option}
    if "suboptions" in option:
        found["options"] = _options(option["suboptions"])
        if option["type"] == "dict":
            found["apply_defaults"] = True
            found.pop("default", None)
    return found
