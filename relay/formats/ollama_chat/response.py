"""Ollama's whole answers -> neutral. Source: https://docs.ollama.com/api/chat"""

from __future__ import annotations

from typing import Any

from relay.formats.format import Garbage
from relay.formats.logprobs import parse_logprobs
from relay.formats.ollama_chat.answer import parse_calls, stop_reason
from relay.formats.ollama_chat.usage import parse_usage
from relay.formats.vendor import whole
from relay.formats.words import table, word
from relay.neutral import Answer, Choice, Part, Text, Thinking, ToolUse


def parse_response(body: bytes) -> Answer:
    """The answer of a model, as lenient as can be. Raises Garbage."""
    value = whole(body)
    message = table(value).get("message")
    if not isinstance(message, dict):
        raise Garbage("The provider's answer has no message.")
    parts = _parts(message)
    called = any(isinstance(part, ToolUse) for part in parts)
    reason, logprobs = stop_reason(value.get("done_reason"), called), parse_logprobs(value.get("logprobs"))
    choice = Choice(0, parts, reason, logprobs=logprobs)
    return Answer("", word(value.get("model")), (choice,), parse_usage(value))


def _parts(message: dict[str, Any]) -> tuple[Part, ...]:
    """What it thought, what it says, what it calls."""
    thought, text = word(message.get("thinking")), word(message.get("content"))
    before: list[Part] = [*([Thinking(thought)] if thought else []), *([Text(text)] if text else [])]
    return (*before, *parse_calls(message))
