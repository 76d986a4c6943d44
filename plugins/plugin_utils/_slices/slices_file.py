# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file on the control node with the slices of shared subnets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, NetfleetError

_HEAD = """---
# The slice of each host in each subnet that hosts share. Keep this file with the inventory, under version control.
# To release slices, delete the hosts that no longer exist and the subnets that no host uses.
"""


def resolve_path(loader: Any, name: str) -> Path:
    """Return the path of the file; relative paths are relative to the playbook."""
    return Path(loader.path_dwim(name))


def read_slices(path: Path) -> dict[str, Any]:
    """Return the slices in the file, or none if it does not exist; raise NetfleetError if it cannot be read."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise NetfleetError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    slices = (found or {}).get("slices") if isinstance(found, dict) or not found else None
    if found and not isinstance(slices, dict):
        raise BadParameter(str(path), "does not contain the dictionary slices; restore it from version control")
    return slices or {}


def render_slices(slices: dict[str, Any]) -> str:
    """Return the text of the file."""
    # Ansible's string classes are unknown to the dumper.
    plain = json.loads(json.dumps(slices))
    return _HEAD + yaml.safe_dump({"slices": plain}, default_flow_style=False, indent=2)
