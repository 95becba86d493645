"""Tokens through the management API."""

from __future__ import annotations

from typing import Any

from api.conftest import House
from openopen8.core.clock import DAY, to_rfc3339
from openopen8.core.models import Token, TokenCounter
from openopen8.core.services.ledger import audit

FIELDS = {
    "name": "my-app",
    "quota": 1000,
    "quota_period": "daily",
    "expires_at": "2030-01-31T12:00:00+02:00",
    "allowed_models": ["m", "n", "m"],
    "ip_whitelist": ["10.1.2.3/8", "::ffff:192.0.2.1", "10.0.0.0/8", "2001:DB8::1/32"],
    "group": None,
    "rate_limit": 60,
    "enabled": True,
}


WRONG: tuple[tuple[str, Any, str], ...] = (
    ("name", "", "name"),
    ("name", "   ", "name"),
    ("name", "x" * 101, "name"),
    ("name", "a\nb", "name"),
    ("name", "a\x7f", "name"),
    ("name", 5, "name"),
    ("name", None, "name"),
    ("quota", -1, "quota"),
    ("quota", None, "quota"),
    ("quota", 1.5, "quota"),
    ("quota", "5", "quota"),
    ("quota", True, "quota"),
    ("quota", 10**19, "quota"),
    ("quota_period", "hourly", "quota_period"),
    ("quota_period", "0s", "quota_period"),
    ("expires_at", "2030-01-31T12:00:00", "expires_at"),
    ("expires_at", "tomorrow", "expires_at"),
    ("expires_at", "2030-02-31T12:00:00Z", "expires_at"),
    ("expires_at", "0001-01-01T00:00:00Z", "expires_at"),
    ("expires_at", "9999-12-31T23:59:59-12:00", "expires_at"),
    ("expires_at", 1_900_000_000, "expires_at"),
    ("allowed_models", ["m", ""], "allowed_models.1"),
    ("allowed_models", [5], "allowed_models.0"),
    ("allowed_models", {"m": 1}, "allowed_models"),
    ("ip_whitelist", ["10.0.0.1", "10.0.0.256"], "ip_whitelist.1"),
    ("ip_whitelist", "localhost", "ip_whitelist.0"),
    ("group", "no such group", "group"),
    ("group", "", "group"),
    ("rate_limit", 0, "rate_limit"),
    ("rate_limit", -1, "rate_limit"),
    ("enabled", 1, "enabled"),
    ("used", 0, "used"),
    ("id", 7, "id"),
    ("user_id", 1, "user_id"),
)


def test_what_was_sent_is_read_back_normalised_and_the_value_only_once(house: House) -> None:
    made = house.ann.make("/tokens", **FIELDS)
    value = made.pop("value")
    assert value.startswith("sk-") and len(value) == 51
    assert made["hint"] == f"{value[:7]}…{value[-4:]}"
    expected = {
        **FIELDS,
        "expires_at": "2030-01-31T10:00:00.000Z",
        "allowed_models": ["m", "n"],
        "ip_whitelist": ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"],
        "status": "enabled",
        "used": 0,
        "remaining": 1000,
        "user": "ann",
        "effective_group": "default",
        "ratio": "1",
        "last_used_at": None,
        "created_at": to_rfc3339(house.tools.now()),
    }
    assert {name: made[name] for name in expected} == expected
    assert house.ann.get(f"/tokens/{made['id']}").json() == made
    assert house.ann.get("/tokens").json() == {"items": [made], "total": 1, "page": 1, "page_size": 50}
    row = house.world.one(Token, made["id"])
    assert value not in repr(row) and row.key_hash == house.tools.keyring.hash(value)


def test_a_token_needs_only_a_name_and_is_then_without_limits(sqlite_house: House) -> None:
    house = sqlite_house
    made = house.ann.make("/tokens", name="  spaced  ")
    assert (made["name"], made["quota"], made["remaining"], made["expires_at"]) == ("spaced", 0, None, None)
    assert (made["allowed_models"], made["ip_whitelist"], made["group"], made["rate_limit"]) == ([], [], None, None)
    assert house.world.one(Token, made["id"]).quota is None


