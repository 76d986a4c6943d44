# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may import whom: docs/architecture.md has the table, from top to bottom, and the code keeps to it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UTILS = ROOT / "plugins/module_utils"
PACKAGE = "ansible_collections.netfleet.docker.plugins.module_utils"
PURE = {
    *("_errors", "_text", "_values", "_model", "_kinds", "_effects", "_ops", "_plan", "_observe", "_messages"),
    *("_facts/_link_options", "_facts/_links", "_facts/_routing", "_facts/_iptables", "_facts/_nft", "_facts/_cgroup"),
    *("_facts/_said", "_facts/_docker", "_facts/_docker_engine", "_facts/_swarm", "_facts/_owners", "_facts/_compact"),
    *("_attributes", "_wire"),
    *("_probe/_arp_wire", "_probe/_certificate", "_probe/_dns_wire", "_probe/_icmp_wire"),
    *("_probe/_model", "_probe/_judge", "_probe/_wanted"),
    *("_network/_model", "_network/_ops", "_network/_compare", "_network/_plan", "_network/_said", "_network/_wanted"),
}


def rows() -> list[set[str]]:
    """Return the names in each row of the table in docs/architecture.md."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    return [
        set(re.findall(r"`(_[\w/]*\w)/?`", line.split("|")[1])) for line in text.splitlines() if line.startswith("| `_")
    ]


def imports(path: Path) -> set[str]:
    """Return what a file imports, anywhere in it: our own by their first name, others by theirs."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            folders = (PACKAGE, f"{PACKAGE}._facts", f"{PACKAGE}._network", f"{PACKAGE}._probe")
            names = (
                [f"{node.module}.{one.name}" for one in node.names] if node.module in folders else [node.module or ""]
            )
            found |= set(names)
    return {name_of(name[len(PACKAGE) + 1 :]) if name.startswith(PACKAGE) else name.split(".")[0] for name in found}


def name_of(module: str) -> str:
    """Return a module's name in the table; the planners have one together."""
    parts = module.split(".")
    return "/".join(parts[: 2 if parts[0] in ("_facts", "_network", "_probe") else 1])


def own_name(path: Path) -> str:
    """Return a file's name in the table."""
    return name_of(".".join(path.relative_to(UTILS).with_suffix("").parts))


FILES = sorted(path for path in UTILS.rglob("*.py") if path.stat().st_size)


@pytest.mark.parametrize("path", FILES, ids=own_name)
def test_a_file_imports_only_what_stands_above_it(path: Path) -> None:
    layers = rows()
    place = next(number for number, names in enumerate(layers) if own_name(path) in names)
    allowed = set().union(*layers[: place + 1])
    assert {name for name in imports(path) if name.startswith("_") and name != "__future__"} <= allowed


@pytest.mark.parametrize("path", [path for path in FILES if own_name(path) in PURE], ids=own_name)
def test_what_is_pure_does_no_io(path: Path) -> None:
    assert not imports(path) & {"os", "pathlib", "subprocess", "ansible", "pyroute2", "docker", "threading", "ctypes"}


def test_check_mode_is_tested_once() -> None:
    # On the controller the action of a snapshot has a gate of its own: it writes a file there.
    files = [path for path in (ROOT / "plugins").rglob("*.py") if path.parent.name != "action"]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    assert (
        len(re.findall(r"if (?:not )?check_mode|\.check_mode\b", code)) == 2
    )  # it is handed to the gate, and tested there
