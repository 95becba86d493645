"""Finds the browser and opens pages as a reader would."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
EXPECTED = re.compile(r"status of (400|401|403|404|429)")
"""The browser's own words about refusals that a test provokes."""


def launch(playwright: Playwright) -> Browser:
    """An installed Chrome or Chromium (as .ci/browser looks for it), else Playwright's own."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and sys.platform == "darwin" and MAC.exists():
        found = str(MAC)
    return playwright.chromium.launch(executable_path=found, args=ARGUMENTS)


class Reader:
    """A browser context on one gateway; what went wrong in its pages is in ``complaints``."""

    def __init__(self, browser: Browser, base: str, **options: Any) -> None:
        self.base = base
        options = {"viewport": DESKTOP, "base_url": base, "locale": "en-GB", "timezone_id": "Asia/Shanghai"} | options
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.page = self.new_page()

    def new_page(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        return page

    def log_in(self, username: str, password: str) -> None:
        """By the API, as a page would: the cookie goes into the context."""
        answer = self.context.request.post(
            "/api/session", data={"username": username, "password": password}, headers={"origin": self.base}
        )
        assert answer.ok, answer.text()

    def open(self, path: str, page: Page | None = None) -> Page:
        """Go to ``path`` and wait until clicks count."""
        page = page or self.page
        page.goto(path)
        return ready(page)

    def call(self, method: str, path: str, **data: Any) -> Any:
        """The management API with the context's cookie."""
        answer = self.context.request.fetch(path, method=method, data=data, headers={"origin": self.base})
        assert answer.ok, answer.text()
        return answer.json()

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not EXPECTED.search(message.text):
            self.complaints.append(message.text)


def ready(page: Page) -> Page:
    """Wait until the page is alive and its load has ended."""
    page.locator('[data-ready="true"]').wait_for()
    return page
