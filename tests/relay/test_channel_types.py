"""Channels of other vendors: how they are tested, asked for their models, called, and what is told of losses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openopen8.core.errors import Problem
from openopen8.core.rules.routing import ENDPOINTS
from relay import probe
from relay.channels import TYPES
from tests.fakes.upstream import FakeUpstream, raw_stream, status, streamed
from tests.fakes.vendors import ANSWER, MODELS, VENDORS, claude_models, gemini_models
from tests.relay.house import Build, House

CLAUDE: dict[str, Any] = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Go."}]}


async def built(build: Build, kind: str, **channel: Any) -> House:
    house = await build(channel={"type": kind, "model_mapping": {"m": MODELS[kind]}, **channel})
    house.fake.script(VENDORS[kind]())
    return house


def test_every_type_in_the_catalogue_can_be_chosen_and_routed() -> None:
    assert list(TYPES) == list(ENDPOINTS)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", list(VENDORS))
async def test_a_channel_of_each_type_can_be_tested(build: Build, kind: str, stream: bool) -> None:
    house = await built(build, kind, test_model="m")
    found = await probe.test_channel(house.tools, house.channel_id, stream=stream)
    assert found.error == "" and found.ok and found.answer == ANSWER
    assert (found.first_token_ms is not None) == stream


async def test_models_are_listed_in_each_vendors_own_form(house: House) -> None:
    house.fake.lists = claude_models()
    assert await probe.list_models(house.tools, "anthropic", house.fake.url, "upstream-key") == ("claude-a", "claude-b")
    house.fake.lists = gemini_models()
    assert await probe.list_models(house.tools, "gemini", house.fake.url, "upstream-key") == ("g-1", "g-2")
    paths = [request.path for request in house.fake.requests]
    assert paths == ["/v1/models?limit=1000", "/v1beta/models?pageSize=1000"]
    with pytest.raises(Problem, match="API_KEY_INVALID"):
        await probe.list_models(house.tools, "gemini", house.fake.url, "wrong")


async def test_an_openai_channel_speaks_chat_and_responses_each_as_the_caller_asks(build: Build) -> None:
    house = await build(channel={"type": "openai", "model_mapping": {"m": MODELS["openai-responses"]}})
    house.fake.script(VENDORS["openai-responses"]())
    reply = await house.caller.post("/v1/responses", {"model": "m", "input": "Go."})
    assert reply.status == 200 and reply.json["model"] == "m"
    house.fake.script(streamed(ANSWER))
    await house.caller.chat(stream=True)
    await house.caller.post("/v1/messages", {**CLAUDE, "stream": True})
    paths = [request.path for request in house.fake.chats]
    assert paths == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]


@pytest.mark.parametrize("base", ["", "/v1", "/v1/", "/v1/messages"])
async def test_a_claude_channel_takes_the_base_url_as_people_write_it(build: Build, base: str) -> None:
    with FakeUpstream(VENDORS["anthropic"]()) as claude:
        house = await built(build, "anthropic", base_url=claude.url + base)
        assert (await house.caller.post("/v1/messages", CLAUDE)).status == 200
        assert claude.chats[0].path == "/v1/messages"


async def test_a_claude_callers_beta_features_reach_a_claude_channel(build: Build) -> None:
    house = await built(build, "anthropic", header_override={"anthropic-beta": "from-admin"})
    house.fake.script(VENDORS["anthropic"]())
    for value in ("a-2026-01-01", "a-2026-01-01", "b", ""):
        reply = await house.caller.post("/v1/messages", CLAUDE, headers={"anthropic-beta": value})
        assert reply.status == 200
    sent = [request.headers["anthropic-beta"] for request in house.fake.chats]
    assert sent == ["from-admin,a-2026-01-01", "from-admin,a-2026-01-01", "from-admin,b", "from-admin"]


async def test_a_key_that_google_refuses_with_a_400_is_the_keys_fault(build: Build) -> None:
    house = await built(build, "gemini", keys=("wrong", "upstream-key"))
    reply = await house.caller.chat()
    assert reply.status == 200 and len(house.fake.chats) == 2


async def test_google_says_in_the_body_how_long_to_wait(build: Build) -> None:
    house = await built(build, "gemini")
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
    house.fake.script(status(429, {"error": {"code": 429, "message": "Quota.", "details": [detail]}}))
    reply = await house.caller.chat()
    assert reply.status == 429 and reply.headers["retry-after"] == "34"


async def test_what_a_stream_loses_on_its_way_stands_in_the_log(build: Build) -> None:
    house = await build()
    token = {"token": "Hi", "logprob": -0.1, "bytes": None, "top_logprobs": []}
    first = {"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [token]}}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    events = [b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n" for choice in (first, last)]
    house.fake.script(raw_stream(*events, b"data: [DONE]\n\n"))
    reply = await house.caller.post("/v1/messages", {**CLAUDE, "stream": True, "brand_new": 1})
    assert "brand_new" in reply.headers["x-openopen8-loss"]
    details = house.entry().details
    assert details is not None and {"brand_new", "logprobs"} <= set(details["losses"])
    house.settled()
