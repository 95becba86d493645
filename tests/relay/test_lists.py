"""Lists of models, balance look-ups, health, browsers."""

from __future__ import annotations

from openopen8.api.app import create_api
from openopen8.core.models import Token
from relay.app import Relay
from tests.relay.driving import Caller
from tests.relay.house import Build, House

ANTHROPIC = {"anthropic-version": "2023-06-01"}


async def test_a_list_holds_what_the_token_may_use_and_what_has_a_price(house: House) -> None:
    house.world.channel(models=("priced", "unpriced", "vendor/with/slashes"))
    other = house.world.group("other")
    house.world.channel(models=("elsewhere",), groups=[other])
    for name in ("priced", "vendor/with/slashes", "elsewhere"):
        house.world.price(name)
    listed = await house.caller.get("/v1/models")
    assert [row["id"] for row in listed.json["data"]] == ["m", "priced", "vendor/with/slashes"]
    assert listed.json["object"] == "list" and listed.json["data"][0]["object"] == "model"
    some = await house.other_caller(allowed_models=["priced", "elsewhere"]).get("/models")
    assert [row["id"] for row in some.json["data"]] == ["priced"]
    assert house.world.log() == []


async def test_lists_come_in_the_callers_format(house: House) -> None:
    claude = (await house.caller.get("/v1/models", headers=ANTHROPIC)).json
    assert claude["data"][0]["type"] == "model" and claude["data"][0]["id"] == "m"
    assert claude["has_more"] is False and claude["first_id"] == claude["last_id"] == "m"
    gemini = (await house.caller.get("/v1beta/models")).json
    assert gemini["models"][0]["name"] == "models/m"
    google = await Caller(house.relay, headers={"x-goog-api-key": house.key}).get("/v1/models")
    assert google.json == gemini
    assert "generateContent" in gemini["models"][0]["supportedGenerationMethods"]


async def test_one_model_is_found_by_its_name_slashes_and_all(house: House) -> None:
    house.world.channel(models=("vendor/a/b",))
    house.world.price("vendor/a/b")
    assert (await house.caller.get("/v1/models/vendor/a/b")).json["id"] == "vendor/a/b"
    assert (await house.caller.get("/v1beta/models/m")).json["name"] == "models/m"
    assert (await house.caller.get("/models/m", headers=ANTHROPIC)).json["id"] == "m"
    missing = await house.caller.get("/v1/models/nope")
    assert (missing.status, missing.json["error"]["code"]) == (404, "model_not_found")
    missing = await house.caller.get("/v1/models/nope", headers=ANTHROPIC)
    assert missing.json["error"]["type"] == "not_found_error"
    missing = await house.caller.get("/v1beta/models/nope")
    assert missing.json["error"]["status"] == "NOT_FOUND"


async def test_an_exhausted_token_may_list_and_a_disabled_one_may_not(house: House) -> None:
    assert (await house.other_caller(quota=0).get("/v1/models")).status == 200
    house.world.change(Token, house.token_id, enabled=False)
    refused = await house.caller.get("/v1/models")
    assert refused.json["error"]["code"] == "token_disabled"
    assert (await house.caller.get("/v1beta/models")).json["error"]["status"] == "UNAUTHENTICATED"
    assert (await Caller(house.relay).get("/v1/models")).status == 401
    assert (await house.other_caller(ip_whitelist=["10.0.0.1"]).get("/v1/models")).status == 403


async def test_balance_look_ups_tell_quota_and_use(house: House) -> None:
    caller = house.other_caller(quota=1_000_000)
    await caller.chat()
    plan = (await caller.get("/v1/dashboard/billing/subscription")).json
    assert plan["hard_limit_usd"] == 2.0
    spent = (await caller.get("/dashboard/billing/usage", query="start_date=2026-01-01")).json
    assert spent["total_usage"] == 2.5
    token = (await caller.get("/api/usage/token")).json["data"]
    assert (token["total_granted"], token["total_used"], token["total_available"]) == (1_000_000, 12_500, 987_500)
    assert token["unlimited_quota"] is False


async def test_the_api_describes_the_look_up_as_it_is_answered(house: House) -> None:
    described = create_api(house.tools).openapi()
    look_up = described["paths"]["/api/usage/token"]["get"]
    assert look_up["security"] == [{"token": []}]
    body = look_up["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    answered = (await house.caller.get("/api/usage/token")).json
    assert set(body) == set(answered) and set(body["data"]["properties"]) == set(answered["data"])


async def test_a_token_without_quota_shows_its_users_balance(build: Build) -> None:
    house = await build(balance=1_000_000)
    token = (await house.caller.get("/api/usage/token")).json["data"]
    assert token["unlimited_quota"] is True and token["total_available"] == 1_000_000


async def test_health_paths(house: House) -> None:
    anyone = Caller(house.relay)
    assert (await anyone.get("/healthz")).json == {"status": "ok"}
    assert (await anyone.get("/readyz")).status == 200
    assert (await Caller(Relay(house.tools)).get("/readyz")).status == 503


async def test_browsers_may_call_from_anywhere_without_cookies(house: House) -> None:
    wanted = {"origin": "https://app.test", "access-control-request-headers": "authorization,content-type"}
    asked = await Caller(house.relay).open("/v1/chat/completions", method="OPTIONS", headers=wanted).end()
    assert asked.status == 204 and asked.headers["access-control-allow-origin"] == "*"
    assert asked.headers["access-control-allow-headers"] == "authorization,content-type"
    for reply in (await house.caller.chat(), await Caller(house.relay).chat(), await house.caller.get("/v1/models")):
        assert reply.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in reply.headers
        assert reply.headers["x-request-id"].startswith("req_")


async def test_unknown_paths_speak_the_format_that_the_path_shows(house: House) -> None:
    assert (await house.caller.post("/v1/nothing", {})).json["error"]["code"] == "not_found"
    assert (await house.caller.post("/v1/messages/nothing", {})).json["error"]["type"] == "not_found_error"
    assert (await house.caller.post("/v1beta/nothing", {})).json["error"]["status"] == "NOT_FOUND"
    wrong = await house.caller.post("/v1/models", {})
    assert wrong.status == 405 and wrong.headers["allow"] == "GET, OPTIONS"
