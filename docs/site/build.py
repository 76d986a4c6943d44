# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the documentation site: guides, rules, tables, roles and plugins in one Sphinx project.

Usage: build.py DESTINATION. The site is DESTINATION/html, its sources are DESTINATION/source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ansible_collections.netfleet.docker.docs.site import reference
from ansible_collections.netfleet.docker.docs.site.markdown import SPDX, rewrite_links, toctree

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "netfleet.docker"

# Pages by section, in the order of the navigation. Pages of the reference are added to their index pages.
NAVIGATION = {
    "First steps": ["getting-started"],
    "Concepts": [
        "concepts/namespaces",
        "concepts/drivers",
        "concepts/transactions",
        "concepts/snapshots",
    ],
    "Guides": [
        "guides/provision",
        "guides/networks",
        "guides/macvlan",
        "guides/overlay",
        "guides/topology",
        "guides/audit",
        "guides/audit-report",
        "guides/write-a-rule",
        "guides/troubleshoot",
        "guides/scale",
        "guides/migrate-from-community-docker",
    ],
    "Reference": [
        "reference/index",
        "reference/plugins",
        "reference/rules",
        "reference/tables",
        "reference/report-files",
    ],
    "Troubleshooting": ["troubleshooting"],
    "Development": ["contributing", "architecture", "development", "lab", "performance", "changelog"],
}


def site_pages() -> dict[str, str]:
    """Return the Markdown files of the repository that are pages of the site, with their paths in it."""
    pages = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "docs").rglob("*.md"))}
    found = {name: name.removeprefix("docs/") for name in pages}
    for readme in sorted(ROOT.glob("roles/*/README.md")):
        found[readme.relative_to(ROOT).as_posix()] = f"reference/roles/{readme.parent.name}.md"
    return found | {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def write_sources(source: Path) -> None:
    """Write all Markdown sources of the site, with links adapted to their new places."""
    pages = site_pages()
    repository = reference.repository_url(ROOT)
    for name, place in pages.items():
        if name == "README.md":
            continue  # docs/index.md is the start page
        text = (ROOT / name).read_text(encoding="utf-8")
        target = source / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(rewrite_links(text, ROOT, name, pages, repository), encoding="utf-8")
    for picture in (ROOT / "docs").glob("*.[sp][vn]g"):
        shutil.copy2(picture, source / picture.name)
    _append(source / "index.md", *(toctree(pages, caption) for caption, pages in NAVIGATION.items()))
    roles = sorted(Path(place).stem for place in pages.values() if place.startswith("reference/roles/"))
    _append(
        source / "reference/plugins.md",
        "## Options and examples\n",
        toctree(["plugins/index"]),
        toctree([f"roles/{role}" for role in roles], "Roles"),
    )
    _append(source / "reference/rules.md", *reference.rule_index())
    _append(source / "reference/tables.md", *reference.table_index())
    for folder, written in (("rules", reference.rule_pages()), ("tables", reference.table_pages())):
        (source / "reference" / folder).mkdir()
        for name, text in written.items():
            (source / f"reference/{folder}/{name}.md").write_text(SPDX + text, encoding="utf-8")


def _append(page: Path, *parts: str) -> None:
    page.write_text("\n".join([page.read_text(encoding="utf-8"), *parts]), encoding="utf-8")


def write_plugin_pages(folder: Path) -> None:
    """Write the pages of modules, plugins and roles from their documentation."""
    folder.mkdir(mode=0o755)
    command = [
        "antsibull-docs",
        "collection",
        "--use-current",
        "--squash-hierarchy",
        "--dest-dir",
        str(folder),
        COLLECTION,
    ]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{run.stdout}{run.stderr}")


def build(destination: Path) -> Path:
    """Build the site and return its start page; exit with the messages of Sphinx if it warns."""
    shutil.rmtree(destination, ignore_errors=True)
    source = destination / "source"
    source.mkdir(parents=True)
    write_sources(source)
    write_plugin_pages(source / "reference/plugins")
    command = ["sphinx-build", "-W", "--keep-going", "--quiet", "-b", "html", "-c", str(Path(__file__).parent)]
    command += [str(source), str(destination / "html")]
    if subprocess.run(command, check=False).returncode:
        sys.exit("sphinx-build: the site has warnings")
    return destination / "html/index.html"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    sys.stdout.write(f"{build(Path(sys.argv[1]).resolve())}\n")
