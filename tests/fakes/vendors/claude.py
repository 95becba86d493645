"""Anthropic. Source: https://docs.anthropic.com/en/api/messages and …/build-with-claude/extended-thinking"""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.vendors.play import (
    KEY,
    MODELS,
    SHAPED,
    SHORT,
    Play,
    Refused,
    check_result,
    dumped,
    halves,
    listing,
    named_events,
    need,
    only,
    playing,
    sign,
    thought,
)

_FIELDS = """system temperature top_p top_k stop_sequences stream tools tool_choice thinking metadata service_tier
             output_config output_format container context_management mcp_servers"""
_BLOCKS = {
    "text": ("citations cache_control", "text"),
    "image": ("cache_control", "source"),
    "document": ("title context citations cache_control", "source"),
    "tool_use": ("cache_control caller toolset_name", "id name input"),
    "tool_result": ("content is_error cache_control", "tool_use_id"),
    "thinking": ("", "thinking signature"),
    "redacted_thinking": ("", "data"),
}
_USAGE = {"input_tokens": 1000, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 500}


def claude(path: str = "/v1/messages", bearer: bool = False, play: Play = SHORT) -> Script:
    """Plays the conversation. ``bearer``: another vendor's endpoint in this form, which gets the key in two ways."""
    return playing(lambda received: _answer(received, path, bearer, play), _refusal)


def claude_models() -> Script:
    """The list of models."""
    rows = [{"type": "model", "id": name, "display_name": name} for name in ("claude-b", "claude-a")]
    return listing({"data": rows, "has_more": False, "first_id": None, "last_id": None}, _check_head)


def _refusal(refused: Refused) -> Any:
    kind = "authentication_error" if refused.status == 401 else "invalid_request_error"
    return {"type": "error", "error": {"type": kind, "message": str(refused)}}


def _check_head(received: Received, bearer: bool = False) -> None:
    headers = received.headers
    shown = f"Bearer {KEY}" if bearer else None
    need(headers.get("x-api-key") == KEY and headers.get("authorization") == shown, "invalid x-api-key", 401)
    need(headers.get("anthropic-version") == "2023-06-01", "anthropic-version: header is required")


def _answer(received: Received, path: str, bearer: bool, play: Play) -> tuple[bool, list[bytes]]:
    _check_head(received, bearer)
    need(received.path == path, f"Not found: {received.path}", 404)
    need(received.headers.get("content-type") == "application/json", "content-type")
    body = received.json
    only(body, _FIELDS, "body", "model max_tokens messages")
    need(body["model"] == MODELS["anthropic"], f"model: {body['model']}", 404)
    _check_thinking(body)
    for tool in body.get("tools", ()):
        only(tool, "description cache_control strict type", "tools", "name input_schema")
        need(tool["input_schema"].get("type") == "object", "tools.0.input_schema.type: Field required")
    turns = _check_messages(body, received.headers.get("anthropic-beta", ""))
    thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    blocks = [{"type": "thinking", "thinking": thought(turns), "signature": sign(thought(turns))}] if thinks else []
    calls = play.calls(turns, bool(body.get("tools")))
    for number, (name, args) in enumerate(calls, play.number(turns) + 1):
        blocks.append({"type": "tool_use", "id": f"toolu_{number:02}A", "name": name, "input": args})
    if not calls:
        blocks.append({"type": "text", "text": SHAPED if _shaped(body) else play.answer})
    reason = "tool_use" if calls else "end_turn"
    stream = body.get("stream", False)
    return stream, (_stream if stream else _whole)((f"msg_{turns + 1:02}A", body["model"]), blocks, reason)


def _shaped(body: dict[str, Any]) -> bool:
    """True for those who ask for JSON."""
    config = body.get("output_config") or {}
    only(config, "effort format", "output_config")
    format = config.get("format") or body.get("output_format")
    if format is None:
        return False
    only(format, "", "output_config.format", "type schema")
    need(format["schema"].get("additionalProperties") is False, "output_config.format.schema: additionalProperties")
    return True


def _check_thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking") or {"type": "disabled"}
    if thinking["type"] == "enabled":
        need(thinking.get("budget_tokens", 0) >= 1024, "thinking.budget_tokens: at least 1024")
        need(thinking["budget_tokens"] < body["max_tokens"], "max_tokens must be greater than thinking.budget_tokens")
        need(body.get("temperature", 1) == 1, "temperature may only be set to 1 when thinking is enabled")


def _check_messages(body: dict[str, Any], beta: str) -> int:
    """How many turns had calls."""
    amid = ("system",) if "mid-conversation-system" in beta else ()
    roles = ("user", "assistant", *amid)
    open_calls: dict[str, Any] = {}
    turns = 0
    for at, message in enumerate(body["messages"]):
        only(message, "", f"messages.{at}", "role content")
        need(message["role"] in roles, f"messages.{at}.role: Input should be 'user' or 'assistant'")
        if message["role"] == "system":
            continue
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            need(block["type"] in _BLOCKS, f"messages.{at}: unknown block {block['type']}")
            allowed, needed = _BLOCKS[block["type"]]
            only(block, allowed, f"messages.{at}.content", f"type {needed}")
            if block["type"] == "thinking":
                need(block["signature"] == sign(block["thinking"]), "Invalid `signature` in `thinking` block")
            if block["type"] == "text":
                need(block["text"].strip(), "text content blocks must contain non-whitespace text")
        results = {block["tool_use_id"]: block for block in blocks if block["type"] == "tool_result"}
        matched = results.keys() == open_calls.keys()
        need(matched, f"messages.{at}: tool_use ids without tool_result blocks, or the other way round")
        for id, args in open_calls.items():
            check_result(args, results[id].get("content"))
        open_calls = {block["id"]: block["input"] for block in blocks if block["type"] == "tool_use"}
        turns += bool(open_calls)
        if open_calls and (body.get("thinking") or {}).get("type") == "enabled":
            need(blocks[0]["type"] in ("thinking", "redacted_thinking"), "Expected `thinking`, but found `tool_use`")
    return turns


def _message(of: tuple[str, str], blocks: list[dict[str, Any]], reason: str | None, output: int) -> dict[str, Any]:
    head = {"id": of[0], "type": "message", "role": "assistant", "model": of[1], "content": blocks}
    return {**head, "stop_reason": reason, "stop_sequence": None, "usage": {**_USAGE, "output_tokens": output}}


def _whole(of: tuple[str, str], blocks: list[dict[str, Any]], reason: str) -> list[bytes]:
    return dumped(_message(of, blocks, reason, 500))


def _stream(of: tuple[str, str], blocks: list[dict[str, Any]], reason: str) -> list[bytes]:
    events: list[dict[str, Any]] = [{"type": "message_start", "message": _message(of, [], None, 1)}]
    for index, block in enumerate(blocks):
        if block["type"] == "thinking":
            empty: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": block["thinking"]},
                      {"type": "signature_delta", "signature": block["signature"]}]  # fmt: skip
        elif block["type"] == "tool_use":
            empty = {**block, "input": {}}
            pieces = "", *halves(json.dumps(block["input"]))
            deltas = [{"type": "input_json_delta", "partial_json": text} for text in pieces]
        else:
            empty = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": text} for text in halves(block["text"])]
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
        events.append({"type": "ping"})
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 500}})
    return named_events([*events, {"type": "message_stop"}])
