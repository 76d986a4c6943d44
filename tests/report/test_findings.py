# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of findings: filter, search, sort, group, expand and copy, with mouse and keyboard."""

from __future__ import annotations

import datetime
from pathlib import Path

import yaml
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.engine import policy
from ansible_collections.netfleet.docker.tests.report.conftest import Reader
from playwright.sync_api import Page, expect


def counted(page: Page, text: str) -> None:
    expect(page.locator("main [role=status]")).to_have_text(text)


def titles(page: Page) -> list[str]:
    return page.locator(".tabulator-row .what b").all_inner_texts()


def test_search_includes_the_evidence(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings")
    counted(page, "35 of 37 findings")
    page.get_by_label("Search").fill("DOCKERD")
    counted(page, "2 of 37 findings")
    assert set(titles(page)) == {"Docker API listens on TCP without TLS"}
    assert page.url.endswith("#/findings?search=DOCKERD")
    page.get_by_label("Search").fill("no such thing")
    expect(page.get_by_text("No matching findings.")).to_be_visible()


def test_filters_combine(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings")
    page.get_by_role("button", name="low 3").click()
    page.get_by_role("button", name="medium 2").click()
    counted(page, "5 of 37 findings")
    page.get_by_label("Host", exact=True).fill("node-00007")
    counted(page, "2 of 37 findings")
    page.get_by_role("button", name="medium 2").click()
    counted(page, "1 of 37 findings")
    page.get_by_label("Host", exact=True).fill("")
    page.get_by_role("button", name="low 3").click()
    page.get_by_label("Rule", exact=True).select_option("mtu-on-overlay")
    counted(page, "2 of 37 findings")
    page.get_by_label("Rule", exact=True).select_option("")
    page.get_by_label("Status").select_option("waived")
    counted(page, "2 of 37 findings")
    page.get_by_label("Status").select_option("all")
    counted(page, "37 of 37 findings")


def test_selection_is_in_the_url(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?severity=medium&host=node-00002&group=host")
    counted(page, "1 of 37 findings")
    expect(page.get_by_role("button", name="medium 2")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".tabulator-group")).to_have_count(1)


def test_columns_sort(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?severity=low,medium&group=none")
    assert page.locator(".tabulator-row .badge").all_inner_texts() == ["medium"] * 2 + ["low"] * 3
    page.get_by_role("button", name="Sort by Severity").click()
    expect(page.locator(".tabulator-row .badge").first).to_have_text("low")
    page.get_by_label("Sort by", exact=True).select_option("host")
    expect(page.locator(".tabulator-row .where").first).to_have_text("node-00002")


def test_groups_expand_with_the_keyboard(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings")
    expect(page.get_by_label("Group by")).to_have_value("rule")
    group = page.get_by_role("button", name="veth pair has no container").first
    expect(group).to_contain_text("3 findings on 3 hosts")
    before = page.locator(".tabulator-row").count()
    state = group.get_attribute("aria-expanded")
    group.focus()
    page.keyboard.press("Enter")
    expect(group).to_have_attribute("aria-expanded", "false" if state == "true" else "true")
    expect(group).to_be_focused()
    assert abs(page.locator(".tabulator-row").count() - before) == 3
    page.get_by_label("Group by").select_option("host")
    expect(page.get_by_role("button", name="node-00008").first).to_contain_text("3 findings")


def test_finding_shows_title_reason_place_and_remedy(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?rule=api-without-tls")
    page.locator("[data-finding]").first.click()
    details = page.locator(".details")
    expect(details).to_contain_text("Anyone who can connect to this port has root privileges")
    expect(details.locator("dt", has_text="address")).to_be_visible()
    expect(details.locator("dd", has_text="dockerd").first).to_be_visible()
    expect(details).to_contain_text("systemctl restart docker")
    expect(details).to_contain_text("CIS Docker 2.7")
    expect(page.get_by_role("link", name="node-00001")).to_be_visible()
    reader.shot("finding")
    page.locator("[data-finding]").first.click()
    expect(details).to_have_count(0)


def test_whole_row_opens_the_finding(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?rule=api-without-tls")
    page.locator(".tabulator-row .object").first.click()
    expect(page.locator(".details")).to_have_count(1)
    # Text in the details can be selected and copied.
    page.locator(".details p").first.click()
    expect(page.locator(".details")).to_have_count(1)
    page.locator(".tabulator-row .what b").first.click()
    expect(page.locator(".details")).to_have_count(0)


def test_waiver_accepts_the_finding(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?rule=dangling-veth")
    page.locator("[data-finding]").first.click()
    page.get_by_text("Accept this finding").click()
    page.get_by_role("button", name="Copy waiver").click()
    expect(page.locator("#said")).to_have_text("Copied")
    (entry,) = yaml.safe_load(page.evaluate("navigator.clipboard.readText()"))["audit_waivers"]
    (waiver,) = policy.parse_waivers([entry], ["dangling-veth"])
    host = page.locator(".tabulator-row .where").first.inner_text()
    finding = {"rule": "dangling-veth", "host": host, "evidence": {"interface": "veth0c0ffee"}}
    assert waiver.applies_to(finding, datetime.date(2026, 3, 2))
    assert not waiver.applies_to({**finding, "host": "another"}, datetime.date(2026, 3, 2))
    assert not waiver.applies_to(finding, datetime.date(2026, 9, 1))


def test_group_names_the_only_host(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?severity=medium&host=node-00002")
    expect(page.locator(".group")).to_contain_text("1 finding on node-00002")


def test_remedy_is_copied_to_the_clipboard(reader: Reader, small: Path) -> None:
    page = reader.open(small, "findings?rule=dangling-veth")
    page.locator("[data-finding]").first.click()
    page.get_by_role("button", name="Copy remedy").click()
    expect(page.locator("#said")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "ip link delete veth0c0ffee"
    expect(page.locator(".details")).to_contain_text("audit_remediate: [dangling-veth]")


def test_page_works_with_the_keyboard_alone(reader: Reader, small: Path) -> None:
    """Go from the address bar to a copied remedy, and verify that the focus is visible at each step."""
    page = reader.open(small)

    def tab_to(selector: str) -> None:
        for _step in range(60):
            page.keyboard.press("Tab")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", page.evaluate("document.activeElement.outerHTML")
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(f"no way to {selector}")

    tab_to(".skip")
    tab_to("nav a[href='#/findings']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Findings", exact=True)).to_be_visible()
    tab_to("#search")
    page.keyboard.type("veth0c0ffee")
    counted(page, "3 of 37 findings")
    tab_to("[data-finding]")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-finding]").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".details")).to_have_count(1)
    tab_to(".copy")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Copied")


def test_evidence_of_a_large_fleet_is_in_separate_files(reader: Reader, beside: Path) -> None:
    page = reader.open(beside, "findings?severity=critical&group=none")
    counted(page, "43 of 736 findings")
    page.locator("[data-finding]").nth(2).click()
    expect(page.locator(".details")).to_contain_text("systemctl restart docker")
    assert reader.asked[-1] == (beside.parent / "hosts/16.js").as_uri()


def test_missing_evidence_file_is_reported(reader: Reader, beside: Path) -> None:
    (beside.parent / "hosts/2.js").rename(beside.parent / "hosts/gone")
    page = reader.open(beside, "host/node-00001")
    expect(page.get_by_role("alert")).to_contain_text("file hosts/2.js not found next to this page")
    (beside.parent / "hosts/gone").rename(beside.parent / "hosts/2.js")
    reader.said.clear()  # the browser also reports the file


def test_rows_outside_the_viewport_are_reached_with_the_keyboard(reader: Reader, beside: Path) -> None:
    """Only visible rows are in the page. Others are added as the focus moves."""
    page = reader.open(beside, "findings?status=all&group=none")
    assert page.locator(".tabulator-row").count() < 100
    page.locator("[data-finding]").first.focus()
    for _step in range(60):
        page.keyboard.press("ArrowDown")
    expect(page.locator("[data-finding]:focus")).to_have_count(1)
    assert page.evaluate("document.activeElement.dataset.finding") == "60"
