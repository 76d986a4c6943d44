# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagrams of hosts and the fleet map in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.netfleet.docker.tests.report.conftest import Reader
from playwright.sync_api import expect


@pytest.mark.parametrize(("size", "boxes"), [(5, 17), (200, 17)])
def test_diagram_of_a_host_is_readable_at_any_size(
    reader: Reader, sizes: dict[int, Path], size: int, boxes: int
) -> None:
    page = reader.open(sizes[size], "host/node-00000")
    expect(page.locator(".frame svg")).to_be_visible()
    assert 8 <= page.locator("[data-box]").count() <= boxes
    reader.shot(f"host-{size}")


def test_group_expands_with_mouse_and_keyboard(reader: Reader, sizes: dict[int, Path]) -> None:
    page = reader.open(sizes[200], "host/node-00001")
    before = page.locator("[data-box]").count()
    page.get_by_role("button", name="100 containers, collapsed").click()
    expect(page.locator("[data-box]")).to_have_count(before + 99)
    # After expanding, the focus is on the first element of the group.
    expect(page.locator("[data-box]:focus")).to_contain_text("eth0")
    page.get_by_role("button", name="Collapse all", exact=True).click()
    expect(page.locator("[data-box]")).to_have_count(before)
    page.locator("[data-box]").first.focus()
    page.keyboard.press("End")
    for _step in range(before):
        if "collapsed" in (page.evaluate("document.activeElement.getAttribute('aria-label')") or ""):
            break
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("[data-box]")).not_to_have_count(before)
    page.get_by_role("button", name="Expand all").click()
    expect(page.locator(".frame svg text", has_text="web-40")).to_have_count(1)
    reader.shot("host-200-unfolded", whole=True)


def test_diagram_marks_faults_and_links_to_the_finding(reader: Reader, small: Path) -> None:
    page = reader.open(small, "host/node-00002")
    expect(page.locator(".frame .high")).to_have_count(1)
    page.locator(".frame .high").click()
    panel = page.locator(".panel")
    for text in ("web-1", "172.17.0.2/16", "1500", "Port is published on all addresses"):
        expect(panel).to_contain_text(text)
    reader.shot("host-chosen")
    panel.get_by_role("link", name="Port is published").click()
    expect(page.locator("details.finding[open]")).to_contain_text("docker rm --force web-1")
    expect(page.locator("details.finding[open] > summary")).to_be_focused()


def test_finding_links_to_the_diagram(reader: Reader, small: Path) -> None:
    page = reader.open(small, "host/node-00002")
    page.locator("details.finding", has_text="Container uses the default bridge network").locator("summary").click()
    page.get_by_role("button", name="Show in diagram").click()
    expect(page.locator(".frame .chosen")).to_contain_text("api-1")
    expect(page.locator(".panel")).to_contain_text("Container uses the default bridge network")
    expect(page.locator(".frame .chosen")).to_be_focused()


def test_tunnel_links_to_the_other_host(reader: Reader, small: Path) -> None:
    page = reader.open(small, "host/node-00002")
    page.get_by_role("button", name="other host node-00001").click()
    page.locator(".panel").get_by_role("link", name="Open host page").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("node-00001")


def test_diagram_is_available_as_a_table(reader: Reader, small: Path) -> None:
    page = reader.open(small, "host/node-00003")
    page.get_by_text("Table view").click()
    row = page.locator("tr", has_text="veth0c0ffee")
    expect(row).to_contain_text("no carrier")


def test_diagram_can_be_saved(reader: Reader, small: Path, tmp_path: Path) -> None:
    page = reader.open(small, "host/node-00002")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as SVG").click()
    download.value.save_as(tmp_path / "picture.svg")
    text = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg") and "172.17.0.2/16" in text and "rgb(" in text


def test_fleet_map_groups_and_searches_hosts(reader: Reader, beside: Path) -> None:
    page = reader.open(beside, "fleet")
    said = page.locator("main [role=status]")
    expect(said).to_contain_text("301 hosts, 40 networks; 41 more networks hidden")
    assert page.locator("[data-box]").count() < 200
    page.get_by_label("Show matching items").fill("mesh7")
    expect(said).to_contain_text("network")
    expect(page.locator("[data-box]", has_text="mesh7").first).to_be_visible()
    page.get_by_label("Show matching items").fill("node-00024")
    expect(said).to_have_text("1 host, 2 networks")
    page.locator("[data-box]", has_text="node-00024").click()
    page.locator(".panel").get_by_role("link", name="Open host page").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("node-00024")
