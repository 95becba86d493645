"""Ollama's own API: chat in lines of JSON, embeddings, the list of models. Source: https://docs.ollama.com/api

Without ids of calls, as older versions have it: a result names its tool.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.vendors.play import ANSWER, THOUGHT, check_result, dumped, halves, listing, need, only, playing

CHAT, EMBED = "qwen3:8b", "embeddinggemma:latest"

_MESSAGES = {
    "system": ("", "content"),
    "user": ("images", "content"),
    "assistant": ("thinking tool_calls", "content"),
    "tool": ("tool_call_id images", "content tool_name"),
}
_OPTIONS = {
    "num_ctx": int, "num_predict": int, "top_k": int, "seed": int, "temperature": float, "top_p": float, "min_p": float,
    "presence_penalty": float, "frequency_penalty": float, "stop": list,
}  # fmt: skip
_CALLS = [{"function": {"name": "f", "arguments": {"a": at}}} for at in ("b", "c")]
_COUNTS = {"total_duration": 5, "prompt_eval_count": 1000, "prompt_eval_duration": 2, "eval_count": 500}
LOGPROBS = [{"token": ANSWER, "logprob": -0.5, "bytes": [72], "top_logprobs": [{"token": "Ho", "logprob": -1.5}]}]


def ollama() -> Script:
    """Plays the conversation, embeds."""
    return playing(_answer, lambda refused: {"error": str(refused)})


def ollama_models() -> Script:
    """The list of models."""
    rows = [{"name": name, "model": name, "size": 1, "details": {"family": "x"}} for name in (EMBED, CHAT)]
    return listing({"models": rows}, lambda received: need(received.path == "/api/tags", "404 page not found", 404))


def line(**fields: Any) -> bytes:
    """A line of a stream."""
    told = {"model": CHAT, "created_at": "2026-11-25T00:00:00Z", "done": False, **fields}
    return json.dumps(told).encode() + b"\n"


def said(text: str = "", **fields: Any) -> bytes:
    """A line with a piece of the message."""
    return line(message={"role": "assistant", "content": text, **fields})


def _answer(received: Received) -> tuple[bool, list[bytes]]:
    play = {"/api/chat": _chatted, "/api/embed": _embedded}.get(received.path)
    need(play is not None, "404 page not found", 404)
    assert play is not None
    return play(received.json)


def _embedded(body: dict[str, Any]) -> tuple[bool, list[bytes]]:
    only(body, "truncate dimensions keep_alive options", "body", "model input")
    need(body["model"] == EMBED, f'model "{body["model"]}" not found, try pulling it first', 404)
    need(all(isinstance(text, str) for text in body["input"]), "invalid input type")
    need(isinstance(body.get("truncate", True), bool), "truncate")
    vectors = [[0.5, -0.25, float(at)][: body.get("dimensions")] for at, _ in enumerate(body["input"])]
    return False, dumped({"model": EMBED, "embeddings": vectors, "total_duration": 5, "prompt_eval_count": 1000})


def _chatted(body: dict[str, Any]) -> tuple[bool, list[bytes]]:
    only(body, "tools format think options keep_alive logprobs top_logprobs stream", "body", "model messages")
    need(body["model"] == CHAT, f'model "{body["model"]}" not found, try pulling it first', 404)
    think = body.get("think")
    need(think in (None, True, False, "low", "medium", "high"), f'invalid think value: "{think}"')
    need(body.get("format") in (None, "json") or isinstance(body["format"], dict), "invalid format")
    _check_options(body.get("options", {}))
    for tool in body.get("tools", ()):
        only(tool, "", "tools", "type function")
        only(tool["function"], "description", "tools.function", "name parameters")
    answered = _check_messages(body["messages"])
    calls = bool(body.get("tools")) and not answered
    ending = {"done": True, "done_reason": "stop", **_COUNTS}
    told = {"logprobs": LOGPROBS} if body.get("logprobs") else {}
    if body.get("stream", True):
        thoughts = [said(thinking=text) for text in halves(THOUGHT)] if think else []
        words = [said(tool_calls=[call]) for call in _CALLS] if calls else [said(text) for text in halves(ANSWER)]
        last = line(message={"role": "assistant", "content": ""}, **ending, **told)
        return True, [*thoughts, *words, last]
    message: dict[str, Any] = {"role": "assistant", "content": "" if calls else ANSWER}
    message |= {"tool_calls": _CALLS} if calls else {}
    message |= {"thinking": THOUGHT} if think else {}
    return False, [line(message=message, **ending, **told)]


def _check_options(options: dict[str, Any]) -> None:
    """Ollama only warns of options that it does not know; nobody would miss what they were to do."""
    for name, value in options.items():
        need(name in _OPTIONS, f"invalid option provided: {name}")
        fits = isinstance(value, int | float) if _OPTIONS[name] is float else isinstance(value, _OPTIONS[name])
        need(fits, f'option "{name}" must be of type {_OPTIONS[name].__name__}')


def _check_messages(messages: list[dict[str, Any]]) -> bool:
    """True where the last turn brings results, which must come in the order of the calls."""
    waiting: list[dict[str, Any]] = []
    for at, message in enumerate(messages):
        need(message.get("role") in _MESSAGES, f'messages[{at}]: invalid role "{message.get("role")}"')
        allowed, needed = _MESSAGES[message["role"]]
        only(message, allowed, f"messages[{at}]", f"role {needed}")
        need(isinstance(message["content"], str), "cannot unmarshal .messages.content of type string")
        for picture in message.get("images", ()):
            _check_picture(picture)
        if message["role"] == "tool":
            call = waiting.pop(0)
            need(message["tool_name"] == call["function"]["name"], "this is another tool's result")
            need(message.get("tool_call_id") == call.get("id"), "this is another call's result")
            check_result(call["function"]["arguments"], message["content"])
            continue
        need(not waiting, "a call has no result")
        need(message.get("thinking", THOUGHT) == THOUGHT, "not my thoughts")
        waiting = list(message.get("tool_calls", ()))
        for call in waiting:
            only(call, "id", "tool_calls", "function")
            need(isinstance(call["function"]["arguments"], dict), "tool_calls.function.arguments must be an object")
    return messages[-1]["role"] == "tool"


def _check_picture(picture: str) -> None:
    try:
        base64.b64decode(picture, validate=True)
    except (binascii.Error, ValueError):
        need(False, "illegal base64 data at input byte 4")
