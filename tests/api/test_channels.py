"""Channels through the management API."""

from __future__ import annotations

from typing import Any

from api.conftest import House
from openopen8.core.models import Channel, ChannelKey, Revision
from relay.channels import CATALOG

CHANNEL: dict[str, Any] = {
    "name": "main",
    "type": "openai-compatible",
    "base_url": "https://up.example.com/v1/",
    "keys": ["first-key-0123456789", "env:OO8_KEY_MAIN", "first-key-0123456789"],
    "models": ["m", "n"],
    "groups": ["default"],
    "priority": 5,
    "weight": 3,
    "key_mode": "round_robin",
    "model_mapping": {"m": "vendor/m"},
    "parameter_override": {"temperature": 0.7, "stop": ["x"], "nested": {"a": None}},
    "header_override": {"X-Title": "gate"},
    "status_map": {"404": 503},
    "proxy": "socks5h://proxy.example.com:1080",
    "http2": True,
    "auto_disable": False,
    "test_model": "m",
    "note": "two\nlines",
    "tags": ["eu"],
    "enabled": True,
}


def revision(house: House) -> int:
    number: int = house.world.one(Revision, "snapshot").number
    return number


def test_what_was_sent_is_read_back_but_for_the_keys(house: House) -> None:
    before = revision(house)
    made = house.admin.make("/channels", **CHANNEL)
    expected = {**CHANNEL, "base_url": "https://up.example.com/v1"}
    keys = expected.pop("keys")
    assert {name: made[name] for name in expected} == expected
    assert [key["hint"] for key in made["keys"]] == ["firs…6789", "env:OO8_KEY_MAIN"]
    assert all(key["state"] == "enabled" for key in made["keys"]) and made["status"] == "enabled"
    assert house.admin.get(f"/channels/{made['id']}").json() == made
    assert house.admin.get("/channels").json()["items"] == [made]
    rows = house.world.all(ChannelKey)
    assert house.tools.keyring.open(rows[0].sealed) == keys[0] and rows[1].env_name == "OO8_KEY_MAIN"
    assert revision(house) > before
    assert keys[0] not in "".join(entry.error for entry in house.world.log("admin"))


def test_every_type_of_the_catalogue_is_taken_with_the_address_that_it_suggests(sqlite_house: House) -> None:
    for row in CATALOG:
        base = row.base_url or "https://up.example.com"
        made = sqlite_house.root.make("/channels", name=row.name, type=row.name, base_url=base)
        assert (made["type"], made["base_url"]) == (row.name, base)


def test_only_an_azure_channel_may_say_of_which_date_its_api_is(sqlite_house: House) -> None:
    base = "https://r.openai.azure.com?api-version=2024-10-21"
    made = sqlite_house.root.make("/channels", name="azure", type="azure", base_url=base)
    assert made["base_url"] == base
    changed = sqlite_house.root.patch(f"/channels/{made['id']}", type="openai")
    other = sqlite_house.root.post("/channels", name="other", type="openai", base_url=base)
    for answer in (changed, other):
        assert answer.status_code == 400 and answer.json()["error"]["param"] == "base_url"


def test_a_channel_without_a_key_and_one_with_key_instead_of_keys(sqlite_house: House) -> None:
    house = sqlite_house
    local = house.root.make("/channels", name="local", type="openai", base_url="http://127.0.0.1:8000")
    assert local["keys"] == [] and len(house.world.all(ChannelKey)) == 1
    single = house.root.make("/channels", name="one", type="openai", base_url="http://127.0.0.1:8000", key="k" * 20)
    assert [key["hint"] for key in single["keys"]] == ["kkkk…kkkk"]


def test_b14_a_change_leaves_absent_fields_and_keys_alone(sqlite_house: House) -> None:
    house = sqlite_house
    made = house.admin.make("/channels", **CHANNEL)
    changes = {"note": "x", "priority": -1, "models": ["z"], "tags": [], "base_url": "https://up.example.com"}
    for field, value in changes.items():
        made = {**made, field: value}
        assert house.admin.patch(f"/channels/{made['id']}", **{field: value}).json() == made
    replaced = house.admin.patch(f"/channels/{made['id']}", keys=["second-key-0123456789"]).json()
    assert [key["hint"] for key in replaced["keys"]] == ["seco…6789"]


