"""Channels of Amazon Bedrock: Claude by its own body, all other models through Converse, in binary streams."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from openopen8.core.models import ChannelKey
from relay import probe
from tests.fakes.upstream import Exchange, Script
from tests.fakes.vendors import ANSWER
from tests.fakes.vendors.bedrock import (
    ACCESS,
    API_KEY,
    CLAUDE,
    NOVA,
    SECRET,
    SESSION,
    bedrock,
    bedrock_models,
    told,
)
from tests.fakes.vendors.play import whole
from tests.relay.callers import CALLERS
from tests.relay.house import Build, House
from tests.relay.socketed import served

KEY = f"{ACCESS}:{SECRET}"
ASKED: dict[str, Any] = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Go."}]}

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def built(build: Build, model: str, *keys: str, session: str = "") -> House:
    channel = {"type": "bedrock", "model_mapping": {"m": model}, "keys": keys or (KEY,)}
    house = await build(channel=channel)
    house.fake.script(bedrock(house.clock.now(), session))
    return house


def broken_off(first: bytes, *later: bytes) -> Script:
    """A stream whose later messages come when the test lets them."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin({"content-type": "application/vnd.amazon.eventstream"})
        await exchange.chunk(first)
        for one in later:
            await exchange.gate()
            await exchange.chunk(one)
        await exchange.end()

    return script


def refusing(status: int, text: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await whole(exchange, status, json.dumps({"message": text}).encode())

    return script


@both
@pytest.mark.parametrize("caller", list(CALLERS))
async def test_official_clients_of_every_format_play_a_tools_loop_through_converse(
    build: Build, caller: str, stream: bool
) -> None:
    house = await built(build, NOVA)
    async with served(house) as address:
        text, tokens = await CALLERS[caller](address, house.key, stream, True)
    assert text == ANSWER and tokens == (1000, 500) and len(house.fake.chats) == 2
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500]
    house.settled()


@both
async def test_claude_answers_as_claude_to_its_own_callers_and_to_others(build: Build, stream: bool) -> None:
    house = await built(build, CLAUDE)
    async with served(house) as address:
        for caller in ("anthropic", "openai_chat"):
            assert await CALLERS[caller](address, house.key, stream, False) == (ANSWER, (1000, 500))
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500]
    paths = {request.path.rpartition("/")[2] for request in house.fake.chats}
    assert paths == {"invoke-with-response-stream" if stream else "invoke"}
    house.settled()


async def test_beta_features_stand_in_the_body_and_service_tiers_nowhere(build: Build) -> None:
    house = await built(build, CLAUDE)
    reply = await house.caller.post(
        "/v1/messages", {**ASKED, "service_tier": "auto"}, headers={"anthropic-beta": "b-1"}
    )
    assert reply.status == 200 and reply.headers["x-openopen8-loss"] == "service_tier"
    assert house.fake.chats[0].json["anthropic_beta"] == ["b-1"]


@pytest.mark.parametrize(("key", "session"), [(f"{KEY}:{SESSION}", SESSION), (API_KEY, "")], ids=["session", "api-key"])
async def test_temporary_keys_and_api_keys_open_the_door_too(build: Build, key: str, session: str) -> None:
    house = await built(build, NOVA, key, session=session)
    assert (await house.caller.chat(stream=True)).text == ANSWER


async def test_a_large_body_is_signed_as_well(build: Build) -> None:
    house = await built(build, NOVA)
    assert (await house.caller.chat(messages=[{"role": "user", "content": "word " * 60_000}])).status == 200


@pytest.mark.parametrize("key", [f"{ACCESS}:wrong", "no:key of ours", "ABSKwrong"])
async def test_a_key_that_aws_refuses_is_switched_off(build: Build, key: str) -> None:
    house = await built(build, NOVA, key)
    assert (await house.caller.chat()).status == 502
    (stored,) = house.world.all(ChannelKey)
    assert not stored.enabled and SECRET not in stored.disabled_reason


