# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing in docs/architecture.md contains every import between packages, and no import goes upwards."""

from __future__ import annotations

import ast
import graphlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
COLLECTION = "ansible_collections.netfleet.docker.plugins"
# Folders, and file names in any package, that contain pure functions and data.
PURE_FOLDERS = ("_links/plan", "_probe/codecs")
PURE_FILES = ("api_mapping", "diff", "evaluation", "model", "operations", "planner", "side_effects")
IMPURE = {"ansible", "ctypes", "docker", "os", "pathlib", "pyroute2", "shutil", "subprocess", "threading"}


def python_files(folder: str) -> list[Path]:
    """Return the Python files of a folder that contain code."""
    return sorted(path for path in (PLUGINS / folder).rglob("*.py") if path.stat().st_size)


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports."""
    package = ".".join((COLLECTION, *path.relative_to(PLUGINS).parts[:-1]))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join((*above, node.module or "")).strip(".")
            # A name imported from a package can be one of its modules.
            yield from (name if is_module(name) else module for name in (f"{module}.{one.name}" for one in node.names))


def is_module(name: str) -> bool:
    """Return whether a name is one of the collection's own modules."""
    return name.startswith(f"{COLLECTION}.") and PLUGINS.joinpath(*name.split(".")[4:]).with_suffix(".py").exists()


def package_of(parts: tuple[str, ...]) -> str:
    """Return the package of a path or module below plugins, as named in the drawing."""
    if parts[0] in ("module_utils", "plugin_utils"):
        return f"{parts[0]}/{parts[1]}"
    return parts[0]


def actual_arrows() -> dict[str, set[str]]:
    """Return the packages that each package imports."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in python_files("."):
        own = package_of(path.relative_to(PLUGINS).parts)
        for module in imported_modules(path):
            if module.startswith(f"{COLLECTION}."):
                other = package_of(tuple(module.split(".")[4:]))
                found[own] |= {other} - {own}
    return {package: others for package, others in found.items() if others}


def drawn_arrows() -> dict[str, set[str]]:
    """Return the arrows of the drawing in docs/architecture.md, which names each package by its folder."""
    text = next(path for path in ROOT.glob("docs/**/architecture.md")).read_text(encoding="utf-8")
    drawing = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)[0]
    names = dict(re.findall(r"^ *(\w+)\[(?:\")?([\w/]+)(?:\")?\]", drawing, re.MULTILINE))
    found: dict[str, set[str]] = defaultdict(set)
    for line in drawing.splitlines():
        if "-->" in line:
            left, right = (part.strip().split(" & ") for part in line.split("-->"))
            for one in left:
                found[names[one]] |= {names[other] for other in right}
    return dict(found)


def test_drawing_shows_the_imports() -> None:
    assert drawn_arrows() == actual_arrows()


def test_packages_import_each_other_in_one_direction() -> None:
    graphlib.TopologicalSorter(drawn_arrows()).prepare()


def test_files_import_each_other_in_one_direction() -> None:
    graph = {
        f"{COLLECTION}.{'.'.join(path.relative_to(PLUGINS).with_suffix('').parts)}": set(imported_modules(path))
        for path in python_files(".")
    }
    graphlib.TopologicalSorter(graph).prepare()


def test_module_utils_hold_packages_only() -> None:
    assert not [path.name for path in (PLUGINS / "module_utils").iterdir() if not path.is_dir() or path.name[0] != "_"]
    inside = [path for path in (PLUGINS / "module_utils").rglob("*.py") if path.name != "__init__.py"]
    assert not [path.name for path in inside if path.name.startswith("_")]


def is_pure(path: Path) -> bool:
    """Return whether a file must not do input or output."""
    relative = path.relative_to(PLUGINS / "module_utils").as_posix()
    return relative.startswith(PURE_FOLDERS) or path.stem in PURE_FILES


@pytest.mark.parametrize(
    "path",
    [path for path in python_files("module_utils") if is_pure(path)],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_pure_files_do_no_input_or_output(path: Path) -> None:
    assert not {module.split(".")[0] for module in imported_modules(path)} & IMPURE


@pytest.mark.parametrize(("library", "user"), [("pyroute2", "pyroute2_encoder"), ("docker", "sdk")])
def test_one_file_imports_a_library(library: str, user: str) -> None:
    users = {
        path.stem
        for path in python_files(".")
        if library in {module.split(".")[0] for module in imported_modules(path)}
    }
    assert users == {user}


MODULE_IMPORTS = {"ansible", "ansible_collections", "collections", "typing", "__future__", "functools"}


@pytest.mark.parametrize("path", python_files("modules"), ids=lambda path: path.stem)
def test_module_converts_parameters_only(path: Path) -> None:
    """A module imports neither netlink nor sockets, and does not read check mode."""
    assert {module.split(".")[0] for module in imported_modules(path)} <= MODULE_IMPORTS
    assert not reads_check_mode(path)


def reads_check_mode(path: Path) -> bool:
    """Return whether a file reads AnsibleModule.check_mode."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.Attribute) and node.attr == "check_mode" for node in ast.walk(tree))


def test_one_file_reads_check_mode_of_a_module() -> None:
    assert {path.stem for path in python_files("module_utils") if reads_check_mode(path)} == {"module"}
