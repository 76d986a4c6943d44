# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file on the control node with the slices of shared subnets."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.netfleet.docker.plugins.module_utils._core.errors import BadParameter, NetfleetError

_HEAD = """---
# The slice of each host in each subnet that hosts share. Keep this file with the inventory, under version control.
# To release slices, delete the hosts that no longer exist and the subnets that no host uses.
"""


def find_file(loader: Any, parameter: str, name: str | None, task_vars: Mapping[str, Any]) -> Path:
    """Return the path of the file of a role; without a name, the default beside the playbook.

    Raise BadParameter if the path cannot be used.
    """
    name = name or f"{task_vars['playbook_dir']}/{parameter.replace('_file', '')}.yml"
    path = resolve_path(loader, parameter, name, task_vars.get("ansible_inventory_sources") or ())
    refuse_former_default(path, parameter, task_vars.get("inventory_dir"))
    return path


def resolve_path(loader: Any, parameter: str, name: str, inventory_sources: Iterable[str]) -> Path:
    """Return the path of the file; relative paths are relative to the playbook.

    Raise BadParameter if Ansible would read the file as an inventory, or if the path belongs to a collection, such as
    the default one of the playbook netfleet.docker.provision.
    """
    path = Path(loader.path_dwim(name)).absolute()
    for source in map(Path, inventory_sources):
        if source.is_dir() and source.resolve() in path.resolve().parents:
            reason = f"{path} is in the inventory directory {source}, where Ansible would read it as an inventory"
            raise BadParameter(parameter, f"{reason}; use a path outside")
    if "ansible_collections" in path.parts:
        reason = "required for slices with a playbook of a collection: the path of a file under version control"
        raise BadParameter(parameter, reason)
    return path


def refuse_former_default(path: Path, parameter: str, inventory_dir: str | None) -> None:
    """Raise BadParameter if the file does not exist, but the former default beside the inventory does."""
    former = Path(inventory_dir or "/", f"{parameter.replace('_file', '')}.yml")
    if inventory_dir and not path.exists() and former.exists() and former != path:
        reason = f"{path} does not exist, but {former} does, which was the default of an earlier version"
        raise BadParameter(parameter, f"{reason}; move the file, or set {parameter} to its path")


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Wait for other runs that read or write a file in the same directory."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise NetfleetError(f"{path.parent} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


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
