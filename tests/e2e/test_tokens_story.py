"""Tokens in a real browser: from the form to the charge that moves in the open list."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import PHONE, Reader, ready
from tests.e2e.conftest import PASSWORD, USERNAME, Gateway

VALUE = re.compile(r"sk-[A-Za-z0-9]{48}")
LIVE_MS = 5_000
"""Within a second on an idle machine; tests run on busy ones."""


def add(page: Page, name: str, **fields: str) -> str:
    """Make a token in the sheet; returns its value."""
    page.get_by_role("button", name="Add Token").click()
    page.get_by_label("Name").fill(name)
    for label, value in fields.items():
        control = page.get_by_label(label.replace("_", " "))
        control.select_option(value) if label == "Group" else control.fill(value)
    page.get_by_role("button", name="Save").click()
    return shown_value(page)


def shown_value(page: Page) -> str:
    """The value in the dialog, which is then closed."""
    dialog = page.get_by_role("dialog")
    value = dialog.locator("code").first.inner_text()
    assert VALUE.fullmatch(value)
    dialog.get_by_role("button", name="I have stored it").click()
    expect(dialog).to_have_count(0)
    assert value not in page.content()
    return value


def chat(gateway: Gateway, value: str, model: str = "m") -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    return httpx.post(f"{gateway.base}/v1/chat/completions", headers={"authorization": f"Bearer {value}"}, json=body)


def row(page: Page, name: str) -> Any:
    return page.get_by_role("row").filter(has_text=name)


def act(page: Page, name: str, deed: str) -> None:
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=deed).click()


def test_a_token_is_made_called_and_its_numbers_move_without_reload(reader: Reader, gateway: Gateway) -> None:
    page = reader.open("/tokens")
    value = add(page, "my-app", Quota="100000", Expiry_date="2090-01-31T10:00", IP_whitelist="127.0.0.0/8")
    expect(row(page, "my-app")).to_contain_text("0 / 100,000")
    balance = page.locator(".balance").inner_text()
    answer = chat(gateway, value)
    assert answer.status_code == 200
    used = answer.json()["usage"]["prompt_tokens"] * 5 + answer.json()["usage"]["completion_tokens"] * 15
    expect(row(page, "my-app")).to_contain_text(f"{used:,} / 100,000", timeout=LIVE_MS)
    expect(row(page, "my-app")).to_have_class(re.compile("glow"))
    expect(page.locator(".balance")).not_to_have_text(balance, timeout=LIVE_MS)


def test_every_action_of_the_row_menu_counts_for_the_next_request(reader: Reader, gateway: Gateway) -> None:
    page = reader.open("/tokens")
    value = add(page, "actor", Quota="1")
    assert chat(gateway, value).status_code == 200
    assert chat(gateway, value).json()["error"]["code"] == "token_quota_exhausted"
    expect(row(page, "actor")).to_contain_text("Exhausted", timeout=LIVE_MS)

    act(page, "actor", "Top up")
    page.get_by_label("Amount").fill("1,000,000")
    page.get_by_role("dialog").get_by_role("button", name="Top up").click()
    expect(row(page, "actor")).to_contain_text("Enabled")
    assert chat(gateway, value).status_code == 200

    act(page, "actor", "Disable")
    expect(row(page, "actor")).to_contain_text("Disabled")
    assert chat(gateway, value).json()["error"]["code"] == "token_disabled"
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "actor")).to_contain_text("Enabled")
    assert chat(gateway, value).status_code == 200

    act(page, "actor", "Rotate")
    page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    fresh = shown_value(page)
    assert chat(gateway, value).status_code == 401 and chat(gateway, fresh).status_code == 200

    act(page, "actor", "Edit")
    page.get_by_label("Allowed models").fill("n")
    page.get_by_role("button", name="Save").click()
    expect(row(page, "actor")).to_contain_text("1 model")
    assert chat(gateway, fresh).json()["error"]["code"] == "model_not_allowed"

    act(page, "actor", "Delete")
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Delete actor?")
    expect(dialog).to_contain_text(re.compile(r"\d+ requests in the last hour"))
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_have_count(0)  # as long as it is there, nothing else has a role
    expect(row(page, "actor")).to_have_count(0)
    assert chat(gateway, fresh).json()["error"]["code"] == "invalid_api_key"


def test_the_group_that_was_chosen_counts(reader: Reader, gateway: Gateway) -> None:
    page = reader.open("/tokens")
    value = add(page, "grouped", Group="half")
    expect(row(page, "grouped")).to_contain_text("half ×0.5")
    assert chat(gateway, value).json()["error"]["code"] == "no_available_channel"


def test_errors_stand_at_the_fields_and_the_first_gets_the_focus(reader: Reader) -> None:
    page = reader.open("/tokens")
    page.keyboard.press("n")
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_label("Quota").fill("many")
    page.get_by_label("IP whitelist").fill("300.1.1.1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#quota-error")).to_contain_text("whole number")
    expect(page.locator("#ip_whitelist-error")).to_have_text("300.1.1.1 is not an address")
    expect(page.get_by_label("Quota")).to_have_value("many")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_value_asks_before_it_goes(reader: Reader) -> None:
    page = reader.open("/tokens")
    page.get_by_role("button", name="Add Token").click()
    page.get_by_label("Name").fill("careful")
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    for tab in ("curl", "Python", "JavaScript", "Claude", "Gemini"):
        dialog.get_by_role("tab", name=tab).click()
        expect(dialog.get_by_role("tabpanel")).to_contain_text(VALUE)
        expect(dialog.get_by_role("tabpanel")).to_contain_text(reader.base)
    page.keyboard.press("Escape")
    expect(dialog).to_contain_text("can't be shown again after this")
    dialog.get_by_role("button", name="Keep it open").click()
    shown_value(page)


def test_the_view_is_in_the_address_and_survives_a_reload(reader: Reader) -> None:
    page = reader.open("/tokens")
    page.keyboard.press("/")
    page.keyboard.type("care")
    page.get_by_role("button", name="Enabled").click()
    expect(page).to_have_url(re.compile(r"/tokens\?search=care&status=enabled"))
    page.reload()
    ready(page)
    expect(page.get_by_role("searchbox")).to_have_value("care")
    expect(page.get_by_role("button", name="Enabled")).to_have_attribute("aria-pressed", "true")


def test_the_page_of_a_token_shows_its_days_and_requests_live(reader: Reader, gateway: Gateway) -> None:
    page = reader.open("/tokens")
    value = add(page, "watched")
    page.get_by_role("link", name="watched").click()
    expect(page).to_have_url(re.compile(r"/tokens/\d+$"))
    ready(page)
    expect(page.get_by_text("No requests yet")).to_be_visible()
    chat(gateway, value)
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(2, timeout=LIVE_MS)
    expect(page.locator(".legend")).to_contain_text("m", timeout=LIVE_MS)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile(r"/tokens$"))


def test_language_theme_and_keys(reader: Reader) -> None:
    page = reader.open("/tokens")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Go to Logs")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("button", name="添加令牌")).to_be_visible()
    page.reload()
    expect(ready(page).get_by_role("button", name="添加令牌")).to_be_visible()
    page.get_by_role("button", name="切换浅色和深色").click()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("/logs"))


def test_a_phone_shows_cards_and_a_full_sheet(gateway: Gateway, browser: Browser) -> None:
    reader = Reader(browser, gateway.base, viewport=PHONE, has_touch=True, is_mobile=True)
    reader.log_in(USERNAME, PASSWORD)
    page = reader.open("/tokens")
    page.get_by_role("button", name="Add Token").click()
    expect(page.get_by_role("dialog")).to_have_css("width", f"{PHONE['width']}px")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("dialog").get_by_role("link", name="Logs").click()
    expect(page).to_have_url(re.compile("/logs"))
    assert not reader.complaints
    reader.context.close()


def test_a_logout_in_one_tab_ends_the_other(gateway: Gateway, browser: Browser) -> None:
    reader = Reader(browser, gateway.base)
    reader.log_in(USERNAME, PASSWORD)
    first, second = reader.open("/tokens"), reader.open("/tokens", reader.new_page())
    first.get_by_role("button", name="Account menu").click()
    first.get_by_role("button", name="Log out").click()
    expect(first).to_have_url(re.compile("/login"))
    expect(second).to_have_url(re.compile("/login"), timeout=10_000)
    ready(first).get_by_label("Username").fill(USERNAME)
    first.get_by_label("Password").fill("wrong password")
    first.get_by_role("button", name="Log in").click()
    expect(first.get_by_role("alert").first).to_contain_text("not right")
    expect(first.get_by_label("Password")).to_have_value("wrong password")
    first.get_by_label("Password").fill(PASSWORD)
    first.get_by_role("button", name="Log in").click()
    expect(first).to_have_url(f"{gateway.base}/")
    reader.context.close()


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("place", ["list", "sheet", "value", "delete", "token", "login"])
def test_axe_finds_no_serious_violation_in_either_theme(
    gateway: Gateway, browser: Browser, lang: str, place: str
) -> None:
    reader = Reader(browser, gateway.base, bypass_csp=True)
    reader.context.add_init_script(f"localStorage.oo8_lang = {lang!r}")
    path = {"login": "/login"}.get(place, "/tokens")
    if place != "login":
        reader.log_in(USERNAME, PASSWORD)
        fields = {"name": f"axe-{time.monotonic_ns()}", "quota": 10, "allowed_models": ["m", "n"]}
        made = reader.call("POST", "/api/tokens", **fields)
        path = f"/tokens/{made['id']}" if place == "token" else path
    page = reader.open(path)
    _arrive(page, place)
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.className = {theme!r}")
        page.wait_for_timeout(600)  # colours are measured when movements have ended
        found = Axe().run(page).response["violations"]
        serious = [x for x in found if x["impact"] in ("serious", "critical")]
        assert not serious, (theme, [(x["id"], [y["html"][:160] for y in x["nodes"][:3]]) for x in serious])
    reader.context.close()


def _arrive(page: Page, place: str) -> None:
    if place in ("sheet", "value"):
        page.locator('[data-keys="n"]').click()
    if place == "value":
        page.locator("#name").fill("axe")
        page.locator('.sheet button[type="submit"]').click()
        page.get_by_role("tabpanel").wait_for()
    if place == "delete":
        page.locator(".cell-menu button").first.click()
        page.locator(".menu-danger").click()
        page.get_by_role("alertdialog").wait_for()
