# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The overview, and properties of all views."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.netfleet.docker.tests.report.conftest import Reader
from playwright.sync_api import expect

SCREENS = {
    "overview": "",
    "findings": "findings",
    "flat": "findings?group=none",
    "checks": "checks",
    "changes": "changes",
    "hosts": "hosts",
    "host": "host/node-00002",
    "hostile": "host/" + quote("<i>h</i>\u202e\x1b[1m", safe=""),
    "fleet": "fleet",
    "nowhere": "host/nobody",
}
AXE = Path(__file__).parents[2] / "report/node_modules/axe-core/axe.min.js"


def test_overview_shows_totals_and_findings(reader: Reader, small: Path) -> None:
    page = reader.open(small)
    expect(page.locator(".verdict")).to_have_text("20 findings of severity critical or high on 10 hosts")
    assert page.locator(".tiles dd").all_inner_texts() == ["13", "387", "361", "65"]
    assert [one.split() for one in page.locator(".bars a").all_inner_texts()] == [
        *(["2", "critical"], ["18", "high"], ["2", "medium"], ["3", "low"], ["10", "info"])
    ]
    expect(page.locator(".first li").first).to_contain_text("Docker API listens on TCP without TLS")
    reader.shot("overview", whole=True)


def test_summary_line_shows_changes_and_unchecked_rules(reader: Reader, small: Path) -> None:
    page = reader.open(small)
    line = page.locator(".changes")
    expect(line).to_contain_text("Since 2026-02-22 08:03 UTC: 11 new findings, 2 fixed, 1 object added, 1 removed.")
    expect(line).to_contain_text("Incomplete checks: 5 problems.")
    line.get_by_role("link", name="5 problems").click()
    expect(page.get_by_role("heading", name="Incomplete checks", exact=True)).to_be_focused()


def test_changes_are_a_page(reader: Reader, small: Path) -> None:
    page = reader.open(small)
    page.locator(".changes").get_by_role("link", name="11 new findings").click()
    expect(page.get_by_role("heading", name="Changes since the previous run")).to_be_visible()
    since = page.locator("main")
    expect(since).to_contain_text("Compared with the run at 2026-02-22 08:03 UTC.")
    expect(since).to_contain_text("new findings")
    expect(since).to_contain_text("2 fixed findings")
    expect(since).to_contain_text("container web-1")


def test_overview_shows_unchecked_rules(reader: Reader, small: Path) -> None:
    page = reader.open(small)
    blind = page.locator("section", has=page.get_by_role("heading", name="Incomplete checks", exact=True))
    for text in ("1 host without a snapshot", "1 invalid snapshot file", "1 invalid rule", "1 expired waiver"):
        expect(blind).to_contain_text(text)
    blind.get_by_text("1 cause of").click()
    expect(blind).to_contain_text("firewall: iptables-save is not there (2 rules on host")


def test_unchecked_hosts_are_not_shown_as_clean(reader: Reader, small: Path) -> None:
    page = reader.open(small)
    expect(page.locator(".gaps")).to_contain_text("1 of 14 hosts has no snapshot")
    page.goto(f"{small.as_uri()}#/hosts")
    expect(page.get_by_text("2 not checked")).to_be_visible()


def test_checks_list_rules_and_controls_by_result(reader: Reader, small: Path) -> None:
    page = reader.open(small)
    page.get_by_role("link", name="All rules and CIS controls").click()
    expect(page.locator("details.checks").first).to_contain_text("Docker API listens on TCP without TLS")
    controls = page.locator("section", has=page.get_by_role("heading", name="CIS Docker Benchmark 1.8.0"))
    assert [one.split() for one in controls.locator("tbody tr").all_inner_texts()] == [
        ["2.7", "failed", "2", "api-without-tls"],
        ["5.14", "failed", "3", "published-everywhere"],
        ["7.3", "not", "applicable", "overlay-not-encrypted"],
    ]


def test_severity_links_to_its_findings(reader: Reader, small: Path) -> None:
    page = reader.open(small)
    page.locator(".bars a.critical").click()
    expect(page.get_by_role("heading", name="Findings", exact=True)).to_be_visible()
    expect(page.locator("main [role=status]")).to_have_text("2 of 37 findings")


@pytest.mark.parametrize("screen", SCREENS)
def test_page_sends_no_request_and_logs_no_error(reader: Reader, small: Path, screen: str) -> None:
    page = reader.open(small, SCREENS[screen])
    expect(page.locator("main h2, main .verdict").first).to_be_attached()
    assert {url.partition("#")[0] for url in reader.asked} <= {"about:blank", small.as_uri()}
    reader.shot(f"wide-{screen}", whole=True)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("settings", [{"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}], ids=["360"])
def test_narrow_window_needs_no_horizontal_scrolling(reader: Reader, small: Path, screen: str) -> None:
    page = reader.open(small, SCREENS[screen])
    if "finding" in SCREENS[screen]:
        page.locator(".open, .group").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    reader.shot(f"narrow-{screen}", whole=True)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("settings", [{"color_scheme": scheme} for scheme in ("light", "dark")], ids=["light", "dark"])
def test_page_passes_accessibility_checks(reader: Reader, small: Path, screen: str) -> None:
    """Run axe-core: contrast, names, roles and order of headings."""
    page = reader.open(small, SCREENS[screen])
    for opener in page.locator("[data-finding], summary").all()[:2]:
        opener.click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    said: dict[str, Any] = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})")
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in said["violations"]] == []


@pytest.mark.parametrize("settings", [{"color_scheme": "dark"}], ids=["dark"])
def test_light_and_dark_theme(reader: Reader, small: Path) -> None:
    """The page uses the system's theme until the user selects another, and keeps the selection."""
    page = reader.open(small)
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(19, 22, 26)"
    page.get_by_label("Theme").select_option("light")
    assert page.evaluate(ground) == "rgb(246, 247, 248)"
    reader.open(small)
    assert page.evaluate(ground) == "rgb(246, 247, 248)"


@pytest.mark.parametrize("screen", ["overview", "findings", "host"])
def test_page_prints(reader: Reader, small: Path, screen: str, tmp_path: Path) -> None:
    page = reader.open(small, SCREENS[screen])
    path = tmp_path / "report.pdf"
    page.pdf(path=path, format="A4")
    assert path.read_bytes().startswith(b"%PDF-")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    if screen == "findings":
        # Findings are expanded in print, with their remedies.
        expect(page.locator("#paper .details")).to_have_count(35)
        expect(page.locator("#paper")).to_contain_text("docker network disconnect lan db-2")
    expect(page.locator("main details:not([open])")).to_have_count(0)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#paper")).to_be_empty()
