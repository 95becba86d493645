"""Users, groups and settings through the management API."""

from __future__ import annotations

from api.conftest import PASSWORD, House
from openopen8.core.models import CreditEntry, Token
from openopen8.core.services.ledger import audit
from openopen8.core.services.snapshot import load_snapshot


def test_an_account_is_made_read_and_changed(house: House) -> None:
    house.world.group("pro")
    made = house.admin.make(
        "/users", name="carl", password=PASSWORD, email="carl@example.com", group="pro", ratio="0.50", balance=700
    )
    assert (made["role"], made["group"], made["ratio"], made["balance"]) == ("user", "pro", "0.5", 700)
    assert "password" not in made
    assert house.log_in("carl").get("/api/me").json()["available"] == 700
    entry = house.world.all(CreditEntry)[-1]
    assert (entry.user_id, entry.amount, entry.actor) == (made["id"], 700, "admin")
    changed = house.admin.patch(f"/users/{made['id']}", extra_groups=["default"], ratio=None, email=None).json()
    assert (changed["extra_groups"], changed["group"]) == (["default"], "pro")
    assert (changed["ratio"], changed["email"]) == (None, None)
    assert house.admin.get("/users", search="car").json()["total"] == 1
    assert house.admin.get("/users", search="%").json()["total"] == 0
    assert all(finding.ok for finding in audit.run(house.tools))


def test_a_wrong_account_is_a_400_at_the_field_and_the_password_is_not_repeated(sqlite_house: House) -> None:
    good = {"name": "carl", "password": PASSWORD}
    for field, value, param in (
        ("name", "", "name"),
        ("name", "a b", "name"),
        ("name", "../x", "name"),
        ("name", "x" * 65, "name"),
        ("password", "secret7", "password"),
        ("password", 12345678, "password"),
        ("email", "nobody", "email"),
        ("role", "god", "role"),
        ("group", "nowhere", "group"),
        ("extra_groups", ["nowhere"], "extra_groups.0"),
        ("ratio", -1, "ratio"),
        ("balance", -5, "balance"),
        ("password_hash", "x", "password_hash"),
    ):
        answer = sqlite_house.root.post("/users", **{**good, field: value})
        assert answer.status_code == 400 and answer.json()["error"]["param"] == param, (field, answer.text)
        assert "secret7" not in answer.text
    sqlite_house.root.make("/users", name="dora", email="a@b.c")
    for body, param in (({"name": "ann"}, "name"), ({"name": "d", "email": "A@b.C"}, "email")):
        answer = sqlite_house.root.post("/users", **body)
        assert answer.status_code == 409 and answer.json()["error"]["param"] == param, answer.text


def test_an_admin_manages_plain_users_only(house: House) -> None:
    root, other = house.root.actor.user_id, house.root.make("/users", name="second", role="admin")["id"]
    for id in (root, other):
        for answer in (
            house.admin.patch(f"/users/{id}", enabled=False),
            house.admin.post(f"/users/{id}/password", password="taken over!"),
            house.admin.post(f"/users/{id}/balance", add=5, reason="x"),
            house.admin.delete(f"/users/{id}"),
        ):
            assert answer.status_code == 403 and answer.json()["error"]["code"] == "root_only"
    assert house.admin.post("/users", name="mine", role="admin").status_code == 403
    assert house.admin.patch(f"/users/{house.ann.actor.user_id}", role="root").status_code == 403
    assert house.admin.patch(f"/users/{house.admin.actor.user_id}", role="root").status_code == 403
    assert house.root.patch(f"/users/{house.ann.actor.user_id}", role="admin").json()["role"] == "admin"


def test_the_last_root_stays(house: House) -> None:
    root = house.root.actor.user_id
    for answer in (
        house.root.patch(f"/users/{root}", role="user"),
        house.root.patch(f"/users/{root}", enabled=False),
        house.root.delete(f"/users/{root}"),
    ):
        assert answer.status_code == 409
    second = house.root.make("/users", name="second", role="root", password=PASSWORD)["id"]
    assert house.root.delete(f"/users/{second}").status_code == 204
    assert house.root.get("/me").json()["role"] == "root"


def test_a_balance_changes_with_a_reason_and_the_user_sees_it(house: House) -> None:
    id = house.ann.actor.user_id
    before = house.ann.get("/me").json()["balance"]
    assert house.admin.post(f"/users/{id}/balance", add=5000, reason="May").json()["balance"] == before + 5000
    assert house.admin.post(f"/users/{id}/balance", add=-1000, reason="mistake").json()["balance"] == before + 4000
    for body in ({"add": 0, "reason": "x"}, {"add": 1, "reason": " "}, {"add": 10**17, "reason": "x"}, {"add": 1}):
        assert house.admin.post(f"/users/{id}/balance", **body).status_code == 400, body
    mine = house.ann.get("/me/credits").json()["items"]
    told = [(x["amount"], x["reason"], x["actor"]) for x in mine[:2]]
    assert told == [(-1000, "mistake", "admin"), (5000, "May", "admin")]
    logged = house.ann.get("/logs", kind="credit").json()["items"]
    assert logged[1]["error"] == "+5,000 credits: May"
    assert house.ann.get(f"/users/{id}/balance").status_code == 403
    assert all(finding.ok for finding in audit.run(house.tools))


