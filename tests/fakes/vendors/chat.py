"""A strict OpenAI-compatible vendor. Source: https://platform.openai.com/docs/api-reference/chat/create"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.scripts import USAGE, chunk
from tests.fakes.vendors.play import (
    KEY,
    MODELS,
    SHAPED,
    SHORT,
    Play,
    Refused,
    check_result,
    check_strict,
    dumped,
    halves,
    need,
    only,
    playing,
    sign,
    thought,
)

_FIELDS = """stream stream_options max_tokens max_completion_tokens temperature top_p stop n seed presence_penalty
             frequency_penalty logit_bias logprobs top_logprobs tools tool_choice parallel_tool_calls response_format
             reasoning_effort user metadata store service_tier prompt_cache_key"""
_MESSAGES = {
    "system": ("name", "content"),
    "developer": ("name", "content"),
    "user": ("name", "content"),
    "assistant": ("content name tool_calls refusal audio reasoning_content reasoning_details", ""),
    "tool": ("name", "content tool_call_id"),
}


def chat(
    path: str = "/v1/chat/completions",
    refuses: Collection[str] = (),
    usage_asked: bool = True,
    knows: Collection[str] = (),
    counts_in_choice: bool = False,
    header: str = "authorization",
    play: Play = SHORT,
    signs: bool = False,
) -> Script:
    """Plays the conversation. ``refuses`` are fields (``messages.x``: of messages, or a role) that this vendor does not
    know, ``knows`` those that only it knows; without ``usage_asked`` streams tell their counts in any case.

    Who thinks gets the thoughts of its turns with calls back, or refuses, as DeepSeek does
    (https://api-docs.deepseek.com/guides/thinking_mode#tool-calls). ``signs``: so it does with the signature of the
    first call of a turn, as Google's compatible endpoint (https://ai.google.dev/gemini-api/docs/thought-signatures).
    """
    vendor = _Vendor(frozenset(refuses), frozenset(knows), usage_asked, play, signs)

    def answer(received: Received) -> tuple[bool, list[bytes]]:
        shown = f"Bearer {KEY}" if header == "authorization" else KEY
        need(received.headers.get(header) == shown, "Incorrect API key provided", 401)
        need(received.path == path, f"Not found: {received.path}", 404)
        stream, pieces = vendor.answer(received.json)
        return stream, _moved(pieces) if stream and counts_in_choice else pieces

    return playing(answer, _refusal)


def _refusal(refused: Refused) -> Any:
    return {"error": {"message": str(refused), "type": "invalid_request_error", "param": None, "code": None}}


@dataclass(frozen=True)
class _Vendor:
    refuses: frozenset[str]
    knows: frozenset[str]
    usage_asked: bool
    play: Play
    signs: bool

    def answer(self, body: dict[str, Any]) -> tuple[bool, list[bytes]]:
        own = {name for name in self.refuses if not name.startswith("messages.")}
        only(body, " ".join({*_FIELDS.split(), *self.knows} - own), "body", "model messages")
        need(body["model"] == MODELS["openai-compatible"], "The model does not exist", 404)
        for tool in body.get("tools", ()):
            only(tool, "", "tools", "type function")
            only(tool["function"], "description parameters strict", "tools.function", "name")
            if tool["function"].get("strict"):
                check_strict(tool["function"]["parameters"], "tools.function.parameters")
        shaped = _shaped(body.get("response_format") or {"type": "text"})
        thinks = "reasoning_effort" in body
        turns = self._check_messages(body["messages"], thinks)
        message = self._message(turns, bool(body.get("tools")), thinks, shaped)
        if not body.get("stream"):
            return False, _whole(message)
        wanted = not self.usage_asked or (body.get("stream_options") or {}).get("include_usage")
        return True, _stream(message, bool(wanted))

    def _check_messages(self, messages: list[dict[str, Any]], thinks: bool) -> int:
        """How many turns had calls."""
        open_calls: dict[str, Any] = {}
        turns = 0
        gone = {name.removeprefix("messages.") for name in self.refuses if name.startswith("messages.")}
        for at, message in enumerate(messages):
            need(message.get("role") in _MESSAGES.keys() - gone, f"messages.{at}.role: unknown variant")
            allowed, needed = _MESSAGES[message["role"]]
            only(message, " ".join(set(allowed.split()) - gone), f"messages.{at}", f"role {needed}")
            if message["role"] == "tool":
                need(message["tool_call_id"] in open_calls, "tool_call_id not found")
                check_result(open_calls.pop(message["tool_call_id"]), message["content"])
                continue
            need(not open_calls, "tool_calls must be followed by tool messages")
            calls = message.get("tool_calls") or ()
            for call in calls:
                only(call, "extra_content", f"messages.{at}.tool_calls", "id type function")
            open_calls = {call["id"]: json.loads(call["function"]["arguments"]) for call in calls}
            if calls:
                self._check_state(message, turns, thinks and "reasoning_content" not in gone)
                turns += 1
        return turns

    def _check_state(self, message: dict[str, Any], turns: int, thinks: bool) -> None:
        if thinks:
            right = message.get("reasoning_content") == thought(turns)
            need(right, "Missing `reasoning_content` field in the assistant message")
        if self.signs:
            extra = message["tool_calls"][0].get("extra_content")
            need(extra == _extra(turns), "Function call is missing a thought_signature in functionCall parts.")

    def _message(self, turns: int, offered: bool, thinks: bool, shaped: bool) -> dict[str, Any]:
        thoughts = {"reasoning_content": thought(turns)} if thinks else {}
        calls = self.play.calls(turns, offered)
        if not calls:
            return {"role": "assistant", "content": SHAPED if shaped else self.play.answer, **thoughts}
        listed: list[dict[str, Any]] = []
        for number, (name, args) in enumerate(calls, self.play.number(turns) + 1):
            inner = {"name": name, "arguments": json.dumps(args)}
            listed.append({"id": f"call_{number}", "type": "function", "function": inner})
        if self.signs:
            listed[0]["extra_content"] = _extra(turns)
        return {"role": "assistant", "content": None, **thoughts, "tool_calls": listed}


def _shaped(format: dict[str, Any]) -> bool:
    """True for those who ask for JSON."""
    if format["type"] != "json_schema":
        need(format["type"] in ("text", "json_object"), "response_format.type")
        return format["type"] == "json_object"
    only(format, "", "response_format", "type json_schema")
    inner = format["json_schema"]
    only(inner, "description schema strict", "response_format.json_schema", "name")
    if inner.get("strict"):
        check_strict(inner["schema"], "response_format")
    return True


def _extra(turns: int) -> dict[str, Any]:
    return {"google": {"thought_signature": base64.b64encode(sign(thought(turns)).encode()).decode()}}


def _whole(message: dict[str, Any]) -> list[bytes]:
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODELS["openai-compatible"]}
    return dumped({**head, "choices": [choice], "usage": USAGE})


def _stream(message: dict[str, Any], counts: bool) -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if "reasoning_content" in message:
        deltas.append({"reasoning_content": message["reasoning_content"]})
    calls = message.get("tool_calls", ())
    for index, call in enumerate(calls):
        text = call["function"]["arguments"]
        deltas.append({"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in halves(text)]
    if not calls:
        deltas += [{"content": text} for text in halves(message["content"])]
    events = [chunk(delta, model=MODELS["openai-compatible"]) for delta in deltas]
    events.append(chunk({}, "tool_calls" if calls else "stop", model=MODELS["openai-compatible"]))
    if counts:
        events.append({**chunk({}, model=MODELS["openai-compatible"]), "choices": [], "usage": USAGE})
    return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events] + [b"data: [DONE]\n\n"]


def _moved(pieces: list[bytes]) -> list[bytes]:
    """The counts in the last choice instead of a chunk of their own, as Moonshot has them."""
    *events, last, counts, done = pieces
    chunk = json.loads(last.removeprefix(b"data: "))
    chunk["choices"][0]["usage"] = json.loads(counts.removeprefix(b"data: "))["usage"]
    return [*events, b"data: " + json.dumps(chunk).encode() + b"\n\n", done]