def test_another_host_needs_the_keys_again(sqlite_house: House) -> None:
    house = sqlite_house
    id = house.admin.make("/channels", **CHANNEL)["id"]
    for url in ("https://evil.example.com/v1", "http://up.example.com/v1", "https://up.example.com:8443/v1"):
        answer = house.admin.patch(f"/channels/{id}", base_url=url)
        assert answer.status_code == 400 and answer.json()["error"]["param"] == "keys"
    assert house.admin.patch(f"/channels/{id}", base_url="https://UP.example.com:443/v2").status_code == 200
    moved = house.admin.patch(f"/channels/{id}", base_url="https://new.example.com", keys=["k" * 20])
    assert moved.json()["base_url"] == "https://new.example.com"


PROXY = "http://user:planted%20word@proxy.example.com:3128"


def test_a_proxys_password_goes_in_and_never_comes_out(house: House) -> None:
    made = house.admin.make("/channels", **{**CHANNEL, "proxy": PROXY})
    assert made["proxy"] == "http://user:***@proxy.example.com:3128"
    row = house.world.one(Channel, made["id"])
    assert house.tools.keyring.open(row.proxy_sealed) == PROXY and "planted" not in row.proxy_sealed + row.proxy
    url = f"/channels/{made['id']}"
    assert house.admin.patch(url, proxy=made["proxy"], note="as it was shown").json()["proxy"] == made["proxy"]
    assert house.tools.keyring.open(house.world.one(Channel, made["id"]).proxy_sealed) == PROXY
    assert house.admin.patch(url, proxy="socks5://other.example.com").json()["proxy"] == "socks5://other.example.com"
    for nothing in (None, ""):
        house.admin.patch(url, proxy=PROXY)
        assert house.admin.patch(url, proxy=nothing).json()["proxy"] == ""
        assert house.world.one(Channel, made["id"]).proxy_sealed == ""
    assert "planted" not in "".join(entry.error for entry in house.world.log("admin"))


def test_a_proxy_that_could_read_the_keys_needs_them_again(sqlite_house: House) -> None:
    admin = sqlite_house.admin
    plain = {**CHANNEL, "base_url": "http://up.example.com", "proxy": None}
    id = admin.make("/channels", **plain)["id"]
    answer = admin.patch(f"/channels/{id}", proxy=PROXY)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "keys"
    assert admin.patch(f"/channels/{id}", proxy=PROXY, keys=["k" * 20]).status_code == 200
    assert admin.patch(f"/channels/{id}", proxy=None).status_code == 200
    keyless = admin.make("/channels", **{**plain, "name": "keyless", "keys": []})["id"]
    assert admin.patch(f"/channels/{keyless}", proxy=PROXY).status_code == 200


