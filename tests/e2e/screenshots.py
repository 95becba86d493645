"""``python -m tests.e2e.screenshots [FOLDER]``: every page, desktop and phone, light and dark, full and empty.

Two gateways are started, one in use and one new; the pictures go into ``screenshots/``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from openopen8.core.config import Settings
from openopen8.core.migrate import migrate
from openopen8.core.tools import Tools, open_tools
from openopen8.pages import PAGES
from openopen8.server.compiler import compile_dashboard
from tests.e2e import scenery
from tests.e2e.browser import PHONE, Reader, launch
from tests.server.processes import serving
from tests.world import World

SECRET = "a secret key of the pictures, long enough"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": PHONE}
THEMES = ("light", "dark")
SETTLE_MS = 700


def main(folder: Path) -> None:
    """Take all pictures into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    states: tuple[tuple[str, Callable[[Tools], object]], ...] = (
        ("full", scenery.furnish),
        ("empty", lambda tools: scenery.owner(World(tools))),
        ("first", lambda tools: None),
    )
    compile_dashboard(print)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for state, furnish in states:
            with tempfile.TemporaryDirectory() as place:
                _furnish(Path(place), furnish)
                with serving(Path(place), SECRET_KEY=SECRET) as server:
                    count = _photograph(browser, server.address, state, folder)
            print(f"{state}: {count} pictures")
        browser.close()
    print(f"They are in {folder}/")


def _furnish(place: Path, furnish: Callable[[Tools], object]) -> None:
    settings = Settings(_env_file=None, data_dir=place / "data", secret_key=SECRET)  # type: ignore[call-arg,arg-type]
    tools = open_tools(settings)
    migrate(tools)
    furnish(tools)
    tools.close()


def _photograph(browser: Browser, base: str, state: str, folder: Path) -> int:
    count = 0
    for size in SIZES:
        for theme in THEMES:
            reader = Reader(browser, base, viewport=SIZES[size], color_scheme=theme, reduced_motion="reduce")
            reader.context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
            if state != "first":
                reader.log_in(scenery.OWNER, scenery.PASSWORD)
            for name, address, then in _views(state):
                page = reader.open(address)
                if then:
                    then(page)
                _shoot(page, folder / f"{name}-{state}-{size}-{theme}.png")
                count += 1
            reader.context.close()
    return count


def _views(state: str) -> list[tuple[str, str, Callable[[Page], None] | None]]:
    """Name, address, and what to do there before the picture."""
    if state == "first":
        return [("setup", "/setup", None), ("login", "/login", None)]
    plain = [(page.route.strip("/") or "home", page.route) for page in PAGES if page.role != "public"]
    views: list[tuple[str, str, Callable[[Page], None] | None]] = [
        (name, route, None) for name, route in plain if "[" not in route
    ]
    forms = [("token-form", "/tokens?new=1"), ("channel-form", "/channels?new=1"), ("price-form", "/prices?new=1")]
    views += [(name, route, None) for name, route in forms]
    if state == "full":
        views += [("token", "/tokens/1", None), ("log-entry", "/logs?status=ok", _open_entry)]
        views += [("channel-form-cloud", "/channels?new=1", _choose_cloud)]
        views += [("price-import", "/prices", _open_import), ("price-form-unfolded", "/prices?new=1", _unfold)]
    return views


def _open_entry(page: Page) -> None:
    page.locator(".opener").first.click()
    page.get_by_role("dialog").wait_for()


def _choose_cloud(page: Page) -> None:
    page.get_by_label("Type").select_option("vertex")


def _open_import(page: Page) -> None:
    page.get_by_role("button", name="Import list prices").first.click()
    page.get_by_role("dialog").wait_for()


def _unfold(page: Page) -> None:
    page.get_by_text("Caches, media, long requests, tiers and tools").click()
    page.get_by_text("Worked example").scroll_into_view_if_needed()


def _shoot(page: Page, path: Path) -> None:
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    if page.get_by_role("dialog").count():
        page.keyboard.press("Escape")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("screenshots"))
