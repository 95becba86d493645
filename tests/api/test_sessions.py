"""Login, logout and the first start, as browsers do them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from starlette.testclient import TestClient

from api.conftest import PASSWORD, House
from openopen8.api.app import create_api
from openopen8.core.clock import DAY, MINUTE
from openopen8.core.models import CreditEntry, LoginSession, User
from openopen8.core.services import sessions, setup
from openopen8.core.tools import Tools
from tests.conftest import settings_for
from tests.world import World

SAME = {"sec-fetch-site": "same-origin"}


def test_login_sets_a_cookie_that_scripts_cant_read_and_only_its_hash_is_stored(sqlite_house: House) -> None:
    house = sqlite_house
    browser = house.browser()
    answer = browser.post("/api/session", json={"username": "ann", "password": PASSWORD})
    told = answer.headers["set-cookie"].lower()
    assert answer.status_code == 200 and answer.json()["name"] == "ann"
    assert "httponly" in told and "samesite=lax" in told and "path=/;" in told and "secure" not in told
    value = browser.cookies["oo8_session"]
    assert value not in answer.text
    assert [row.hash for row in house.world.all(LoginSession)] == [house.tools.keyring.hash(value)]
    assert browser.get("/api/me").json()["name"] == "ann"
    assert any(entry.error == "ann logged in." for entry in house.world.log("login"))
    origin = {"origin": "https://gate.example.com", "host": "gate.example.com"}
    secure = house.browser().post("/api/session", json={"username": "ann", "password": PASSWORD}, headers=origin)
    assert "secure" in secure.headers["set-cookie"].lower()


def test_an_email_address_logs_in_too(house: House) -> None:
    house.ann.patch("/me", email="Ann@Example.com")
    body = {"username": "ann@example.COM", "password": PASSWORD}
    assert house.browser().post("/api/session", json=body).status_code == 200


def test_a_wrong_name_and_a_wrong_password_look_the_same(house: House) -> None:
    wrong = [
        house.browser().post("/api/session", json={"username": name, "password": password})
        for name, password in (("nobody", PASSWORD), ("ann", "wrong"), ("ann", ""), ("", ""), ("a\x7fb", "x"))
    ]
    assert {answer.status_code for answer in wrong} == {401}
    assert len({answer.text for answer in wrong}) == 1 and not any(answer.cookies for answer in wrong)


def test_the_stored_hash_does_not_log_in(sqlite_house: House) -> None:
    house = sqlite_house
    hashed = house.world.one(User, house.ann.actor.user_id).password_hash
    answer = house.browser().post("/api/session", json={"username": "ann", "password": hashed})
    assert answer.status_code == 401


def test_failed_logins_are_limited_by_address_and_time(house: House) -> None:
    def tries(address: str, password: str) -> int:
        body = {"username": "ann", "password": password}
        return house.browser(address).post("/api/session", json=body).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: tries("198.51.100.7", "wrong"), range(14)))
    assert codes.count(401) == 10 and codes.count(429) == 4
    limited = house.browser("198.51.100.7").post("/api/session", json={"username": "ann", "password": PASSWORD})
    assert limited.status_code == 429 and 0 < int(limited.headers["retry-after"]) <= 900
    assert tries("198.51.100.8", PASSWORD) == 200
    assert [tries("2001:db8::1", "wrong") for _ in range(10)] == [401] * 10
    assert tries("2001:db8::ffff", "wrong") == 429 and tries("2001:db8:0:1::1", PASSWORD) == 200
    house.tools.clock.advance(16 * MINUTE)  # type: ignore[attr-defined]
    assert tries("198.51.100.7", PASSWORD) == 200
    assert [tries("203.0.113.1", PASSWORD) for _ in range(12)] == [200] * 12


def test_a_cookie_changes_things_only_from_the_own_site(sqlite_house: House) -> None:
    house = sqlite_house
    browser = house.log_in("ann")

    def made(**headers: str) -> int:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return browser.post("/api/tokens", json={"name": "t"}, headers=given).status_code

    assert made() == 403
    assert made(sec_fetch_site="cross-site") == made(sec_fetch_site="same-site") == 403
    assert made(origin="https://evil.example", sec_fetch_site="cross-site") == 403
    assert made(origin="https://evil.example") == made(origin="null") == made(origin="http://testserver.evil") == 403
    assert made(sec_fetch_site="same-origin") == made(sec_fetch_site="none") == 201
    assert made(origin="http://testserver") == 201
    assert browser.get("/api/tokens").json()["total"] == 3
    evil = {"sec-fetch-site": "cross-site"}
    login = house.browser().post("/api/session", json={"username": "ann", "password": PASSWORD}, headers=evil)
    assert login.status_code == 403 and not login.cookies


def test_logout_ends_the_session_and_a_form_goes_to_the_login_page(sqlite_house: House) -> None:
    house = sqlite_house
    browser = house.log_in("ann")
    value = browser.cookies["oo8_session"]
    assert browser.post("/api/session/end").status_code == 403
    form = browser.post("/api/session/end", data={"x": "1"}, headers=SAME)
    assert form.status_code == 303 and form.headers["location"] == "/login"
    assert "oo8_session" not in browser.cookies
    assert house.browser(cookies={"oo8_session": value}).get("/api/me").status_code == 401
    other = house.log_in("ann")
    assert other.post("/api/session/end", headers=SAME).status_code == 204


def test_sessions_end_with_time_and_are_seen_and_ended_by_their_owner(house: House) -> None:
    first, second = house.log_in("ann"), house.log_in("ann", "192.0.2.9")
    house.log_in("bob")
    rows = first.get("/api/sessions").json()["items"]
    assert len(rows) == 2 and [row["current"] for row in rows].count(True) == 1
    other = next(row for row in rows if not row["current"])
    assert other["address"] == "192.0.2.9"
    assert first.delete(f"/api/sessions/{other['id']}", headers=SAME).status_code == 204
    assert second.get("/api/me").status_code == 401 and first.get("/api/me").status_code == 200
    house.tools.clock.advance(6 * DAY)  # type: ignore[attr-defined]
    assert first.get("/api/me").status_code == 200
    house.tools.clock.advance(6 * DAY)  # type: ignore[attr-defined]
    assert first.get("/api/me").status_code == 200, "being used keeps a session alive"
    house.tools.clock.advance(8 * DAY)  # type: ignore[attr-defined]
    assert first.get("/api/me").status_code == 401


def test_a_changed_password_ends_the_other_sessions(house: House) -> None:
    here, there = house.log_in("ann"), house.log_in("ann")
    body = {"old_password": PASSWORD, "new_password": "another good one"}
    wrong = here.post("/api/me/password", json={**body, "old_password": "no"}, headers=SAME)
    assert wrong.status_code == 403 and wrong.json()["error"]["param"] == "old_password"
    assert here.post("/api/me/password", json={**body, "new_password": "short"}, headers=SAME).status_code == 400
    assert here.post("/api/me/password", json=body, headers=SAME).status_code == 204
    assert here.get("/api/me").status_code == 200 and there.get("/api/me").status_code == 401
    login = {"username": "ann", "password": PASSWORD}
    assert house.browser().post("/api/session", json=login).status_code == 401


def test_a_disabled_user_is_out_at_the_next_call(house: House) -> None:
    browser, id = house.log_in("ann"), house.ann.actor.user_id
    assert house.admin.patch(f"/users/{id}", enabled=False).json()["enabled"] is False
    assert browser.get("/api/me").status_code == house.ann.get("/me").status_code == 401
    login = {"username": "ann", "password": PASSWORD}
    assert house.browser().post("/api/session", json=login).status_code == 403
    house.admin.patch(f"/users/{id}", enabled=True)
    assert house.ann.get("/me").status_code == 200 and browser.get("/api/me").status_code == 401


def test_the_setup_raced_by_20_clients_makes_exactly_one_root(tools: Tools) -> None:
    app = create_api(tools)
    assert TestClient(app).get("/api/status").json()["setup_needed"] is True

    def race(number: int) -> int:
        client = TestClient(app, raise_server_exceptions=False, client=(f"192.0.2.{number}", 1))
        return client.post("/api/setup", json={"username": f"root{number}", "password": PASSWORD}).status_code

    with ThreadPoolExecutor(20) as pool:
        codes = sorted(pool.map(race, range(1, 21)))
    assert codes == [201] + [409] * 19
    (user,) = World(tools).all(User)
    (entry,) = World(tools).all(CreditEntry)
    assert user.role == "root" and (entry.amount, entry.kind, entry.user_id) == (50_000_000, "start", user.id)
    told = World(tools).log("credit")
    assert len(told) == 1 and told[0].user_id == user.id
    assert TestClient(app).get("/api/status").json()["setup_needed"] is False


def test_setup_logs_in_and_checks_name_and_password(sqlite_tools: Tools) -> None:
    client = TestClient(create_api(sqlite_tools), raise_server_exceptions=False)
    for body, param in (
        ({"username": "r", "password": "short"}, "password"),
        ({"username": "", "password": PASSWORD}, "username"),
        ({"username": "a b", "password": PASSWORD}, "username"),
        ({"username": "r", "password": "x" * 1025}, "password"),
        ({"username": "r", "password": PASSWORD, "role": "root"}, "role"),
    ):
        answer = client.post("/api/setup", json=body)
        assert answer.status_code == 400 and answer.json()["error"]["param"] == param
        assert str(body["password"]) not in answer.text
    assert client.post("/api/setup", json={"username": "r", "password": PASSWORD}).status_code == 201
    assert client.get("/api/me").json()["role"] == "root"


def test_a_server_that_others_reach_asks_for_the_terminals_code(sqlite_tools: Tools) -> None:
    open_settings = settings_for(sqlite_tools.settings.data_dir, host="0.0.0.0")
    tools = Tools(open_settings, sqlite_tools.db, sqlite_tools.clock, sqlite_tools.keyring)
    client = TestClient(create_api(tools), raise_server_exceptions=False)
    assert client.get("/api/status").json()["code_needed"] is True
    body = {"username": "r", "password": PASSWORD}
    assert client.post("/api/setup", json=body).status_code == 403
    code = setup.new_code(tools)
    assert code not in repr(World(tools).all(User)) and len(code) == 10
    wrong = client.post("/api/setup", json={**body, "code": "WRONG"})
    assert wrong.status_code == 403 and wrong.json()["error"]["param"] == "code"
    assert client.post("/api/setup", json={**body, "code": f" {code[:5]}-{code[5:].lower()} "}).status_code == 201
    assert not setup.needed(tools)


def test_guessing_the_code_is_limited(sqlite_tools: Tools) -> None:
    open_settings = settings_for(sqlite_tools.settings.data_dir, host="0.0.0.0")
    tools = Tools(open_settings, sqlite_tools.db, sqlite_tools.clock, sqlite_tools.keyring)
    setup.new_code(tools)
    client = TestClient(create_api(tools), raise_server_exceptions=False)
    body = {"username": "r", "password": PASSWORD, "code": "GUESS"}
    codes = [client.post("/api/setup", json=body).status_code for _ in range(12)]
    assert codes == [403] * 10 + [429] * 2


def test_who_reads_only_and_tells_the_current_role(sqlite_house: House) -> None:
    house = sqlite_house
    browser = house.log_in("ann")
    hash = house.tools.keyring.hash(browser.cookies["oo8_session"])
    assert sessions.who(house.tools, hash).role == "user"  # type: ignore[union-attr]
    house.root.patch(f"/users/{house.ann.actor.user_id}", role="admin")
    assert sessions.who(house.tools, hash).role == "admin"  # type: ignore[union-attr]
    assert sessions.who(house.tools, "") is None and sessions.who(house.tools, "0" * 64) is None
