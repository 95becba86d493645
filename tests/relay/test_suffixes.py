"""Suffixes of model names, from the caller's request to what the provider gets: ``m-high``, ``m-thinking-2048`` …"""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec
import pytest

from relay.formats import FORMATS
from relay.neutral import Reasoning
from tests.fakes.vendors import MODELS, VENDORS
from tests.relay.house import Build, House

ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Go."}]}),
    "openai_responses": ("/v1/responses", {"input": "Go."}),
    "anthropic": ("/v1/messages", {"max_tokens": 4096, "messages": [{"role": "user", "content": "Go."}]}),
    "gemini": ("/v1beta/models/{model}:{verb}", {"contents": [{"role": "user", "parts": [{"text": "Go."}]}]}),
}

SENT = {
    "openai-compatible": lambda body: body.get("reasoning_effort"),
    "openai-responses": lambda body: body.get("reasoning", {}).get("effort"),
    "anthropic": lambda body: body.get("thinking", {}).get("budget_tokens"),
    "gemini": lambda body: body.get("generationConfig", {}).get("thinkingConfig", {}).get("thinkingLevel"),
}
"""Where each kind of channel finds how much is to be thought."""


async def built(build: Build, kind: str, **channel: Any) -> House:
    house = await build(channel={"type": kind, "model_mapping": {"m": MODELS[kind]}, **channel})
    house.fake.script(VENDORS[kind]())
    return house


async def ask(house: House, caller: str, model: str, stream: bool, **more: Any) -> Any:
    path, body = ASKED[caller]
    if caller != "gemini":
        return await house.caller.post(path, {"model": model, **body, **more, **({"stream": True} if stream else {})})
    path = path.format(model=model, verb="streamGenerateContent" if stream else "generateContent")
    return await house.caller.post(path, {**body, **more}, query="alt=sse" if stream else "")


@pytest.mark.parametrize("kind", list(VENDORS))
async def test_a_suffix_sets_the_effort_whoever_asks_whichever_provider(build: Build, kind: str) -> None:
    house = await built(build, kind)
    for caller, stream in product(ASKED, (False, True)):
        reply = await ask(house, caller, "m-low", stream)
        assert reply.status == 200, reply.body
        assert SENT[kind](house.fake.chats[-1].json) == {"anthropic": 1024, "gemini": "LOW"}.get(kind, "low")
        assert b"m-low" in reply.body and MODELS[kind].encode() not in reply.body
    entries = house.world.log()
    assert {(entry.model, entry.upstream_model, entry.credits) for entry in entries} == {("m", MODELS[kind], 12_500)}
    assert len(entries) == 8
    house.settled()


async def test_thinking_is_switched_for_claude_and_the_rest_of_the_body_stays(build: Build) -> None:
    house = await built(build, "anthropic")
    more = {"temperature": 0, "metadata": {"user_id": "u"}, "thinking": {"type": "enabled", "budget_tokens": 3000}}
    for model in ("m-thinking", "m-thinking-2048", "m-nothinking"):
        assert (await ask(house, "anthropic", model, False, **more)).status == 200
    on, budget, off = (request.json for request in house.fake.chats)
    assert on["thinking"]["type"] == "enabled" and "temperature" not in on
    assert budget["thinking"]["budget_tokens"] == 2048 and budget["max_tokens"] == 4096
    assert off["thinking"] == {"type": "disabled"} and off["temperature"] == 0
    assert all(body["metadata"] == more["metadata"] for body in (on, budget, off))
    assert "temperature" in house.world.log()[0].details["losses"]


async def test_what_only_claude_knows_is_no_hindrance(build: Build) -> None:
    house = await built(build, "anthropic")
    more = {"mcp_servers": [{"type": "url", "url": "https://mcp.example", "name": "s"}], "top_k": 5}
    for model in ("m-thinking", "m-nothinking"):
        assert (await ask(house, "anthropic", model, False, **more)).status == 200
    on, off = (request.json for request in house.fake.chats)
    assert on["thinking"]["type"] == "enabled" and "top_k" not in on and off["top_k"] == 5
    assert on["mcp_servers"] == off["mcp_servers"] == more["mcp_servers"]


