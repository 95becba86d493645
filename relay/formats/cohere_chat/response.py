"""Cohere's whole answers -> neutral. Source: https://docs.cohere.com/reference/chat"""

from __future__ import annotations

from typing import Any

from relay.formats.cohere_chat.answer import FAILED, parse_call, parse_citation, stop_reason
from relay.formats.cohere_chat.usage import parse_usage
from relay.formats.format import Garbage
from relay.formats.vendor import whole
from relay.formats.words import items, table, word
from relay.neutral import Answer, Choice, Part, Text, Thinking


def parse_response(body: bytes) -> Answer:
    """The answer of a model, as lenient as can be. Raises Garbage."""
    value = whole(body)
    message = table(value).get("message")
    if not isinstance(message, dict):
        raise Garbage("The provider's answer has no message.")
    if word(value.get("finish_reason")) in FAILED:
        raise Garbage("The provider broke off its answer.")
    choice = Choice(0, _parts(message), stop_reason(value.get("finish_reason")))
    return Answer(word(value.get("id")), "", (choice,), parse_usage(value.get("usage")))


def _parts(message: dict[str, Any]) -> tuple[Part, ...]:
    """What it says, what it plans, what it calls. Citations count the characters of the first text."""
    parts: list[Part] = []
    if plan := word(message.get("tool_plan")):
        parts.append(Thinking(plan))
    cited = items(message.get("citations"))
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else items(content)
    for at, block in enumerate(blocks):
        if thought := word(block.get("thinking")):
            parts.append(Thinking(thought))
        elif text := word(block.get("text")):
            own = (parse_citation(one) for one in cited if one.get("content_index", 0) == at)
            parts.append(Text(text, tuple(one for one in own if one is not None)))
    calls = (parse_call(call) for call in items(message.get("tool_calls")))
    return (*parts, *(call for call in calls if call is not None))