def test_lists_may_also_come_as_text_with_commas_or_new_lines(sqlite_house: House) -> None:
    house = sqlite_house
    made = house.ann.make("/tokens", name="t", allowed_models="a, b\nc", ip_whitelist="192.0.2.1,\n10.0.0.0/8 ::1")
    assert made["allowed_models"] == ["a", "b", "c"]
    assert made["ip_whitelist"] == ["192.0.2.1", "10.0.0.0/8", "::1"]


def test_b2_b4_a_wrong_field_is_a_400_at_the_field_on_making_and_on_changing(sqlite_house: House) -> None:
    ann = sqlite_house.ann
    id = ann.make("/tokens", name="t")["id"]
    for field, value, param in WRONG:
        made, changed = ann.post("/tokens", **{"name": "n", field: value}), ann.patch(f"/tokens/{id}", **{field: value})
        for answer in (made, changed):
            assert answer.status_code == (403 if value == "no such group" else 400), (field, value, answer.text)
            error = answer.json()["error"]
            assert error["param"] == param and error["fields"][param] and error["code"], (field, value, error)
    assert ann.get("/tokens").json()["total"] == 1


def test_every_wrong_field_is_named(sqlite_house: House) -> None:
    error = sqlite_house.ann.post("/tokens", name="", quota=-1, ip_whitelist=["x"], odd=1).json()["error"]
    assert set(error["fields"]) == {"name", "quota", "ip_whitelist.0", "odd"}


def test_a_past_expiry_is_allowed_and_makes_the_token_expired_at_once(sqlite_house: House) -> None:
    house = sqlite_house
    made = house.ann.make("/tokens", name="t", expires_at=to_rfc3339(house.tools.now() - 1))
    assert made["status"] == "expired"


def test_b14_a_change_leaves_absent_fields_alone(house: House) -> None:
    made = house.ann.make("/tokens", **FIELDS)
    del made["value"]
    changes = {"name": "other", "quota": 5, "allowed_models": [], "enabled": False, "rate_limit": None}
    for field, value in changes.items():
        changed = house.ann.patch(f"/tokens/{made['id']}", **{field: value}).json()
        made = {**made, field: value, "status": changed["status"], "remaining": changed["remaining"]}
        assert changed == made
    assert house.ann.patch(f"/tokens/{made['id']}").json() == made
    assert house.ann.patch(f"/tokens/{made['id']}", expires_at=None).json()["expires_at"] is None


def test_a_group_must_be_one_that_the_user_may_use(house: House) -> None:
    house.world.group("open", ratio="0.5", selectable=True)
    secret = house.world.group("secret", ratio="2")
    made = house.ann.make("/tokens", name="t", group="open")
    assert (made["group"], made["effective_group"], made["ratio"]) == ("open", "open", "0.5")
    refused = house.ann.post("/tokens", name="t", group="secret")
    unknown = house.ann.post("/tokens", name="t", group="nonsense")
    assert refused.status_code == unknown.status_code == 403
    assert refused.json()["error"]["message"].replace("secret", "nonsense") == unknown.json()["error"]["message"]
    assert house.admin.make("/tokens", name="t", group="secret")["group"] == "secret"
    house.root.patch(f"/users/{house.ann.actor.user_id}", extra_groups=["secret"])
    assert house.ann.patch(f"/tokens/{made['id']}", group="secret").json()["effective_group"] == "secret"
    assert house.ann.patch(f"/tokens/{made['id']}", group=None).json()["effective_group"] == "default"
    assert house.world.one(Token, made["id"]).group_id is None and secret


def test_quota_0_is_unlimited_and_a_limited_token_that_has_run_down_is_not(house: House) -> None:
    id = house.ann.make("/tokens", name="t", quota=100)["id"]
    house.world.change(TokenCounter, id, used=100, used_total=100)
    view = house.ann.get(f"/tokens/{id}").json()
    assert (view["status"], view["remaining"], view["quota"]) == ("exhausted", 0, 100)
    assert house.ann.patch(f"/tokens/{id}", quota=0).json()["status"] == "enabled"


