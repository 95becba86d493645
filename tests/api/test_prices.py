"""Prices through the management API."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from api.conftest import House
from openopen8.core.clock import to_rfc3339
from openopen8.core.models import PriceRow
from openopen8.core.services.snapshot import load_snapshot


def test_a_number_keeps_every_decimal_on_its_way_in_and_out(house: House) -> None:
    raw = '{"model": "m", "input": 123456789.123456789012, "output": "0.1", "cache_read": 5e-1, "reasoning": 3}'
    answer = house.admin.call("POST", "/prices", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 201, answer.text
    told = {name: answer.json()[name] for name in ("input", "output", "cache_read", "reasoning", "per_call")}
    assert told == {
        "input": "123456789.123456789012",
        "output": "0.1",
        "cache_read": "0.5",
        "reasoning": "3",
        "per_call": None,
    }
    (price,) = load_snapshot(house.tools).prices["m"]
    assert str(price.input) == "123456789.123456789012"


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"model": "", "input": 1, "output": 1}, "model"),
    ({"model": "m"}, "input"),
    ({"model": "m", "input": 1}, "output"),
    ({"model": "m", "output": 1}, "input"),
    ({"model": "m", "input": 1, "output": 1, "per_call": 1}, "per_call"),
    ({"model": "m", "input": -1, "output": 1}, "input"),
    ({"model": "m", "input": 1, "output": 1_000_000_001}, "output"),
    ({"model": "m", "input": 1, "output": "0.1234567890123"}, "output"),
    ({"model": "m", "input": "NaN", "output": 1}, "input"),
    ({"model": "m", "input": "Infinity", "output": 1}, "input"),
    ({"model": "m", "input": "1e999999999", "output": 1}, "input"),
    ({"model": "m", "input": True, "output": 1}, "input"),
    ({"model": "m", "input": "one", "output": 1}, "input"),
    ({"model": "m", "input": [1], "output": 1}, "input"),
    ({"model": "m", "input": 1, "output": 1, "cache_writing": 1}, "cache_writing"),
    ({"model": "m", "input": 1, "output": 1, "valid_from": "2030-01-01"}, "valid_from"),
)


def test_a_wrong_price_is_a_400_at_the_field(sqlite_house: House) -> None:
    for body, param in WRONG:
        answer = sqlite_house.admin.post("/prices", **body)
        error = answer.json().get("error", {})
        assert (answer.status_code, error.get("param")) == (400, param), (body, answer.text)
    assert sqlite_house.admin.get("/prices").json()["total"] == 0


def test_a_change_makes_a_new_row_from_now_and_the_old_one_stays(house: House) -> None:
    old = house.admin.make("/prices", model="m", input="5", output="15")
    house.tools.clock.advance(1000)  # type: ignore[attr-defined]
    new = house.admin.patch(f"/prices/{old['id']}", output="20").json()
    assert new["id"] != old["id"] and (new["input"], new["output"], new["status"]) == ("5", "20", "current")
    assert new["valid_from"] == to_rfc3339(house.tools.now())
    before = house.admin.get(f"/prices/{old['id']}").json()
    assert (before["output"], before["status"]) == ("15", "past")
    assert [x["id"] for x in house.admin.get("/prices").json()["items"]] == [new["id"]]
    assert [x["id"] for x in house.admin.get("/prices", history=True).json()["items"]] == [new["id"], old["id"]]
    assert house.admin.patch(f"/prices/{old['id']}", output="1").status_code == 400
    per_call = house.admin.patch(f"/prices/{new['id']}", per_call="100", input=None, output=None)
    assert per_call.json()["per_call"] == "100", per_call.text


def test_an_upcoming_price_waits_and_a_deleted_current_one_leaves_none(house: House) -> None:
    first = house.admin.make("/prices", model="m", input="1", output="1")
    house.tools.clock.advance(1000)  # type: ignore[attr-defined]
    now = house.admin.make("/prices", model="m", input="2", output="2")
    later = house.admin.make("/prices", model="m", input="3", output="3", valid_from="2040-01-01T00:00:00Z")
    assert later["status"] == "upcoming"
    changed = house.admin.patch(f"/prices/{later['id']}", input="4").json()
    assert (changed["valid_from"], changed["status"]) == ("2040-01-01T00:00:00.000Z", "upcoming")
    assert house.admin.get("/prices").json()["total"] == 2
    late = house.admin.post("/prices", model="m", input="9", output="9", valid_from=to_rfc3339(house.tools.now() - 500))
    assert late.status_code == 400 and late.json()["error"]["param"] == "valid_from"
    assert house.admin.delete(f"/prices/{now['id']}").status_code == 204
    listed = house.admin.get("/prices", history=True).json()["items"]
    assert [x["id"] for x in listed] == [changed["id"]], "an older row must not come back to life"
    assert house.world.one(PriceRow, first["id"]) is not None, "log entries name the row they used"


def test_two_changes_in_one_millisecond_leave_the_last(house: House) -> None:
    house.admin.make("/prices", model="m", input="1", output="1")
    last = house.admin.make("/prices", model="m", input="2", output="2")
    assert [x["id"] for x in house.admin.get("/prices").json()["items"]] == [last["id"]]
    (price,) = load_snapshot(house.tools).prices["m"]
    assert price.id == last["id"]


def test_users_see_what_their_models_cost(sqlite_house: House) -> None:
    house = sqlite_house
    house.world.channel(models=("m", "unpriced"))
    house.world.group("closed")
    house.admin.make("/prices", model="m", input="5", output="15")
    models = house.ann.get("/me/models").json()["items"]
    assert models == [{"name": "m", "input": "5", "output": "15", "per_call": ""}]
    assert house.ann.get("/me/models", group="closed").status_code == 403
    assert [x["name"] for x in house.ann.get("/me/groups").json()["items"]] == ["default"]


EVERYTHING: dict[str, Any] = {
    "input": "1",
    "output": "2",
    "cache_read": "0.1",
    "cache_write": "1.25",
    "cache_write_1h": "2",
    "reasoning": "3",
    "input_audio": "4",
    "input_image": "5",
    "cache_read_audio": "0.4",
    "cache_read_image": "0.5",
    "output_audio": "6",
    "output_image": "7",
    "long_above": 200_000,
    "long": {"input": "2", "output": "3", "cache_read": "0.2"},
    "tiers": {"flex": "0.5", "priority": "2"},
    "calls": {"web_search": "5000"},
    "units": {"seconds": "50"},
}


def test_a_price_with_everything_is_read_back_as_it_was_sent_and_reaches_the_workers(house: House) -> None:
    made = house.admin.make("/prices", model="m", **EVERYTHING)
    read_back = house.admin.get(f"/prices/{made['id']}").json()
    assert {name: read_back[name] for name in EVERYTHING} == EVERYTHING and read_back["per_call"] is None
    (price,) = load_snapshot(house.tools).prices["m"]
    told = {name: str(ratio) for name, ratio in price.rates.ratios.items()}
    assert told == {name: EVERYTHING[name] for name in told}
    assert (price.long_above, str(price.long.ratios["cache_read"])) == (200_000, "0.2")
    assert [dict(x) for x in (price.tiers, price.calls, price.units)] == [
        {name: Decimal(ratio) for name, ratio in EVERYTHING[of].items()} for of in ("tiers", "calls", "units")
    ]


def test_a_change_keeps_every_field_that_it_does_not_name(house: House) -> None:
    made = house.admin.make("/prices", model="m", **EVERYTHING)
    house.tools.clock.advance(1000)  # type: ignore[attr-defined]
    changed = house.admin.patch(f"/prices/{made['id']}", reasoning="9", tiers={"flex": 0.25}, units={}).json()
    wanted = EVERYTHING | {"reasoning": "9", "tiers": {"flex": "0.25"}, "units": {}}
    assert {name: changed[name] for name in wanted} == wanted
    assert house.admin.patch(f"/prices/{changed['id']}", long=None).json()["error"]["param"] == "long"
    short = house.admin.patch(f"/prices/{changed['id']}", long=None, long_above=None).json()
    assert (short["long"], short["long_above"]) == ({}, None)


WRONG_RARE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"long_above": 10}, "long"),
    ({"long": {"input": 1, "output": 1}}, "long_above"),
    ({"long": {"input": 1}, "long_above": 10}, "long"),
    ({"long": {"input": 1, "output": 1, "search": 1}, "long_above": 10}, "long"),
    ({"long": {"input": 1, "output": -1}, "long_above": 10}, "long.output"),
    ({"long": {"input": 1, "output": 1}, "long_above": 0}, "long_above"),
    ({"long": {"input": 1, "output": 1}, "long_above": 1.5}, "long_above"),
    ({"tiers": {"flex": 1001}}, "tiers"),
    ({"tiers": {"flex": "NaN"}}, "tiers.flex"),
    ({"tiers": {"no spaces": 1}}, "tiers"),
    ({"calls": {'"': 1}}, "calls"),
    ({"calls": {"": 1}}, "calls"),
    ({"calls": "web_search"}, "calls"),
    ({"calls": "a=1,a=2"}, "calls"),
    ({"units": [1]}, "units"),
    ({"units": {f"u{n}": 1 for n in range(51)}}, "units"),
    ({"cache_write_1h": -1}, "cache_write_1h"),
)


def test_a_wrong_rare_field_is_a_400_at_the_field(sqlite_house: House) -> None:
    for body, param in WRONG_RARE:
        answer = sqlite_house.admin.post("/prices", model="m", input=1, output=1, **body)
        error = answer.json().get("error", {})
        assert (answer.status_code, error.get("param")) == (400, param), (body, answer.text)
    for name in EVERYTHING:
        answer = sqlite_house.admin.post("/prices", model="m", per_call=1, **{name: EVERYTHING[name]})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "per_call"), name
    assert sqlite_house.admin.get("/prices").json()["total"] == 0


def test_the_public_list_is_seen_and_filled_in(sqlite_house: House) -> None:
    house = sqlite_house
    house.world.channel(models=("gpt-4o-2024-11-20", "unheard-of"))
    (seen,) = house.admin.get("/prices/catalogue", served=True).json()["items"]
    assert (seen["model"], seen["listed_as"], seen["state"]) == ("gpt-4o-2024-11-20", "gpt-4o", "new")
    assert (seen["price"]["input"], seen["price"]["output"]) == ("1.25", "5")
    done = house.admin.post("/prices/catalogue", served=True).json()
    assert done == {"new": 1, "changed": 0, "unchanged": 0}
    (price,) = (x for x in house.admin.get("/prices").json()["items"] if x["status"] == "current")
    assert (price["model"], price["input"]) == ("gpt-4o-2024-11-20", "1.25")
    assert house.admin.get("/prices/catalogue").status_code == 400
    assert house.ann.get("/prices/catalogue", served=True).status_code == 403
    assert house.ann.post("/prices/catalogue", served=True).status_code == 403
