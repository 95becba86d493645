"""The pieces of Ollama's answers -> neutral. Source: https://docs.ollama.com/api/chat"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.words import items, table, word
from relay.neutral import StopReason, ToolUse

_STOPS: dict[str, StopReason] = {"stop": "stop", "length": "length"}


def stop_reason(reason: object, called: bool) -> StopReason:
    """``done_reason``, which has no word for calls; old versions do not tell it."""
    found: StopReason = _STOPS.get(reason, "other") if isinstance(reason, str) and reason else "stop"
    return "tools" if called and found == "stop" else found


def parse_calls(message: dict[str, Any]) -> list[ToolUse]:
    """The calls in a message, each whole; only newer versions give them ids."""
    found = ((call, table(call.get("function"))) for call in items(message.get("tool_calls")))
    return [
        ToolUse(word(call.get("id")), name, _arguments(function.get("arguments")))
        for call, function in found
        if (name := word(function.get("name")))
    ]


def _arguments(raw: object) -> str:
    """The object as JSON text; text where a server that is only like Ollama has it so."""
    return raw if isinstance(raw, str) else msgspec.json.encode(table(raw)).decode()
