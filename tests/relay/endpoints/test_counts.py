"""POST /v1/messages/count_tokens and Gemini's :countTokens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openopen8.core.models import Channel
from relay.channels import TYPES
from tests.fakes.upstream import status
from tests.relay.endpoints.clients import claude_client, google_client
from tests.relay.house import Build, House

MESSAGES: list[Any] = [{"role": "user", "content": "one two three"}]
BODY = {"model": "m", "messages": MESSAGES}
CONTENTS = [{"role": "user", "parts": [{"text": "one two three"}]}]

claude_channels = pytest.mark.skipif(
    "count_tokens" not in getattr(TYPES.get("anthropic"), "paths", ()), reason="no channel type counts by itself yet"
)


async def test_claudes_client_counts_for_nothing_where_no_channel_speaks_its_format(house: House) -> None:
    found = await claude_client(house).messages.count_tokens(model="m", messages=MESSAGES)
    assert 3 < found.input_tokens < 20
    assert house.fake.chats == []
    entry = house.entry()
    assert (entry.status, entry.credits, entry.endpoint) == (200, 0, "/v1/messages/count_tokens")
    house.settled()


async def test_googles_client_counts_for_nothing(house: House) -> None:
    found = await google_client(house).aio.models.count_tokens(model="m", contents="one two three")
    assert found.total_tokens is not None and 3 < found.total_tokens < 20
    assert house.entry().credits == 0 and house.entry().endpoint == "/v1beta/models/{model}:countTokens"


async def test_instructions_and_tools_count(house: House) -> None:
    async def count(**more: Any) -> int:
        reply = await house.caller.post("/v1/messages/count_tokens", {**BODY, **more})
        return int(reply.json["input_tokens"])

    tools = [{"name": "get_weather", "input_schema": {"type": "object"}}]
    plain = await count()
    assert await count(system="be brief") == plain + 2
    assert await count(tools=tools) > plain
    whole = {"model": "models/m", "contents": CONTENTS, "systemInstruction": {"parts": [{"text": "be brief"}]}}
    reply = await house.caller.post("/v1beta/models/m:countTokens", {"generateContentRequest": whole})
    bare = await house.caller.post("/v1beta/models/m:countTokens", {"contents": CONTENTS})
    assert reply.json["totalTokens"] > bare.json["totalTokens"] > 3


async def test_long_texts_are_counted_to_the_last_token(house: House) -> None:
    text = "one two three four five " * 4_000
    reply = await house.caller.post(
        "/v1/messages/count_tokens", {**BODY, "messages": [{**MESSAGES[0], "content": text}]}
    )
    assert abs(reply.json["input_tokens"] - 20_000) < 20


async def test_counting_is_free_at_a_price_per_call_and_without_any_balance(build: Build) -> None:
    house = await build(balance=0)
    house.world.price(per_call=700, valid_from=1)
    house.world.option("strict_holds", True)
    assert (await house.caller.post("/v1/messages/count_tokens", BODY)).status == 200
    assert (await house.caller.chat()).status == 403
    house.settled()


async def test_only_who_may_use_the_model_may_count_for_it(house: House) -> None:
    caller = house.other_caller(allowed_models=["else"])
    reply = await caller.post("/v1/messages/count_tokens", BODY)
    assert (reply.status, reply.json["error"]["type"]) == (403, "permission_error")
    reply = await caller.post("/v1beta/models/m:countTokens", {"contents": CONTENTS})
    assert (reply.status, reply.json["error"]["status"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"model":"m","messages":[]}', b'{"model":"m","messages":7}'])
async def test_what_is_no_request_is_a_400_in_the_callers_format(house: House, body: bytes) -> None:
    reply = await house.caller.post("/v1/messages/count_tokens", body)
    assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
    reply = await house.caller.post("/v1beta/models/m:countTokens", body)
    assert (reply.status, reply.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    wrapped = b'{"generateContentRequest": %b}' % (body or b"7")
    assert (await house.caller.post("/v1beta/models/m:countTokens", wrapped)).status == 400


@claude_channels
async def test_a_channel_of_the_callers_format_is_asked_and_its_count_is_free(build: Build) -> None:
    house = await build(channel={"type": "anthropic", "model_mapping": {"m": "claude-x"}})
    house.fake.script(status(200, {"input_tokens": 4711}))
    reply = await house.caller.post("/v1/messages/count_tokens", BODY)
    assert reply.json == {"input_tokens": 4711}
    assert house.fake.chats[0].path == "/v1/messages/count_tokens"
    assert json.loads(house.fake.chats[0].body) == {**BODY, "model": "claude-x"}
    assert (house.entry().credits, house.entry().channel_id) == (0, house.channel_id)
    house.settled()


@claude_channels
async def test_where_no_such_channel_answers_the_count_is_made_here(build: Build) -> None:
    house = await build(channel={"type": "anthropic"})
    for script in (status(500), status(404), status(200, {}), status(200, b"<html>")):
        house.fake.script(script)
        house.world.change(Channel, house.channel_id, rest_until=0)
        reply = await house.caller.post("/v1/messages/count_tokens", BODY)
        assert reply.status == 200 and 3 < reply.json["input_tokens"] < 20
    house.fake.script(status(400, {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}))
    house.settled()