WRONG: tuple[tuple[str, Any, str], ...] = (
    ("name", "", "name"),
    ("type", "carrier-pigeon", "type"),
    ("base_url", "", "base_url"),
    ("base_url", "ftp://x.example.com", "base_url"),
    ("base_url", "//x.example.com", "base_url"),
    ("base_url", "https://u:p@x.example.com", "base_url"),
    ("base_url", "https://x.example.com?a=1", "base_url"),
    ("base_url", "https://x.example.com/#a", "base_url"),
    ("base_url", "https://x.example.com\\@evil.example", "base_url"),
    ("base_url", "https://x.example.com/\r\nHost: evil", "base_url"),
    ("base_url", "https://x.example.com:99999", "base_url"),
    ("base_url", "https://[::1", "base_url"),
    ("base_url", "http://169.254.169.254/latest", "base_url"),
    ("base_url", "http://[fe80::1]/", "base_url"),
    ("base_url", "http://[::ffff:169.254.169.254]/", "base_url"),
    ("base_url", "http://100.100.100.200", "base_url"),
    ("base_url", "http://0.0.0.0", "base_url"),
    ("keys", [""], "keys.0"),
    ("keys", ["ok-key-0123456789", "a\nb"], "keys.1"),
    ("keys", ["env:PATH"], "keys.0"),
    ("keys", ["env:SECRET_KEY"], "keys.0"),
    ("keys", ["env:OO8_KEY_"], "keys.0"),
    ("keys", ["env:OO8_KEY_a"], "keys.0"),
    ("keys", [5], "keys.0"),
    ("proxy", "proxy.example.com", "proxy"),
    ("proxy", "ftp://user:planted-word@proxy.example.com", "proxy"),
    ("proxy", "http://user:planted-word@proxy.example.com/path", "proxy"),
    ("proxy", "http://proxy.example.com\r\nHost: evil", "proxy"),
    ("proxy", "http://169.254.169.254:3128", "proxy"),
    ("proxy", "socks5://[::ffff:169.254.169.254]", "proxy"),
    ("proxy", 5, "proxy"),
    ("http2", "yes", "http2"),
    ("models", ["a", ""], "models.1"),
    ("groups", ["default", "nowhere"], "groups.1"),
    ("priority", 1.5, "priority"),
    ("weight", -1, "weight"),
    ("key_mode", "best", "key_mode"),
    ("model_mapping", {"m": 1}, "model_mapping.m"),
    ("model_mapping", ["m"], "model_mapping"),
    ("parameter_override", [1], "parameter_override"),
    ("parameter_override", {"model": "other"}, "parameter_override"),
    ("header_override", {"X-A": "b\r\nX-B: c"}, "header_override"),
    ("header_override", {"X A": "b"}, "header_override"),
    ("header_override", {"Host": "evil"}, "header_override"),
    ("header_override", {"authorization": "Bearer x"}, "header_override"),
    ("header_override", {"X-A": 1}, "header_override.X-A"),
    ("status_map", {"200": 500}, "status_map"),
    ("status_map", {"404": 200}, "status_map"),
    ("status_map", {"x": 404}, "status_map"),
    ("tags", ["x" * 65], "tags.0"),
    ("rest_until", 5, "rest_until"),
    ("status", "enabled", "status"),
)


def test_a_wrong_field_is_a_400_at_the_field_on_making_and_on_changing(sqlite_house: House) -> None:
    admin = sqlite_house.admin
    id = admin.make("/channels", **CHANNEL)["id"]
    for field, value, param in WRONG:
        new = {**CHANNEL, "name": "n", field: value}
        for answer in (admin.post("/channels", **new), admin.patch(f"/channels/{id}", **{field: value})):
            error = answer.json().get("error", {})
            assert (answer.status_code, error.get("param")) == (400, param), (field, value, answer.text)
            assert "planted-word" not in answer.text
            if field == "keys":
                assert "a\\nb" not in answer.text and "PATH" not in answer.text
    assert admin.get("/channels").json()["total"] == 1


def test_names_are_unique_and_free_again_after_deletion(house: House) -> None:
    made = house.admin.make("/channels", **CHANNEL)
    twice = house.admin.post("/channels", **CHANNEL)
    assert twice.status_code == 409 and twice.json()["error"]["param"] == "name"
    assert house.admin.delete(f"/channels/{made['id']}").status_code == 204
    assert house.admin.get(f"/channels/{made['id']}").status_code == 404
    assert house.world.all(ChannelKey) == [], "no key outlives its channel"
    assert house.world.one(Channel, made["id"]).name == f"main #{made['id']}"
    assert house.admin.post("/channels", **CHANNEL).status_code == 201


def test_keys_are_switched_one_by_one_and_what_the_gateway_did_is_told(house: House) -> None:
    made = house.admin.make("/channels", **CHANNEL)
    key, now = made["keys"][0]["id"], house.tools.now()
    house.world.change(ChannelKey, key, enabled=False, disabled_reason="The provider said 401.")
    house.world.change(Channel, made["id"], rest_until=now + 60_000, rest_reason="3 failures")
    told = house.admin.get(f"/channels/{made['id']}").json()
    assert (told["status"], told["reason"]) == ("resting", "3 failures") and told["rest_until"].endswith("Z")
    assert (told["keys"][0]["state"], told["keys"][0]["reason"]) == ("disabled", "The provider said 401.")
    back = house.admin.patch(f"/channels/{made['id']}/keys/{key}", enabled=True).json()
    assert (back["keys"][0]["state"], back["keys"][0]["reason"]) == ("enabled", "")
    assert house.admin.patch(f"/channels/{made['id']}", enabled=True).json()["status"] == "enabled"
    assert house.admin.patch(f"/channels/{made['id']}/keys/9999", enabled=True).status_code == 404
