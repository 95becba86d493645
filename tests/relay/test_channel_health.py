"""Channels and keys that fail: they rest, are switched off, and come back without an admin. (N11-N14)"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openopen8.core.models import Channel, ChannelKey, LogEntry
from openopen8.core.services import channel_health
from openopen8.core.tools import Tools
from relay import health
from relay.app import Relay
from relay.healing import heal, keep_healing
from relay.upstream import open_upstream
from tests.fakes.upstream import FakeUpstream, status, whole
from tests.relay.driving import Caller, question
from tests.relay.house import Build, House
from tests.world import World


def key_states(house: House) -> dict[int, bool]:
    """In the order of their ids; PostgreSQL shows what was changed last at the end."""
    return dict(sorted((row.id, row.enabled) for row in house.world.all(ChannelKey)))


def channel(house: House, id: int = 0) -> Channel:
    found: Channel = house.world.one(Channel, id or house.channel_id)
    return found


UNPAID = "Your credit balance is too low"


@pytest.mark.parametrize(
    "refusal",
    [
        status(401),
        status(403),
        status(402),
        status(429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}),
        status(400, {"error": {"type": "invalid_request_error", "message": f"{UNPAID} to access the Anthropic API."}}),
        status(400, [{"error": {"status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}]),
    ],
    ids=["401", "403", "402", "insufficient_quota", "claude", "google"],
)
async def test_a_key_that_the_provider_refuses_is_switched_off_and_the_next_one_serves(
    build: Build, refusal: Any
) -> None:
    house = await build(channel={"keys": ("key-a", "key-b")})
    house.fake.script(refusal, whole())
    assert (await house.caller.chat()).status == 200
    first = house.fake.chats[0].key
    assert list(key_states(house).values()) == [False, True] and first == "key-a"
    assert channel(house).enabled
    await house.caller.chat()
    assert house.fake.chats[-1].key == "key-b" and len(house.fake.chats) == 3
    house.settled()


@pytest.mark.parametrize("echo", [
    {"error": {"message": "Invalid value: 'insufficient_quota'.", "code": "invalid_value", "param": "API_KEY_INVALID"}},
    {"error": {"message": f'What do you mean by "{UNPAID}"?', "details": [{"input": {"reason": "API_KEY_INVALID"}}]}},
    {"detail": [{"type": "enum", "input": {"code": "billing_not_active"}}], "code": 400},
    [7], {"error": {"details": 7, "code": ["insufficient_quota"]}}, {"error": "insufficient_quota"},
])  # fmt: skip
async def test_no_caller_switches_a_key_off_by_words_that_the_provider_repeats(house: House, echo: Any) -> None:
    house.fake.script(status(400, echo))
    assert (await house.caller.chat()).status == 400
    assert list(key_states(house).values()) == [True] and channel(house).enabled
    house.settled()


async def test_a_caller_whose_words_are_flagged_switches_no_key_off(build: Build) -> None:
    house = await build(channel={"type": "openrouter", "priority": 9})
    other = house.world.channel(house.fake.url)
    flagged = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "p", "model_slug": "m"}
    house.fake.script(status(403, {"error": {"code": 403, "message": "Flagged.", "metadata": flagged}}), whole())
    assert (await house.caller.chat()).status == 200 and house.entry().channel_id == other
    assert all(key_states(house).values()) and channel(house).enabled
    house.settled()


async def test_keys_are_used_one_after_the_other_where_the_admin_wants_it(build: Build) -> None:
    house = await build(channel={"keys": ("key-a", "key-b", "key-c"), "key_mode": "round_robin"})
    for _ in range(6):
        await house.caller.chat()
    assert [chat.key for chat in house.fake.chats] == ["key-a", "key-b", "key-c"] * 2


async def test_a_channel_without_keys_left_is_switched_off_with_the_reason(house: House) -> None:
    house.fake.script(status(401, {"error": {"message": "Incorrect API key provided: upstream-key"}}))
    assert (await house.caller.chat()).status == 502
    found = channel(house)
    assert not found.enabled and "No key is left" in found.disabled_reason
    told = [entry.error for entry in house.world.all(LogEntry) if entry.kind == "admin"]
    assert any("switched off channel" in text for text in told)
    again = await house.caller.chat()
    assert again.status == 503 and len(house.fake.chats) == 1
    house.settled()


async def test_without_auto_disable_keys_stay_on(build: Build) -> None:
    house = await build(channel={"auto_disable": False})
    house.fake.script(status(401))
    await house.caller.chat()
    assert channel(house).enabled and all(key_states(house).values())


async def test_a_429_rests_the_key_for_as_long_as_the_provider_says_and_others_serve(house: House) -> None:
    with FakeUpstream(whole("second")) as second:
        house.world.channel(second.url, priority=-1)
        house.fake.script(status(429, headers={"retry-after": "20"}), whole("first"))
        assert "second" in (await house.caller.chat()).body.decode()
        assert "second" in (await house.caller.chat()).body.decode()
        assert len(house.fake.chats) == 1
        house.clock.advance(20_001)
        assert "first" in (await house.caller.chat()).body.decode()
    house.settled()


async def test_when_all_rest_the_caller_hears_when_to_come_back(house: House) -> None:
    house.fake.script(status(429, headers={"retry-after": "20"}))
    assert (await house.caller.chat()).status == 429
    reply = await house.caller.chat()
    assert (reply.status, reply.json["error"]["code"]) == (503, "no_available_channel")
    assert reply.headers["retry-after"] == "20" and "x-should-retry" not in reply.headers
    assert house.world.log()[-1].credits == 0
    house.settled()


async def open_breaker(house: House) -> None:
    house.fake.script(status(500))
    for _ in range(health.OPENS_AFTER):
        assert (await house.caller.chat()).status == 502
    house.fake.requests.clear()


async def test_one_stray_failure_changes_nothing(house: House) -> None:
    house.fake.script(status(503), whole())
    assert (await house.caller.chat()).status == 502
    assert (await house.caller.chat()).status == 200
    assert channel(house).rest_until is None


async def test_failures_in_a_row_open_the_breaker_and_one_trial_closes_it(house: House) -> None:
    await open_breaker(house)
    assert (await house.caller.chat()).status == 503 and house.fake.chats == []
    house.clock.advance(health.REST_MS + 1)
    house.fake.script(whole(gated=True))
    trial = house.caller.open(body=question())
    while not house.fake.chats:
        await asyncio.sleep(0.01)
    others = [await house.caller.chat() for _ in range(5)]
    assert [reply.status for reply in others] == [503] * 5, "only one trial at a time"
    house.fake.let()
    assert (await trial.end()).status == 200
    house.fake.script(whole())
    assert (await house.caller.chat()).status == 200
    assert channel(house).rest_until is None and channel(house).enabled
    house.settled()


async def test_a_trial_with_a_bad_request_closes_the_breaker_since_the_provider_answered(house: House) -> None:
    await open_breaker(house)
    house.clock.advance(health.REST_MS + 1)
    house.fake.script(status(400), whole())
    assert (await house.caller.chat()).status == 400
    assert (await house.caller.chat()).status == 200
    assert channel(house).rest_until is None
    house.settled()


async def test_a_request_that_is_refused_here_says_nothing_about_the_provider(build: Build) -> None:
    house = await build(channel={"type": "gemini"})
    house.fake.script(status(500))
    drawing = {"model": "m", "prompt": "x"}
    for n in (1,) * (health.OPENS_AFTER - 1) + (11, 1):  # no more than ten pictures
        reply = await house.caller.post("/v1/images/generations", {**drawing, "n": n})
        assert reply.status == (502 if n == 1 else 400)
    assert channel(house).rest_until and len(house.fake.chats) == health.OPENS_AFTER
    house.settled()


async def test_a_trial_that_fails_means_a_further_rest(house: House) -> None:
    await open_breaker(house)
    house.clock.advance(health.REST_MS + 1)
    assert (await house.caller.chat()).status == 502
    assert (await house.caller.chat()).status == 503
    assert len(house.fake.chats) == 1
    house.settled()


async def test_other_workers_see_an_open_breaker_and_share_the_one_trial(house: House) -> None:
    other = Relay(house.tools)
    await other.start()
    try:
        await open_breaker(house)
        assert (await Caller(other, house.key).chat()).status == 503
        house.clock.advance(health.REST_MS + 1)
        house.fake.script(whole(gated=True))
        talks = [caller.open(body=question()) for caller in (house.caller, Caller(other, house.key)) for _ in range(4)]
        while not house.fake.chats or sum(talk.done for talk in talks) < 7:
            await asyncio.sleep(0.01)
        house.fake.let()
        assert sorted([(await talk.end()).status for talk in talks]) == [200] + [503] * 7
        assert len(house.fake.chats) == 1
    finally:
        await other.stop()
    house.settled()


async def test_bad_requests_do_not_open_the_breaker(house: House) -> None:
    house.fake.script(status(400))
    for _ in range(health.OPENS_AFTER + 2):
        assert (await house.caller.chat()).status == 400
    assert channel(house).rest_until is None


async def test_the_periodic_test_switches_keys_and_channel_on_again(build: Build) -> None:
    house = await build(channel={"keys": ("key-a", "key-b")})
    house.fake.script(status(401))
    await house.caller.chat()
    assert not channel(house).enabled and not any(key_states(house).values())
    upstream = open_upstream(house.tools.settings)
    assert await heal(house.tools, upstream) == 0
    house.fake.script(whole())
    assert await heal(house.tools, upstream) == 2
    await upstream.close()
    assert channel(house).enabled and all(key_states(house).values()) and not channel(house).disabled_reason
    assert (await house.caller.chat()).status == 200


async def test_what_a_person_switched_off_stays_off(house: House) -> None:
    house.world.change(Channel, house.channel_id, enabled=False)
    (key,) = house.world.all(ChannelKey)
    house.world.change(ChannelKey, key.id, enabled=False)
    assert channel_health.sick_keys(house.tools) == ()


async def test_the_round_of_tests_runs_by_itself(house: House) -> None:
    house.fake.script(status(401), whole())
    await house.caller.chat()
    upstream = open_upstream(house.tools.settings)
    task = asyncio.create_task(keep_healing(house.tools, upstream, every=0.02))
    while not channel(house).enabled:
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await upstream.close()


def test_only_one_worker_makes_a_round(tools: Tools) -> None:
    now = tools.now()
    assert [channel_health.claim_tests(tools, now, 60_000) for _ in range(3)] == [True, False, False]
    assert channel_health.claim_tests(tools, now + 60_000, 60_000)


def test_the_state_of_channels_is_written_on_both_databases(tools: Tools) -> None:
    world = World(tools)
    id = world.channel()
    (key,) = world.all(ChannelKey)
    channel_health.rest_key(tools, key.id, 500, "too many")
    channel_health.rest_key(tools, key.id, 400, "a shorter rest does not win")
    channel_health.rest_channel(tools, id, 700, "5 failures")
    assert world.one(ChannelKey, key.id).rest_until == 500 and world.one(Channel, id).rest_until == 700
    assert [channel_health.claim_trial(tools, id, 700, 900) for _ in range(2)] == [True, False]
    channel_health.recovered(tools, id)
    assert world.one(Channel, id).rest_until is None
    for _ in range(2):
        channel_health.disable_key(tools, id, key.id, "refused")
    assert not world.one(Channel, id).enabled and len(world.log("admin")) == 2
    (sick,) = channel_health.sick_keys(tools)
    channel_health.revive_key(tools, sick)
    assert world.one(Channel, id).enabled and channel_health.sick_keys(tools) == ()