def test_l3_l4_remaining_is_what_admission_has_left_and_a_top_up_raises_it(house: House) -> None:
    id = house.ann.make("/tokens", name="t", quota=100)["id"]
    house.world.change(TokenCounter, id, used=70, used_total=70, held=20)
    assert house.ann.get(f"/tokens/{id}").json()["remaining"] == 10
    topped = house.ann.post(f"/tokens/{id}/top-up", amount=900)
    assert topped.status_code == 201 and (topped.json()["quota"], topped.json()["remaining"]) == (1000, 910)
    free = house.ann.make("/tokens", name="free")["id"]
    assert house.ann.post(f"/tokens/{free}/top-up", amount=1).status_code == 400


def test_another_quota_period_starts_one_now(house: House) -> None:
    id = house.ann.make("/tokens", name="t", quota=100)["id"]
    house.world.change(TokenCounter, id, used=100, used_total=100)
    assert house.ann.patch(f"/tokens/{id}", quota_period="none").json()["used"] == 100
    changed = house.ann.patch(f"/tokens/{id}", quota_period="monthly").json()
    assert (changed["used"], changed["used_total"], changed["status"]) == (0, 100, "enabled")
    assert house.world.one(TokenCounter, id).period_start == house.tools.now()


def test_status_is_computed_in_the_list_also_after_a_period_has_rolled_over(house: House) -> None:
    now, ann = house.tools.now(), house.ann
    ids = {name: ann.make("/tokens", name=name, quota=10)["id"] for name in ("full", "daily", "off", "late", "on")}
    ann.patch(f"/tokens/{ids['daily']}", quota_period="daily")
    ann.patch(f"/tokens/{ids['late']}", expires_at=to_rfc3339(now))
    ann.patch(f"/tokens/{ids['off']}", enabled=False)
    for name in ("full", "daily", "off", "late"):
        house.world.change(TokenCounter, ids[name], used=10, used_total=10)

    def listed(status: str) -> set[str]:
        page = ann.get("/tokens", status=status).json()
        assert page["total"] == len(page["items"]) and all(x["status"] == status for x in page["items"])
        return {x["name"] for x in page["items"]}

    assert listed("exhausted") == {"full", "daily"}
    assert (listed("disabled"), listed("expired"), listed("enabled")) == ({"off"}, {"late"}, {"on"})
    house.tools.clock.advance(DAY)  # type: ignore[attr-defined]
    assert listed("exhausted") == {"full"} and listed("enabled") == {"on", "daily"}
    assert ann.get("/tokens", status="odd").json()["error"]["param"] == "status"


def test_lists_sort_page_and_search_with_wildcards_as_letters(house: House) -> None:
    for name in ("a%b", "a_b", "aXb", "back\\slash", "UPPER"):
        house.ann.make("/tokens", name=name)
        house.tools.clock.advance(1)  # type: ignore[attr-defined]

    def names(**query: Any) -> list[str]:
        return [x["name"] for x in house.ann.get("/tokens", **query).json()["items"]]

    assert names() == ["UPPER", "back\\slash", "aXb", "a_b", "a%b"]
    assert names(sort="name")[3:] == ["back\\slash", "UPPER"] and names(sort="-name")[:2] == ["UPPER", "back\\slash"]
    assert names(search="%") == ["a%b"] and names(search="_") == ["a_b"] and names(search="\\") == ["back\\slash"]
    assert names(search="%_%_%_%") == [] and names(search="upper") == ["UPPER"]
    assert names(page=2, page_size=2) == ["aXb", "a_b"] and names(page=9) == []
    for sort in ("expires_at", "-last_used_at", "used", "-quota", "status", "-user", "id", "used_total"):
        assert len(names(sort=sort)) == 5
    for wrong in ({"sort": "key_hash"}, {"sort": "--name"}, {"page": 0}, {"page_size": 501}, {"odd": 1}):
        answer = house.ann.get("/tokens", **wrong)
        assert answer.status_code == 400 and answer.json()["error"]["param"] == next(iter(wrong))


