"""Prices in a real browser: imported from the public list, then changed in a form that shows all of them."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import PHONE, Reader
from tests.e2e.conftest import PASSWORD, USERNAME, Gateway

MODEL = "claude-sonnet-4-5"


def test_list_prices_are_seen_imported_and_changed(reader: Reader) -> None:
    page = reader.open("/prices")
    page.get_by_role("button", name="Import list prices").click()
    sheet = page.get_by_role("dialog", name="Import list prices")
    expect(sheet).to_contain_text("The list has no price for these models.")
    sheet.get_by_label("Whose prices").select_option("anthropic")
    sheet.get_by_label("Search models").fill(MODEL)
    line = sheet.get_by_role("listitem").filter(has_text=MODEL)
    expect(line).to_contain_text("$3.00 / $15.00")
    expect(line).to_contain_text("cache write 1h")
    _no_violations(page)
    sheet.get_by_role("button", name="Import 1").click()
    row = page.get_by_role("row").filter(has_text=MODEL)
    expect(row).to_contain_text("$3.00 / $15.00")

    row.get_by_role("button", name=f"Actions for {MODEL}").click()
    page.get_by_role("menuitem", name="Change price").click()
    form = page.get_by_role("dialog", name="Set price")
    expect(form.get_by_label("Long requests: more input tokens than")).to_have_value("200,000")
    expect(form.get_by_label("Tools, each call")).to_have_value("web_search=5000")
    _no_violations(page)
    form.get_by_role("button", name="USD per million tokens").click()
    expect(form.get_by_label("Cache write, 1 hour", exact=True)).to_have_value("6")
    form.get_by_label("Cache write, 1 hour", exact=True).fill("8")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    (price,) = (x for x in reader.call("GET", "/api/prices")["items"] if x["model"] == MODEL)
    assert (price["cache_write_1h"], price["long"]["output"], price["calls"]) == ("4", "11.25", {"web_search": "5000"})


def test_on_a_phone_the_import_fits(gateway: Gateway, browser: Browser) -> None:
    reader = Reader(browser, gateway.base, viewport=PHONE)
    reader.log_in(USERNAME, PASSWORD)
    page = reader.open("/prices")
    page.get_by_role("button", name="Import list prices").click()
    sheet = page.get_by_role("dialog", name="Import list prices")
    sheet.get_by_label("Whose prices").select_option("openai")
    expect(sheet.get_by_role("listitem").first).to_be_visible()
    assert sheet.evaluate("e => e.scrollWidth") <= PHONE["width"]
    expect(sheet.get_by_role("button", name="Import")).to_be_in_viewport()
    reader.context.close()
    assert not reader.complaints


def _no_violations(page: Page) -> None:
    found = Axe().run(page)
    worst = [x for x in found.response["violations"] if x["impact"] in ("serious", "critical")]
    assert not worst, [(x["id"], [node["html"] for node in x["nodes"]][:3]) for x in worst]
