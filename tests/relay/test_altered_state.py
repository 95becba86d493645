"""The providers of the tests refuse what is missing or altered, as the real ones do: callers of their own formats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.vendors import MODELS, chat, claude, gemini, responses
from tests.relay.house import Build

ONE_WAY = True
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
GO: Any = {"role": "user", "content": "Go."}
FUNCTION: Any = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
OURS = {
    "openai-compatible": ("/v1/chat/completions", {"reasoning_effort": "low", "tools": [FUNCTION], "messages": [GO]}),
    "openai-responses": ("/v1/responses", {
        "include": ["reasoning.encrypted_content"], "store": False, "input": [GO],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}],
    }),
    "anthropic": ("/v1/messages", {
        "max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024}, "messages": [GO],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
    }),
    "gemini": ("/v1beta/models/m:generateContent", {
        "contents": [{"role": "user", "parts": [{"text": "Go."}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}],
    }),
}  # fmt: skip
"""By the type of the channel: a path of its own format, and the first turn."""


def answered(body: dict[str, Any], answer: Any) -> dict[str, Any]:
    """The second turn of a caller who ran the tool."""
    if "choices" in answer:
        said = answer["choices"][0]["message"]
        told = {"role": "tool", "tool_call_id": said["tool_calls"][0]["id"], "content": "ok b"}
        return {**body, "messages": [*body["messages"], said, told]}
    if "output" in answer:
        told = {"type": "function_call_output", "call_id": answer["output"][-1]["call_id"], "output": "ok b"}
        return {**body, "input": [*body["input"], *answer["output"], told]}
    if "candidates" in answer:
        told = {"functionResponse": {"name": "f", "response": {"result": "ok b"}}}
        turn = {"role": "user", "parts": [told]}
        return {**body, "contents": [*body["contents"], answer["candidates"][0]["content"], turn]}
    said = {"role": "assistant", "content": answer["content"]}
    told = {"type": "tool_result", "tool_use_id": answer["content"][-1]["id"], "content": "ok b"}
    return {**body, "messages": [*body["messages"], said, {"role": "user", "content": [told]}]}


def without(value: Any, name: str) -> Any:
    """``value`` without all fields ``name``."""
    if isinstance(value, dict):
        return {key: without(inner, name) for key, inner in value.items() if key != name}
    return [without(inner, name) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("kind", "script", "field", "refusal"),
    [
        ("openai-compatible", chat(), "reasoning_content", "Missing `reasoning_content`"),
        ("openai-compatible", chat(signs=True), "thought_signature", "missing a thought_signature"),
        ("openai-responses", responses(), "encrypted_content", "could not be verified"),
        ("anthropic", claude(), "signature", "`signature`|Field required: signature"),
        ("gemini", gemini(), "thoughtSignature", "missing a thought_signature"),
    ],
)
async def test_state_that_is_missing_or_altered_is_refused(
    build: Build, kind: str, script: Any, field: str, refusal: str
) -> None:
    house = await build(channel={"type": kind, "model_mapping": {"m": MODELS[kind]}})
    house.fake.script(script)
    path, first = OURS[kind]
    first = {**first, "model": "m"} if kind != "gemini" else first
    reply = await house.caller.post(path, first)
    second = answered(first, reply.json)
    whole = json.dumps(second)
    assert (await house.caller.post(path, second)).status == 200
    at = whole.index(f'"{field}": "') + len(field) + 8
    altered = json.loads(whole[:at] + ("B" if whole[at] == "A" else "A") + whole[at + 1 :])
    for wrong in (altered, without(second, field)):
        refused = await house.caller.post(path, wrong)
        assert refused.status == 400
        assert any(words in refused.json["error"]["message"] for words in refusal.split("|"))
    house.settled()
