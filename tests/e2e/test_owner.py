"""A new owner in a real browser: from the checklist over channel, price and first call to the figures, live."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.conftest import EVERYTHING
from tests.e2e.browser import PHONE, Reader, ready
from tests.e2e.conftest import PASSWORD, USERNAME, Gateway
from tests.fakes.upstream import as_asked


@pytest.fixture(scope="module")
def house(fresh_gateway: Gateway, browser: Browser) -> Gateway:
    """A gateway with its root account and nothing else; the provider has two models."""
    fresh_gateway.upstream.models = ("alpha", "beta")
    fresh_gateway.upstream.script(as_asked("Good day."))
    reader = Reader(browser, fresh_gateway.base)
    reader.call("POST", "/api/setup", username=USERNAME, password=PASSWORD)
    reader.context.close()
    return fresh_gateway


@pytest.fixture
def owner(house: Gateway, browser: Browser) -> Iterator[Reader]:
    """The owner, logged in; at the end nothing in the pages has failed."""
    reader = Reader(browser, house.base)
    reader.log_in(USERNAME, PASSWORD)
    yield reader
    reader.context.close()
    assert not reader.complaints


def test_the_checklist_leads_to_a_live_charged_request(owner: Reader, house: Gateway) -> None:
    page = owner.open("/")
    expect(page.get_by_text("0 of 4 done").first).to_be_visible()

    page.get_by_role("link", name="Add channel").click()
    sheet = page.get_by_role("dialog", name="Add channel")
    expect(sheet.get_by_label("Name", exact=True)).to_be_focused()
    sheet.get_by_label("Name", exact=True).fill("Local")
    sheet.get_by_label("Base URL").fill(house.upstream.url)
    sheet.get_by_label("Provider keys").fill("sk-planted-provider-key-0001")
    sheet.get_by_role("button", name="Fetch from provider").click()
    sheet.get_by_role("button", name="Add all").click()
    expect(sheet.get_by_label("Models", exact=True)).to_have_value("alpha\nbeta")
    sheet.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="Local")
    expect(row).to_contain_text("Enabled")

    row.get_by_role("button", name="Actions for Local").click()
    page.get_by_role("menuitem", name="Test").click()
    dialog = page.get_by_role("dialog", name="Test Local")
    expect(dialog).to_contain_text("Good day.")
    expect(dialog).to_contain_text("First token")
    dialog.get_by_role("button", name="Close").click()
    expect(row).to_contain_text("Passed")

    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_text("1 of 4 done").first).to_be_visible()
    page.get_by_role("link", name="Set price").click()
    sheet = page.get_by_role("dialog", name="Set price")
    expect(sheet.get_by_label("Model")).to_have_value("alpha")
    sheet.get_by_label("Input", exact=True).fill("10")
    sheet.get_by_label("Output", exact=True).fill("30")
    expect(sheet).to_contain_text("12,500 credits")
    sheet.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="alpha")).to_contain_text("$10.00 / $30.00")

    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_text("2 of 4 done").first).to_be_visible()
    made = owner.call("POST", "/api/tokens", name="first-app")
    expect(page.get_by_text("3 of 4 done").first).to_be_visible()
    expect(page.get_by_text(made["hint"])).to_be_visible()

    log = owner.open("/logs", owner.new_page())
    expect(log.get_by_text("No requests yet")).to_be_visible()
    answer = _call(house, made["value"])
    assert answer.status_code == 200, answer.text
    entry = log.get_by_role("row").filter(has_text="first-app")
    expect(entry).to_contain_text("200")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()

    entry.get_by_role("button").click()
    opened = log.get_by_role("dialog", name="Log entry")
    expect(opened.get_by_role("table", name="Receipt")).to_contain_text("Charged")
    expect(opened).to_contain_text(answer.headers["x-request-id"])
    expect(opened).to_contain_text("Local")
    log.keyboard.press("Escape")


def test_the_token_filter_is_in_the_address_and_in_the_csv(owner: Reader, house: Gateway) -> None:
    made = owner.call("POST", "/api/tokens", name="other-app")
    page = owner.open("/logs")
    page.get_by_label("Token", exact=True).select_option(label="other-app")
    expect(page).to_have_url(re.compile(rf"token={made['id']}$"))
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    _call(house, made["value"], model="no-such-model")
    row = page.get_by_role("row").filter(has_text="other-app")
    expect(row).to_contain_text("No channel serves this model")
    csv = owner.context.request.get(str(page.get_by_role("link", name="Download CSV").get_attribute("href")))
    assert csv.ok and csv.text().count("other-app") == 1
    page.reload()
    ready(page)
    expect(page.get_by_label("Token", exact=True)).to_have_value(str(made["id"]))
    expect(row).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page).to_have_url(f"{house.base}/logs")


def test_priority_is_changed_in_the_list_with_the_keyboard(owner: Reader, house: Gateway) -> None:
    second = {"name": "Second", "type": "openai-compatible", "base_url": house.upstream.url, "models": ["alpha"]}
    owner.call("POST", "/api/channels", **second)
    page = owner.open("/channels")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search channels")).to_be_focused()
    field = page.get_by_label("Priority of Second")
    field.fill("12")
    field.press("Enter")
    expect(page.get_by_text("Channel saved")).to_be_visible()
    expect(page.get_by_role("row").nth(1)).to_contain_text("Second")
    page.keyboard.press("Escape")
    page.locator("body").click(position={"x": 700, "y": 700})
    page.keyboard.press("n")
    expect(page.get_by_role("dialog", name="Add channel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_access_token_is_shown_once_and_speaks_for_its_user(owner: Reader, house: Gateway) -> None:
    page = owner.open("/profile")
    page.get_by_role("button", name="中文", exact=True).last.click()
    page.get_by_label("名称").fill("deploy")
    page.get_by_role("button", name="创建访问令牌").click()
    dialog = page.get_by_role("dialog")
    value = dialog.get_by_label("访问令牌", exact=True).inner_text()
    answer = httpx.get(f"{house.base}/api/me", headers={"authorization": f"Bearer {value}"})
    assert answer.status_code == 200, answer.text
    dialog.get_by_role("button", name="我已保存").click()
    expect(page.get_by_role("listitem").filter(has_text="deploy")).to_be_visible()
    expect(page.get_by_text(value)).to_have_count(0)
    page.get_by_role("button", name="English").first.click()
    expect(page.get_by_role("heading", name="Personal access tokens")).to_be_visible()


PLACES = (
    "/",
    "/logs",
    "/logs entry",
    "/channels",
    "/channels?new=1",
    "/channels test",
    "/prices",
    "/prices?new=1",
    "/profile",
)
OTHERS = [("light", "zh"), ("dark", "en")] if EVERYTHING else []
"""Themes and languages meet each other in ``make test-all``."""


@pytest.mark.parametrize(("theme", "lang"), [("light", "en"), ("dark", "zh"), *OTHERS])
def test_axe_finds_nothing_serious_on_any_page(house: Gateway, browser: Browser, theme: str, lang: str) -> None:
    reader = Reader(browser, house.base, color_scheme=theme, bypass_csp=True, reduced_motion="reduce")
    reader.context.add_init_script(
        f"localStorage.setItem('oo8_lang', '{lang}'); localStorage.setItem('theme', '{theme}')"
    )
    reader.log_in(USERNAME, PASSWORD)
    name = f"axe-{theme}-{lang}"
    spoken = {"type": "openai-compatible", "base_url": house.upstream.url, "models": ["alpha"], "priority": 99}
    reader.call("POST", "/api/channels", name=name, **spoken)
    made = reader.call("POST", "/api/tokens", name=name)
    _call(house, made["value"])
    _call(house, made["value"], model="no-such-model")
    for place in PLACES:
        address, _, deed = place.partition(" ")
        page = reader.open(address, reader.new_page())
        _do(page, deed)
        page.wait_for_timeout(300)
        found = Axe().run(page)
        worst = [x for x in found.response["violations"] if x["impact"] in ("serious", "critical")]
        assert not worst, (place, [(x["id"], [node["html"] for node in x["nodes"]][:3]) for x in worst])
        page.close()
    reader.context.close()


def test_on_a_phone_rows_are_cards_and_nothing_is_cut_off(house: Gateway, browser: Browser) -> None:
    reader = Reader(browser, house.base, viewport=PHONE)
    reader.log_in(USERNAME, PASSWORD)
    for address in ("/", "/logs", "/channels", "/prices", "/profile"):
        page = reader.open(address)
        expect(page.get_by_role("main")).to_be_visible()
        width = page.locator("html").evaluate("e => e.scrollWidth")
        assert width <= PHONE["width"], address
    reader.context.close()
    assert not reader.complaints


def _do(page: Page, deed: str) -> None:
    if deed == "entry":
        page.locator(".opener").first.click()
        page.get_by_role("dialog").wait_for()
    if deed == "test":
        page.locator(".cell-menu button").first.click()
        page.get_by_role("menuitem").first.click()
        page.get_by_role("dialog").get_by_text("Good day.").wait_for()


def _call(house: Gateway, value: str, model: str = "alpha") -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    return httpx.post(
        f"{house.base}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {value}"}, timeout=30
    )
