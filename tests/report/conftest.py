# SPDX-FileCopyrightText: netfleet.docker contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports of simulated fleets, and a browser that records requests and console errors of each page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.netfleet.docker.plugins.plugin_utils._audit.report import html
from ansible_collections.netfleet.docker.tests import fleet, sample
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

SHOTS = Path(__file__).parents[2] / ".cache/screenshots"


def written(folder: Path, hosts: int, containers: int, hostile: bool = False, inside: int = html.INSIDE) -> Path:
    """Write a report and return its page."""
    database = fleet.made(hosts, containers)
    sample.plant(database, hosts)
    findings = [*sample.findings(hosts), *(sample.hostile(database) if hostile else ())]
    return html.write_page(database, sample.report(database, findings), folder, inside=inside)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("small"), 12, 30, hostile=True)


@pytest.fixture(scope="session")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("beside"), 300, 10, hostile=True)


@pytest.fixture(scope="session")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    return {size: written(tmp_path_factory.mktemp(f"size-{size}"), 4, size) for size in (5, 200)}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=program, args=arguments)
        yield opened
        opened.close()


class Reader:
    """A page in its own browser context, with a record of all that a report must not do."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("popup", lambda page: self.said.append(f"opened {page.url}"))

    def _dialog(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, report: Path, screen: str = "") -> Page:
        """Open a view of a report and wait until it is complete."""
        self.page.goto("about:blank")
        self.page.goto(f"{report.as_uri()}#/{screen}")
        self.page.locator("body[data-ready]").wait_for()
        return self.page

    def shot(self, name: str, whole: bool = False) -> None:
        """Take a screenshot for visual inspection."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=whole)


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


@pytest.fixture
def reader(browser: Browser, settings: dict[str, Any]) -> Iterator[Reader]:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", **settings})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = Reader(context)
    yield opened
    context.close()
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith(("file://", "about:", "data:", "blob:"))] == []