async def test_a_conversation_without_thoughts_goes_on_without_them(build: Build) -> None:
    house = await built(build, "anthropic")
    call = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "b"}
    turns = [("user", "Go."), ("assistant", [call]), ("user", [result])]
    more = {
        "messages": [{"role": role, "content": content} for role, content in turns],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    reply = await ask(house, "anthropic", "m-thinking", False, **more)
    assert reply.status == 200 and reply.headers["x-openopen8-loss"] == "reasoning"


@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
async def test_thinking_is_switched_for_gemini_in_the_config_that_is_there(build: Build, config: str) -> None:
    house = await built(build, "gemini")
    given = {"temperature": 1, "thinkingConfig": {"thinkingLevel": "HIGH"}}
    for model in ("m-thinking", "m-low"):
        assert (await ask(house, "gemini", model, False, **{config: given})).status == 200
    on, low = (request.json[config] for request in house.fake.chats)
    assert on == {"temperature": 1, "thinkingConfig": {"includeThoughts": True}}
    assert low == {"temperature": 1, "thinkingConfig": {"thinkingLevel": "LOW"}}


def patched(format: str, body: Any, wish: Reasoning, model: str) -> Any:
    """What becomes of a body that passes through."""
    chosen, raw = FORMATS[format], msgspec.json.encode(body)
    assert chosen.patch_reasoning is not None
    return msgspec.json.decode(chosen.patch_reasoning(raw, chosen.glance(raw, "m", None), wish, model).body)


def test_what_stands_beside_the_effort_stays() -> None:
    shape = {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}
    claude = {"model": "m", **ASKED["anthropic"][1], "output_config": {"format": shape, "effort": "high"}}
    sent = patched("anthropic", claude, Reasoning("low"), "claude-opus-4-6")
    assert sent["output_config"] == {"format": shape, "effort": "low"} and sent["thinking"] == {"type": "adaptive"}
    responses = {"model": "m", "input": "Go.", "reasoning": {"effort": "high", "summary": "auto"}}
    sent = patched("openai_responses", responses, Reasoning("low"), "gpt-5")
    assert sent["reasoning"] == {"effort": "low", "summary": "auto"}


def test_a_gemini_that_does_not_think_unasked_is_told_to() -> None:
    for model, thinking in (("gemini-2.5-flash-lite", {"thinkingBudget": -1}), ("gemini-2.5-flash", {})):
        sent = patched("gemini", ASKED["gemini"][1], Reasoning(summary="auto"), model)
        assert sent["generationConfig"]["thinkingConfig"] == {**thinking, "includeThoughts": True}


async def test_a_name_of_its_own_is_no_suffix(build: Build) -> None:
    house = await built(build, "openai-compatible", models=("m", "m-high"), model_mapping={"m-high": "some-model"})
    house.world.price(model="m-high", input="50", output="150")
    assert (await ask(house, "openai_chat", "m-high", False)).status == 200
    assert "reasoning_effort" not in house.fake.chats[0].json
    assert (house.entry().model, house.entry().credits) == ("m-high", 125_000)


async def test_a_name_with_a_price_of_its_own_is_never_sold_as_another_model(house: House) -> None:
    house.world.price(model="m-high", input="50", output="150")
    reply = await ask(house, "openai_chat", "m-high", False)
    assert reply.status == 503 and reply.json["error"]["code"] == "no_available_channel"


async def test_allowed_models_name_the_model_without_its_suffix(build: Build) -> None:
    house = await built(build, "openai-compatible")
    for allowed, status in ((("m",), 200), (("m-high",), 403)):
        caller = house.other_caller(allowed_models=allowed)
        assert (await caller.chat(model="m-high")).status == status


async def test_counting_takes_a_name_with_a_suffix(build: Build) -> None:
    house = await built(build, "openai-compatible")
    reply = await ask(house, "anthropic", "m-thinking", False)
    assert reply.status == 200
    count = await house.caller.post("/v1/messages/count_tokens", {"model": "m-thinking", **ASKED["anthropic"][1]})
    assert count.status == 200 and count.json["input_tokens"] > 0
