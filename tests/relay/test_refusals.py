"""Who is let in: credentials in every style, the order of refusals, what each says. (L2-L6, L21, N17)"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openopen8.core.models import Channel, Option, Token, User
from openopen8.core.security.keyring import Keyring
from openopen8.core.security.secrets import TOKEN_PREFIX, new_value
from openopen8.core.services.snapshot import bump
from relay.app import Relay
from relay.credentials import key_hash
from tests.fakes.upstream import whole
from tests.relay.driving import Caller, Reply, question
from tests.relay.house import Build, House

GEMINI = {"contents": [{"parts": [{"text": "x"}]}]}
CLAUDE = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}


async def asked(house: House, headers: dict[str, str] | None = None, query: str = "") -> Reply:
    return await Caller(house.relay).post(body=question(), headers=headers or {}, query=query)


async def test_the_same_token_works_in_every_style(house: House) -> None:
    key = house.key
    assert (await asked(house, {"Authorization": f"Bearer {key}"})).status == 200
    assert (await asked(house, {"authorization": f"bearer {key}"})).status == 200
    assert (await asked(house, {"x-api-key": key})).status == 200
    assert (await asked(house, {"x-goog-api-key": key})).status == 200
    assert (await asked(house, query=f"key={key}")).status == 200
    assert (await asked(house, {"x-api-key": key, "authorization": f"Bearer {key}"})).status == 200


async def test_a_token_that_is_none_or_two_is_refused(house: House) -> None:
    key, other = house.key, house.world.token(house.user)[1]
    slots: list[tuple[dict[str, str], str]] = [
        ({}, ""),
        ({"authorization": key}, ""),
        ({"authorization": f"Basic {key}"}, ""),
        ({"authorization": f"Bearer {key}", "x-api-key": other}, ""),
        ({"authorization": f"Bearer {key}"}, f"key={other}"),
        ({"authorization": key, "x-api-key": key}, ""),
        ({}, f"key={key}&key={other}"),
        ({"x-api-key": new_value(TOKEN_PREFIX)}, ""),
        ({"x-api-key": "oo8-" + key[3:]}, ""),
        ({"x-api-key": house.tools.keyring.hash(key)}, ""),
    ]
    for headers, query in slots:
        reply = await asked(house, headers, query)
        assert (reply.status, reply.json["error"]["code"]) == (401, "invalid_api_key"), (headers, query)
        assert key not in reply.body.decode() and other not in reply.body.decode()
    assert house.world.log() == [] and house.fake.chats == []


KEYRING = Keyring("x" * 32)
HOSTILE = st.one_of(
    st.binary(max_size=80), st.sampled_from([b"' OR 1=1 --", b"sk-" + b"'" * 48, b"Bearer Bearer", b"\x00"])
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_no_credential_slot_can_be_upset(one: bytes, two: bytes, three: bytes, query: bytes) -> None:
    headers = [(b"authorization", b"Bearer " + one), (b"x-api-key", two), (b"x-goog-api-key", three)]
    for slots in (headers, headers[:1], headers[1:2], headers[2:]):
        assert key_hash(slots, b"key=" + query, KEYRING) is None


async def test_hostile_credentials_get_a_401_and_nothing_else(house: House) -> None:
    for value in ("' OR '1'='1", "sk-" + "%" * 48, "sk-" + "é" * 48, "sk-", "{}"):
        for headers in ({"authorization": f"Bearer {value}"}, {"x-api-key": value}, {"x-goog-api-key": value}):
            assert (await asked(house, headers)).status == 401


async def test_refusals_name_the_token_by_its_hint_and_are_in_the_log(house: House) -> None:
    house.world.change(Token, house.token_id, enabled=False)
    reply = await house.caller.chat()
    token = house.world.one(Token, house.token_id)
    assert reply.json["error"]["code"] == "token_disabled" and token.hint in reply.json["error"]["message"]
    assert token.name not in reply.body.decode()
    entry = house.entry()
    assert (entry.status, entry.token_id) == (401, house.token_id) and entry.error.startswith("token_disabled")
    assert house.fake.chats == []


async def test_disable_and_enable_count_for_the_very_next_request_with_two_workers(build: Build) -> None:
    first = await build()
    second = Relay(first.tools)
    await second.start()
    try:
        other = Caller(second, first.key)
        for enabled, wanted in ((True, 200), (False, 401), (True, 200), (False, 401)):
            first.world.change(Token, first.token_id, enabled=enabled)
            assert (await first.caller.chat()).status == wanted
            assert (await other.chat()).status == wanted
        first.world.change(Token, first.token_id, enabled=True, key_hash=None)
        assert (await other.chat()).json["error"]["code"] == "invalid_api_key"
    finally:
        await second.stop()


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("disabled", {"enabled": False}, 401, "token_disabled"),
    ("expired", {"expires_at": 1}, 401, "token_expired"),
    ("address", {"ip_whitelist": ["10.0.0.0/8"]}, 403, "ip_not_allowed"),
    ("model", {"allowed_models": ["other"]}, 403, "model_not_allowed"),
    ("group", {"group_id": 99}, 403, "group_not_allowed"),
    ("quota", {"quota": 0}, 401, "token_quota_exhausted"),
]


@pytest.mark.parametrize(("name", "fields", "status", "code"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_every_restriction_is_enforced_in_every_format(
    house: House, name: str, fields: dict[str, Any], status: int, code: str
) -> None:
    caller = house.other_caller(**fields)
    openai = await caller.chat()
    assert (openai.status, openai.json["error"]["code"]) == (status, code)
    claude = await caller.post("/v1/messages", CLAUDE)
    assert claude.status == status and claude.json["error"]["type"] in ("authentication_error", "permission_error")
    gemini = await caller.post("/v1beta/models/m:generateContent", GEMINI)
    assert gemini.status == status and gemini.json["error"]["details"][0]["reason"] == code
    assert {r.headers["x-openopen8-error"] for r in (openai, claude, gemini)} == {code}
    assert house.fake.chats == []


async def test_the_first_of_several_faults_counts(house: House) -> None:
    """Faults are taken away one by one; each time the next one in the order is told."""
    await house.caller.chat()  # uses something up
    everything: dict[str, Any] = {
        "enabled": False, "expires_at": 1, "ip_whitelist": ["10.0.0.1"], "group_id": 77,
        "allowed_models": ["other"], "rate_limit": 1, "quota": 0,
    }  # fmt: skip
    token_id, key = house.world.token(house.user, **everything)
    caller = Caller(house.relay, key)
    body: dict[str, Any] = {"model": "n", "messages": "none"}

    async def told() -> str:
        return (await caller.post(body=body)).headers["x-openopen8-error"]

    assert await told() == "token_disabled"
    house.world.change(Token, token_id, enabled=True)
    assert await told() == "token_expired"
    house.world.change(Token, token_id, expires_at=None)
    house.world.change(User, house.user.user_id, enabled=False)
    assert await told() == "user_disabled"
    house.world.change(User, house.user.user_id, enabled=True)
    assert await told() == "ip_not_allowed"
    house.world.change(Token, token_id, ip_whitelist=[])
    assert await told() == "invalid_request"
    body["messages"] = [{"role": "user", "content": "x"}]
    assert await told() == "group_not_allowed"
    house.world.change(Token, token_id, group_id=None)
    assert await told() == "model_not_allowed"
    house.world.change(Token, token_id, allowed_models=[])
    assert await told() == "no_available_channel"
    house.world.change(Channel, house.channel_id, models=["m", "n"])
    assert await told() == "model_not_priced"
    house.world.price("n")
    assert await told() == "token_quota_exhausted"
    house.world.change(Token, token_id, quota=None)
    assert (await caller.post(body=body)).status == 200
    assert await told() == "rate_limit_exceeded"
    house.settled()


async def test_quota_used_up_is_a_401_until_it_is_raised(house: House) -> None:
    token_id, key = house.world.token(house.user, quota=12_500)
    caller = Caller(house.relay, key)
    assert (await caller.chat()).status == 200
    for _ in range(3):
        assert (await caller.chat()).json["error"]["code"] == "token_quota_exhausted"
    house.world.change(Token, token_id, quota=20_000)
    assert (await caller.chat()).status == 200
    house.settled()


async def test_a_group_ratio_of_a_half_halves_the_cost(house: House) -> None:
    group = house.world.group("half", "0.5", selectable=True)
    house.world.change(Channel, house.channel_id, groups=[1, group])
    await house.other_caller(group_id=group).chat()
    assert house.entry().credits == 6_250


async def test_an_empty_balance_is_a_403(build: Build) -> None:
    house = await build(balance=0)
    assert (await house.caller.chat()).json["error"]["code"] == "insufficient_user_quota"


async def test_rate_limited_answers_look_as_programs_expect(house: House) -> None:
    caller = house.other_caller(rate_limit=1)
    assert (await caller.chat()).headers["x-ratelimit-remaining-requests"] == "0"
    reply = await caller.chat()
    assert reply.status == 429 and int(reply.headers["retry-after"]) <= 60
    wanted = {"message": "Rate limit exceeded. Please try again later.", "type": "rate_limit_error", "code": 429}
    assert reply.json == {"error": wanted}


async def test_a_forged_forwarded_header_does_not_help(build: Build) -> None:
    house = await build()
    caller = house.other_caller(ip_whitelist=["10.1.1.1", "2001:db8::/32"])
    forged = {"x-forwarded-for": "10.1.1.1"}
    assert (await caller.post(body=question(), headers=forged)).json["error"]["code"] == "ip_not_allowed"
    assert (await caller.post(body=question(), peer="10.1.1.1")).status == 200
    assert (await caller.post(body=question(), peer="::ffff:10.1.1.1")).status == 200
    assert (await caller.post(body=question(), peer="2001:db8::5")).status == 200


async def test_behind_a_trusted_proxy_the_rightmost_untrusted_address_counts(build: Build) -> None:
    house = await build(trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),))
    caller = house.other_caller(ip_whitelist=["10.1.1.1"])
    through = {"x-forwarded-for": "203.0.113.5, 10.1.1.1"}
    assert (await caller.post(body=question(), peer="127.0.0.1", headers=through)).status == 200
    forged = {"x-forwarded-for": "10.1.1.1, 203.0.113.5"}
    assert (await caller.post(body=question(), peer="127.0.0.1", headers=forged)).status == 403
    assert (await caller.post(body=question(), peer="203.0.113.5", headers=through)).status == 403


async def test_query_strings_do_not_reach_the_log(house: House) -> None:
    await asked(house, query=f"key={house.key}&secret=42")
    entry = house.entry()
    assert house.key not in repr(entry) and "42" not in entry.endpoint


async def test_an_unknown_model_is_a_503_that_says_not_to_try_again(house: House) -> None:
    reply = await house.caller.chat(model="no-such-model")
    assert reply.status == 503 and reply.headers["x-should-retry"] == "false"


async def test_too_many_requests_in_flight_are_turned_away(build: Build) -> None:
    house = await build(max_requests_in_flight=2)
    house.fake.script(whole(gated=True))
    running = [house.caller.open(body=question()) for _ in range(2)]
    while len(house.fake.chats) < 2:
        await asyncio.sleep(0.01)
    reply = await house.caller.chat()
    assert (reply.status, reply.json["error"]["code"]) == (503, "overloaded") and reply.headers["retry-after"]
    house.fake.let(3)
    assert [(await talk.end()).status for talk in running] == [200, 200]
    assert (await house.caller.chat()).status == 200


async def test_unpriced_models_are_refused_unless_the_admin_allows_them(house: House) -> None:
    house.world.change(Channel, house.channel_id, models=["m", "new"])
    assert (await house.caller.chat(model="new")).json["error"]["code"] == "model_not_priced"
    with house.tools.db.write() as session:
        session.add(Option(name="allow_unpriced_models", value=True))
        bump(session)
    reply = await house.caller.chat(model="new")
    assert reply.status == 200 and reply.headers["x-openopen8-credits"] == "0"


async def test_a_model_or_price_that_is_added_counts_at_once(house: House) -> None:
    """L21: also for a token with a list of allowed models."""
    caller = house.other_caller(allowed_models=["later"])
    assert (await caller.chat(model="later")).status == 503
    house.world.channel(house.fake.url, models=("later",))
    assert (await caller.chat(model="later")).status == 400
    house.world.price("later")
    assert (await caller.chat(model="later")).status == 200