async def test_a_temporary_keys_token_that_aws_repeats_is_told_to_nobody(build: Build) -> None:
    token = "IQoJb3JpZ2lu/X2VjEJ3+AAAaCXVzLWVhc3Q/tMSJIMEYC+IQDq=="
    house = await built(build, NOVA, f"ASIAEXAMPLEKEY:{SECRET}:{token}")
    canonical = f"POST\n/model/m/converse\n\nhost:h\nx-amz-date:20261125T000000Z\nx-amz-security-token:{token}\n\nhost"
    why = f"The request signature we calculated does not match. The Canonical String should have been '{canonical}'"
    house.fake.script(refusing(403, f"{why} for ASIAEXAMPLEKEY"))
    reply = await house.caller.chat()
    (key,) = house.world.all(ChannelKey)
    told = key.disabled_reason + reply.body.decode() + repr(house.entry())
    assert not key.enabled and "does not match" in key.disabled_reason
    assert not any(piece in told for piece in ("IQoJ", "X2VjEJ3", "tMSJIMEYC", "IQDq", "ASIAEXAMPLEKEY"))


@both
async def test_throttling_rests_the_key_and_is_told_as_429(build: Build, stream: bool) -> None:
    house = await built(build, NOVA)
    throttled = told("throttlingException", {"message": "Too many tokens."}, "exception")
    house.fake.script(broken_off(throttled) if stream else refusing(429, "Too many tokens."))
    reply = await house.caller.chat(stream=stream)
    assert reply.status == 429 and reply.json["error"]["message"] == "Too many tokens."
    (key,) = house.world.all(ChannelKey)
    assert key.enabled and key.rest_until
    assert house.entry().credits == 0
    house.settled()


async def test_aws_words_about_a_bad_request_reach_the_caller(build: Build) -> None:
    house = await built(build, NOVA)
    house.fake.script(refusing(400, "The maximum tokens you requested exceeds the model limit."))
    reply = await house.caller.chat()
    assert reply.status == 400 and "exceeds the model limit" in reply.json["error"]["message"]


@pytest.mark.parametrize("model", [NOVA, CLAUDE], ids=["converse", "claude"])
async def test_an_exception_in_the_middle_of_a_stream_ends_it_with_an_error(build: Build, model: str) -> None:
    house = await built(build, model)
    error = told("modelStreamErrorException", {"message": "Broke."}, "exception")
    if model == NOVA:
        said = told("contentBlockDelta", {"delta": {"text": "Hel"}, "contentBlockIndex": 0})
    else:
        event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}
        said = told("chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode()})
    house.fake.script(broken_off(said, error))
    talk = house.caller.open("/v1/messages", {**ASKED, "stream": True})
    await talk.until(b"Hel")
    house.fake.let()
    reply = await talk.end()
    assert reply.status == 200 and reply.events[-1]["type"] == "error"
    assert house.entry().output_tokens > 0
    house.settled()


@pytest.mark.parametrize("cut", [False, True], ids=["damaged", "cut"])
async def test_a_stream_that_is_damaged_or_cut_never_ends_as_if_it_were_whole(build: Build, cut: bool) -> None:
    house = await built(build, NOVA)
    said = told("contentBlockDelta", {"delta": {"text": "Hel"}, "contentBlockIndex": 0})
    house.fake.script(broken_off(said, said[:-9]) if cut else broken_off(said, said[:-9] + b"?" + said[-8:]))
    talk = house.caller.stream()
    await talk.until(b"Hel")
    house.fake.let()
    reply = await talk.end()
    assert reply.text == "Hel" and "error" in reply.events[-1]
    house.settled()


async def test_a_channel_can_be_tested_and_asked_for_its_models(build: Build) -> None:
    house = await build(channel={"type": "bedrock", "keys": (KEY,)})
    house.fake.script(bedrock(house.clock.now()))
    for model in (NOVA, CLAUDE):
        for stream in (False, True):
            found = await probe.test_channel(house.tools, house.channel_id, model=model, stream=stream)
            assert found.answer == ANSWER and found.error == ""
    house.fake.lists = bedrock_models(house.clock.now())
    assert await probe.list_models_of(house.tools, house.channel_id) == ("a.one", "b.two")
    assert house.fake.requests[-1].path == "/foundation-models"
