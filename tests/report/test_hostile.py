# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names with markup, templates, commands or invisible characters are harmless and readable."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.tests import sample
from ansible_collections.netfleet.docker.tests.report.conftest import Reader
from ansible_collections.netfleet.docker.tests.report.test_overview import SCREENS
from playwright.sync_api import Page, expect

# Elements that the names would create.
MADE = "#page img, #page script, #page u, #page s, #page a[href^='javascript'], i:not([class]):not(.tabulator i)"
SEEN = ("<b>x", "{{7*7}}", "$(id)", "\\x1b[31mred", "bad\\xff\\xfe", "\\u202egnp.exe", "'\";-rf", '=cmd()&"')
HANDLERS = "[...document.querySelectorAll('*')].filter(e => e.getAttributeNames().some(a => a.startsWith('on'))).length"
HIDDEN = "\u202e\u2028\x1b\x07\u0001"


def harmless(page: Page) -> None:
    assert page.locator(MADE).count() == 0
    text = page.locator("body").text_content() or ""
    assert not set(text) & set(HIDDEN)
    assert not set(page.title()) & set(HIDDEN)
    assert page.evaluate(HANDLERS) == 0


@pytest.mark.parametrize("screen", SCREENS)
def test_hostile_names_run_no_script_on_any_screen(reader: Reader, small: Path, screen: str) -> None:
    harmless(reader.open(small, SCREENS[screen]))


def test_findings_show_hostile_names_verbatim(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?host=%3Ci%3E")
    expect(page.locator("main [role=status]")).to_have_text("8 of 37 findings")
    for opener in page.locator("[data-finding]").all():
        opener.click()
    expect(page.locator(".details")).to_have_count(len(sample.HOSTILE))
    shown = page.locator(".grid").inner_text()
    assert all(name in shown for name in SEEN)
    assert "<img src=x onerror=alert(1)></script><script>alert(2)</script>\\u2028{{ 7*7 }}\\x1b]0;x\\x07" in shown
    harmless(page)
    reader.shot("hostile-findings", whole=True)


def test_copied_text_equals_the_shown_text(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?host=%3Ci%3E&search=gnp")
    page.locator("[data-finding]").first.click()
    page.get_by_role("button", name="Copy remedy").click()
    expect(page.locator("#said")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("ip link delete '\\u202egnp.exe'") and not set(copied) & set(HIDDEN)


def test_diagram_and_its_table_show_hostile_names(reader: Reader, small: Path) -> None:
    page = reader.open(small, SCREENS["hostile"])
    drawn = "\n".join(page.locator(".frame svg text").all_text_contents())
    assert all(name in drawn for name in SEEN)
    page.locator("[data-box]", has_text="<b>x").click()
    expect(page.locator(".panel")).to_contain_text("<img src=x onerror=alert(1)>")
    page.get_by_text("Table view").click()
    table = page.locator(".plain table").inner_text()
    assert all(name in table for name in SEEN)
    harmless(page)


def test_file_contains_no_unescaped_name(small: Path, beside: Path) -> None:
    for path in (small, *beside.parent.glob("hosts/*.js")):
        text = path.read_text(encoding="utf-8")
        assert "onerror" not in text.partition("<script type")[0] and "\u2028" not in text and "alert(" not in text
    assert all(path.read_bytes().isascii() for path in beside.parent.glob("hosts/*.js"))


def test_content_security_policy_blocks_injected_content(reader: Reader, small: Path) -> None:
    """Injected markup neither runs nor loads anything, even if escaping fails."""
    page = reader.open(small)
    page.evaluate(
        """() => {
          const place = document.createElement("div");
          place.innerHTML = "<img src='https://example.invalid/x.png' onerror='document.title=1'><iframe src='https://example.invalid'></iframe>";
          const script = document.createElement("script");
          script.textContent = "document.title = 'run'";
          document.body.append(place, script);
        }"""
    )
    page.wait_for_timeout(200)
    assert page.title() == "Overview - Docker network audit"
    assert reader.said and all("Content Security Policy" in one for one in reader.said)
    reader.said.clear()
    reader.asked = [url for url in reader.asked if "example.invalid" not in url]