def test_a_deleted_token_is_gone_for_the_api_and_loses_its_hash(sqlite_house: House) -> None:
    house = sqlite_house
    id = house.ann.make("/tokens", name="t")["id"]
    house.ann.post(f"/tokens/{id}/rotate", grace_seconds=60)
    assert house.ann.delete(f"/tokens/{id}").status_code == 204
    for answer in (
        house.ann.get(f"/tokens/{id}"),
        house.ann.patch(f"/tokens/{id}", name="x"),
        house.ann.delete(f"/tokens/{id}"),
        house.ann.post(f"/tokens/{id}/rotate"),
    ):
        assert answer.status_code == 404
    row = house.world.one(Token, id)
    assert (row.name, row.key_hash, row.old_key_hash, row.old_key_until) == ("t", None, None, None)
    assert house.ann.get("/tokens").json()["total"] == 0


def test_rotation_gives_a_new_value_and_keeps_the_old_one_for_the_grace_period(sqlite_house: House) -> None:
    house = sqlite_house
    made = house.ann.make("/tokens", name="t", quota=5)
    hash = house.tools.keyring.hash
    turned = house.ann.post(f"/tokens/{made['id']}/rotate", grace_seconds=60)
    assert turned.status_code == 201 and turned.json()["value"] != made["value"] and turned.json()["quota"] == 5
    row = house.world.one(Token, made["id"])
    assert (row.key_hash, row.old_key_hash) == (hash(turned.json()["value"]), hash(made["value"]))
    assert row.old_key_until == house.tools.now() + 60_000
    house.ann.call("POST", f"/tokens/{made['id']}/rotate")
    assert house.world.one(Token, made["id"]).old_key_hash is None
    assert house.ann.post(f"/tokens/{made['id']}/rotate", grace_seconds=-1).status_code == 400


def test_several_are_disabled_enabled_and_deleted_together_or_not_at_all(house: House) -> None:
    ids = [house.ann.make("/tokens", name=f"t{n}")["id"] for n in range(3)]
    foreign = house.bob.make("/tokens", name="bob's")["id"]
    assert house.ann.post("/tokens/disable", ids=[*ids, foreign]).status_code == 404
    assert house.ann.get("/tokens", status="disabled").json()["total"] == 0
    assert house.ann.post("/tokens/disable", ids=ids).status_code == 204
    assert house.ann.get("/tokens", status="disabled").json()["total"] == 3
    assert house.ann.post("/tokens/enable", ids=ids[:1]).status_code == 204
    assert house.ann.post("/tokens/delete", ids=ids[1:]).status_code == 204
    assert [x["id"] for x in house.ann.get("/tokens").json()["items"]] == ids[:1]


def test_admins_see_all_tokens_and_change_those_of_plain_users_only(house: House) -> None:
    mine = house.ann.make("/tokens", name="ann's")["id"]
    roots = house.root.make("/tokens", name="root's")["id"]
    everyone = house.admin.get("/tokens").json()
    assert {x["user"] for x in everyone["items"]} == {"ann", "root"}
    only = house.admin.get("/tokens", user_id=house.ann.actor.user_id).json()
    assert [x["id"] for x in only["items"]] == [mine]
    assert house.ann.get("/tokens", user_id=house.bob.actor.user_id).status_code == 403
    assert house.admin.patch(f"/tokens/{mine}", enabled=False).json()["status"] == "disabled"
    assert house.admin.patch(f"/tokens/{roots}", enabled=False).status_code == 403
    assert house.admin.post(f"/tokens/{roots}/rotate").status_code == 403
    made = house.admin.call("POST", f"/tokens?user_id={house.ann.actor.user_id}", json={"name": "for ann"})
    assert made.json()["user"] == "ann"
    assert house.ann.call("POST", f"/tokens?user_id={house.bob.actor.user_id}", json={"name": "x"}).status_code == 404
    told = [entry.error for entry in house.world.log("admin")]
    assert any("disabled" in text or "changed token" in text for text in told)


def test_the_books_hold_after_all_kinds_of_changes(house: House) -> None:
    id = house.ann.make("/tokens", name="t", quota=5, quota_period="daily")["id"]
    house.ann.patch(f"/tokens/{id}", quota_period="weekly")
    house.ann.post(f"/tokens/{id}/rotate")
    house.ann.delete(f"/tokens/{id}")
    house.root.delete(f"/users/{house.bob.actor.user_id}")
    assert all(finding.ok for finding in audit.run(house.tools))
