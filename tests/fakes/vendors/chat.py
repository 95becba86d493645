"""A strict OpenAI-compatible vendor. Source: https://platform.openai.com/docs/api-reference/chat/create"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.scripts import USAGE, chunk
from tests.fakes.vendors.play import ANSWER, KEY, MODELS, THOUGHT, Refused, dumped, need, only, playing

_FIELDS = """stream stream_options max_tokens max_completion_tokens temperature top_p stop n seed presence_penalty
             frequency_penalty logit_bias logprobs top_logprobs tools tool_choice parallel_tool_calls response_format
             reasoning_effort user metadata store service_tier"""
_MESSAGES = {
    "system": ("name", "content"),
    "developer": ("name", "content"),
    "user": ("name", "content"),
    "assistant": ("content name tool_calls refusal audio reasoning_content reasoning_details", ""),
    "tool": ("name", "content tool_call_id"),
}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": "b"}'}}


def chat(path: str = "/v1/chat/completions", refuses: Collection[str] = (), usage_asked: bool = True) -> Script:
    """Plays the conversation. ``refuses`` are fields (``messages.x``: of messages) that this vendor does not know."""

    def answer(received: Received) -> tuple[bool, list[bytes]]:
        need(received.headers.get("authorization") == f"Bearer {KEY}", "Incorrect API key provided", 401)
        need(received.path == path, "Not found", 404)
        return _answer(received.json, refuses, usage_asked)

    return playing(answer, _refusal)


def _refusal(refused: Refused) -> Any:
    return {"error": {"message": str(refused), "type": "invalid_request_error", "param": None, "code": None}}


def _answer(body: dict[str, Any], refuses: Collection[str], usage_asked: bool) -> tuple[bool, list[bytes]]:
    own = {name for name in refuses if not name.startswith("messages.")}
    only(body, " ".join(set(_FIELDS.split()) - own), "body", "model messages")
    need(body["model"] == MODELS["openai-compatible"], "The model does not exist", 404)
    for tool in body.get("tools", ()):
        only(tool, "", "tools", "type function")
        only(tool["function"], "description parameters strict", "tools.function", "name")
    result = _check_messages(body["messages"], refuses)
    calls = bool(body.get("tools")) and not result
    thinks = "reasoning_effort" in body
    if not body.get("stream"):
        return False, _whole(calls, thinks)
    wanted = not usage_asked or (body.get("stream_options") or {}).get("include_usage")
    return True, _stream(calls, thinks, bool(wanted))


def _check_messages(messages: list[dict[str, Any]], refuses: Collection[str]) -> bool:
    """True where the last turn brings results."""
    open_calls: set[str] = set()
    gone = {name.removeprefix("messages.") for name in refuses if name.startswith("messages.")}
    for at, message in enumerate(messages):
        need(message.get("role") in _MESSAGES.keys() - gone, f"messages.{at}.role: unknown variant")
        allowed, needed = _MESSAGES[message["role"]]
        only(message, " ".join(set(allowed.split()) - gone), f"messages.{at}", f"role {needed}")
        if message["role"] == "tool":
            need(message["tool_call_id"] in open_calls, "tool_call_id not found")
            open_calls.discard(message["tool_call_id"])
        else:
            need(not open_calls, "tool_calls must be followed by tool messages")
            open_calls = {call["id"] for call in message.get("tool_calls") or ()}
    return bool(messages) and messages[-1]["role"] == "tool"


def _message(calls: bool, thinks: bool) -> dict[str, Any]:
    thought = {"reasoning_content": THOUGHT} if thinks else {}
    if calls:
        return {"role": "assistant", "content": None, **thought, "tool_calls": [_CALL]}
    return {"role": "assistant", "content": ANSWER, **thought}


def _whole(calls: bool, thinks: bool) -> list[bytes]:
    choice = {"index": 0, "message": _message(calls, thinks), "finish_reason": "tool_calls" if calls else "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODELS["openai-compatible"]}
    return dumped({**head, "choices": [choice], "usage": USAGE})


def _stream(calls: bool, thinks: bool, counts: bool) -> list[bytes]:
    message = _message(calls, thinks)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": THOUGHT}] if thinks else []
    if calls:
        deltas.append({"tool_calls": [{"index": 0, **_CALL, "function": {"name": "f", "arguments": ""}}]})
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": text}}]} for text in ('{"a": ', '"b"}')]
    else:
        deltas += [{"content": text} for text in (message["content"][:3], message["content"][3:])]
    events = [chunk(delta, model=MODELS["openai-compatible"]) for delta in deltas]
    events.append(chunk({}, "tool_calls" if calls else "stop", model=MODELS["openai-compatible"]))
    if counts:
        events.append({**chunk({}, model=MODELS["openai-compatible"]), "choices": [], "usage": USAGE})
    return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events] + [b"data: [DONE]\n\n"]
