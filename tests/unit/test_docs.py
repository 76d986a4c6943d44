# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation: links lead to files, examples use existing options, and the generated reference is complete."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.netfleet.docker.docs.site import build, markdown, reference
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.tables import schema
from ansible_collections.netfleet.docker.tests.auditing import rules

ROOT = Path(__file__).resolve().parents[2]
PAGES = build.site_pages()
ROLES = [path.name for path in (ROOT / "roles").iterdir()]
_PLUGINS = "ansible_collections.netfleet.docker.plugins"


def read(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def examples(page: str) -> list[Any]:
    """Return the YAML examples of a page."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)
    return [document for block in blocks for document in yaml.safe_load_all(block)]


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all mappings in a value, at any depth."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(inner)


@functools.cache
def module_options(module: str) -> set[str]:
    """Return the documented options of a module, including those of its fragments."""
    documentation = yaml.safe_load(importlib.import_module(f"{_PLUGINS}.modules.{module}").DOCUMENTATION)
    found = set(documentation.get("options") or {})
    for fragment in documentation.get("extends_documentation_fragment") or ():
        collection, _dot, name = fragment.rpartition(".")
        if collection == "netfleet.docker":
            text = importlib.import_module(f"{_PLUGINS}.doc_fragments.{name}").ModuleDocFragment.DOCUMENTATION
            found |= set((yaml.safe_load(text) or {}).get("options") or {})
    return found


@functools.cache
def role_variables(role: str) -> set[str]:
    """Return the variables of a role, as its argument specification lists them."""
    specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    return {name for entry in specs["argument_specs"].values() for name in entry.get("options") or {}}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    markdown.rewrite_links(read(page), ROOT, page, PAGES, "https://example.com")


def test_link_to_missing_file_is_an_error() -> None:
    with pytest.raises(markdown.BrokenLink, match="no such file"):
        markdown.rewrite_links("[a](missing.md)", ROOT, "docs/index.md", PAGES, "https://example.com")


def test_links_lead_to_the_place_in_the_site() -> None:
    text = "[a](lab.md#hosts), [b](../roles/audit/README.md), [c](../noxfile.py)"
    rewritten = markdown.rewrite_links(text, ROOT, "docs/index.md", PAGES, "https://example.com")
    assert rewritten == (
        "[a](lab.md#hosts), [b](reference/roles/audit.md), [c](https://example.com/blob/main/noxfile.py)"
    )


@pytest.mark.parametrize("page", PAGES)
def test_examples_use_existing_options_of_modules(page: str) -> None:
    for mapping in mappings(examples(page)):
        for name, arguments in mapping.items():
            module = str(name).removeprefix("netfleet.docker.")
            if module != name and isinstance(arguments, dict):
                assert set(arguments) <= module_options(module)


@pytest.mark.parametrize("page", PAGES)
def test_examples_use_existing_variables_of_roles(page: str) -> None:
    places: list[Any] = [document for document in examples(page) if isinstance(document, dict)]
    for mapping in mappings(examples(page)):
        places += [mapping.get("vars"), *(mapping.get("roles") or ())]
        places += hosts.values() if isinstance(hosts := mapping.get("hosts"), dict) else ()
    names = {str(name) for place in places if isinstance(place, dict) for name in place}
    for role in ROLES:
        assert {name for name in names if name.startswith(f"{role}_")} <= role_variables(role)


def test_error_messages_of_the_troubleshooting_page_exist() -> None:
    section = read("docs/troubleshooting.md").partition("## Messages of the collection\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^### (.+)$", section, re.MULTILINE)
    # A message can be divided over several string literals.
    join = re.compile(r'"\s+f?"')
    sources = "".join(join.sub("", path.read_text("utf-8")) for path in (ROOT / "plugins").rglob("*.py"))
    assert [heading for heading in headings if heading not in sources] == []
    assert headings


def test_every_module_and_role_is_listed() -> None:
    page = read("docs/reference/plugins.md")
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    assert {name for name in modules if f"| `netfleet.docker.{name}` | " not in page} == set()
    assert {name for name in ROLES if f"| [`{name}`]" not in page} == set()


def test_every_page_is_in_the_navigation() -> None:
    pages = {place.removesuffix(".md") for place in PAGES.values() if not place.startswith("reference/roles/")}
    assert {page for section in build.NAVIGATION.values() for page in section} == pages - {"index"}


def test_every_rule_has_a_page() -> None:
    pages = reference.rule_pages()
    index = "".join(reference.rule_index())
    for rule in rules():
        page = pages[rule.id]
        assert all(text in page for text in (rule.title, rule.severity, rule.reason, rule.remedy, rule.query))
        assert f"rules/{rule.id}.md" in index
        for source in rule.references:
            assert source.removeprefix("CIS Docker ") in page


def test_every_table_has_a_page() -> None:
    pages = reference.table_pages()
    index = "".join(reference.table_index())
    for name, table in schema.TABLES.items():
        assert table.example.strip() in pages[name] and f"tables/{name}.md" in index
        for column, about in table.columns.items():
            assert f"| `{column}` | {about.type} |" in pages[name]
