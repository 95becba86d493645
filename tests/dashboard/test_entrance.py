"""Set-up and login: where a caller is led, and what a refusal says."""

from __future__ import annotations

from openopen8.core.tools import Tools
from openopen8.state import tools as of_state
from openopen8.state.login import Login
from openopen8.state.me import Me
from openopen8.state.setup import Setup
from tests.dashboard.conftest import House


def led_to(tab: object) -> str:
    found = [event.payload["path"] for event in tab.events if event.name == "_redirect"]  # type: ignore[attr-defined]
    return found[-1] if found else ""


async def test_who_is_logged_in_is_led_to_the_start_page(house: House) -> None:
    tab = house.tab(house.ann)
    await tab.run(Login.load)
    assert led_to(tab) == "/"


async def test_set_up_is_closed_once_there_is_an_account(house: House) -> None:
    tab = house.tab()
    await tab.run(Setup.load)
    assert led_to(tab) == "/login"


async def test_the_first_start_leads_to_set_up(house: House, tmp_path_factory, sqlite_template) -> None:  # type: ignore[no-untyped-def]
    empty = _empty(tmp_path_factory.mktemp("first"), sqlite_template)
    of_state.use(empty)
    tab = house.tab()
    await tab.run(Login.load)
    assert led_to(tab) == "/setup"
    empty.close()


async def test_a_refusal_stands_at_its_field_and_the_button_works_again(house: House) -> None:
    tab = house.tab()
    await tab.run(Setup.begin)
    assert tab.shown(Setup, "busy") is True
    fields = {"password": "The password needs at least 8 characters."}
    await tab.run(Setup.answered, error={"code": "invalid_request", "param": "password", "fields": fields})
    assert tab.shown(Setup, "errors") == fields
    assert tab.shown(Setup, "busy") is False and tab.events[-1].payload["ref"] == "ref_password"


async def test_a_wrong_password_is_told_in_the_readers_language(house: House) -> None:
    tab = house.tab()
    await tab.run(Login.load)
    refusal = {"code": "wrong_login", "message": "The username or the password is not right."}
    await tab.run(Login.answered, error=refusal)
    assert tab.shown(Login, "failure") == refusal["message"]
    await tab.run(Me.switch_language)
    await tab.run(Login.answered, error=refusal)
    assert tab.shown(Login, "failure") == "用户名或密码不正确。"


async def test_garbage_for_an_answer_is_shown_as_text_or_ignored(house: House) -> None:
    tab = house.tab()
    await tab.run(Login.answered, error={})
    await tab.run(Login.answered, error={"fields": ["x"], "message": 7})
    assert tab.shown(Login, "failure") == "7"


def _empty(folder, template) -> Tools:  # type: ignore[no-untyped-def]
    import shutil

    from openopen8.core.tools import open_tools
    from tests.conftest import settings_for

    shutil.copy(template, folder / "openopen8.db")
    return open_tools(settings_for(folder))