def test_a_deleted_user_is_gone_with_tokens_and_keys_and_the_name_is_free(house: House) -> None:
    token = house.ann.make("/tokens", name="t")["id"]
    browser, id = house.log_in("ann"), house.ann.actor.user_id
    assert house.admin.delete(f"/users/{id}").status_code == 204
    assert house.ann.get("/me").status_code == browser.get("/api/me").status_code == 401
    assert house.admin.get(f"/users/{id}").status_code == house.admin.get(f"/tokens/{token}").status_code == 404
    assert house.world.one(Token, token).key_hash is None
    assert house.admin.make("/users", name="ann")["id"] != id
    names = {x["user"] for x in house.admin.get("/logs", user_id=id).json()["items"]}
    assert names == {f"ann #{id}"}


def test_a_password_set_by_an_admin_ends_the_sessions(sqlite_house: House) -> None:
    house = sqlite_house
    browser, id = house.log_in("ann"), house.ann.actor.user_id
    assert house.admin.post(f"/users/{id}/password", password="set by admin").status_code == 204
    assert browser.get("/api/me").status_code == 401
    body = {"username": "ann", "password": "set by admin"}
    assert house.browser().post("/api/session", json=body).status_code == 200
    assert not any("set by admin" in entry.error for entry in house.world.log("admin"))


def test_passwords_count_whole_and_have_limits(sqlite_house: House) -> None:
    house = sqlite_house
    long = "x" * 100
    id = house.admin.make("/users", name="long", password=long + "a")["id"]
    assert house.browser().post("/api/session", json={"username": "long", "password": long + "b"}).status_code == 401
    assert house.browser().post("/api/session", json={"username": "long", "password": long + "a"}).status_code == 200
    assert house.admin.post(f"/users/{id}/password", password="x" * 1024).status_code == 204
    assert house.admin.post(f"/users/{id}/password", password="x" * 1025).status_code == 400
    assert house.admin.post(f"/users/{id}/password", password="ü" * 8).status_code == 204


def test_access_tokens_are_shown_once_and_die_at_once(sqlite_house: House) -> None:
    house = sqlite_house
    made = house.ann.make("/access-tokens", name="script")
    value = made.pop("value")
    assert value.startswith("oo8-") and len(value) == 52
    assert made in house.ann.get("/access-tokens").json()["items"]
    headers = {"authorization": f"Bearer {value}"}
    assert house.browser().get("/api/me", headers=headers).json()["name"] == "ann"
    assert house.ann.delete(f"/access-tokens/{made['id']}").status_code == 204
    assert house.browser().get("/api/me", headers=headers).status_code == 401


def test_groups_are_made_changed_and_removed_when_nobody_has_them(house: House) -> None:
    made = house.admin.make("/groups", name="pro", ratio=0.5, selectable=True, rate_limit=5)
    assert (made["ratio"], made["selectable"], made["rate_limit"], made["users"]) == ("0.5", True, 5, 0)
    assert house.admin.patch(f"/groups/{made['id']}", ratio="0.25").json()["selectable"] is True
    assert str(load_snapshot(house.tools).groups[made["id"]].ratio) == "0.25"
    assert house.admin.post("/groups", name="pro").status_code == 409
    for body in ({"ratio": -1}, {"rate_limit": 0}, {"name": ""}, {"ratio": None}, {"odd": 1}):
        assert house.admin.patch(f"/groups/{made['id']}", **body).status_code == 400, body
    address = "http://127.0.0.1:1"
    channel = house.admin.make("/channels", name="c", type="openai", base_url=address, groups="default,pro")
    house.admin.patch(f"/users/{house.ann.actor.user_id}", group="pro")
    assert house.admin.delete(f"/groups/{made['id']}").status_code == 409
    house.admin.patch(f"/users/{house.ann.actor.user_id}", group="default")
    assert house.admin.delete(f"/groups/{made['id']}").status_code == 204
    assert house.admin.get(f"/channels/{channel['id']}").json()["groups"] == ["default"]


def test_settings_change_all_or_none_and_reach_the_snapshot(house: House) -> None:
    assert house.admin.get("/settings").json()["retries"] == 2
    changed = house.admin.patch("/settings", retries=3, public_url="https://gate.example.com", strict_holds=True)
    assert changed.status_code == 200 and changed.json()["retries"] == 3
    options = load_snapshot(house.tools).options
    assert (options.retries, options.public_url, options.strict_holds) == (3, "https://gate.example.com", True)
    for body, param in (
        ({"retries": 4, "odd": 1}, "odd"),
        ({"retries": 4, "user_model_rate_limit": 0}, "user_model_rate_limit"),
        ({"retries": "4"}, "retries"),
        ({"strict_holds": 1}, "strict_holds"),
        ({"public_url": "javascript:x"}, "public_url"),
    ):
        answer = house.admin.patch("/settings", **body)
        assert answer.status_code == 400 and answer.json()["error"]["param"] == param, answer.text
    assert house.admin.get("/settings").json()["retries"] == 3
    assert house.admin.patch("/settings", user_model_rate_limit=None).status_code == 200


def test_the_status_is_public_and_tells_little(sqlite_house: House) -> None:
    answer = sqlite_house.browser().get("/api/status").json()
    assert set(answer) == {"version", "ready", "setup_needed", "code_needed"}
    assert answer["ready"] is True and answer["setup_needed"] is False
