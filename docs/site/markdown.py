# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Markdown for the documentation site: links, tables and tables of contents."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

SPDX = """<!--
SPDX-FileCopyrightText: netfleet.docker contributors
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""
_FENCE = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")


class BrokenLink(ValueError):
    """A link to a file that does not exist."""


def rewrite_links(text: str, root: Path, name: str, pages: Mapping[str, str], repository: str) -> str:
    """Return a page with relative links that are valid in the site.

    `name` is the path of the page in the repository, `pages` maps such paths to paths in the site. Links to other
    files of the repository lead to `repository`.
    """

    def rewrite(match: re.Match[str]) -> str:
        return match[1] + _target(match[2], root, name, pages, repository) + match[3]

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(rewrite, part) for part in parts)


def _target(link: str, root: Path, name: str, pages: Mapping[str, str], repository: str) -> str:
    path, _hash, anchor = link.partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return link
    target = os.path.normpath(PurePosixPath(name).parent / path)
    if not (root / target).exists():
        raise BrokenLink(f"{name}: link to {link}: no such file")
    suffix = f"#{anchor}" if anchor else ""
    if (root / target).suffix in (".png", ".svg"):
        place = PurePosixPath(target).name
    elif target in pages:
        place = pages[target]
    else:
        return f"{repository}/blob/main/{target}{suffix}"
    return os.path.relpath(place, PurePosixPath(pages[name]).parent) + suffix


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a cell without a line break."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def code(text: str, language: str) -> str:
    """Return a code block."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def toctree(pages: Iterable[str], caption: str = "") -> str:
    """Return a table of contents that adds pages to the navigation without showing them on the page."""
    options = ":hidden:\n:maxdepth: 2\n" + (f":caption: {caption}\n" if caption else "")
    return f"\n```{{toctree}}\n{options}\n" + "".join(f"{page}\n" for page in pages) + "```\n"
