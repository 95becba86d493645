"""The pieces of Cohere's answers -> neutral. Source: https://docs.cohere.com/reference/chat#response"""

from __future__ import annotations

import re
from typing import Any

from relay.formats.words import items, table, word
from relay.neutral import Citation, StopReason, ToolUse

_STOPS: dict[str, StopReason] = {
    "COMPLETE": "stop",
    "MAX_TOKENS": "length",
    "STOP_SEQUENCE": "sequence",
    "TOOL_CALL": "tools",
}

FAILED = frozenset(("ERROR", "TIMEOUT"))
"""Answers that broke off."""

_OURS = re.compile(r"doc_(\d{1,6})")


def document_id(index: int) -> str:
    """The id of a request's document, by its place."""
    return f"doc_{index}"


def stop_reason(reason: object) -> StopReason | None:
    """``finish_reason`` as neutral value; None where it is missing."""
    return _STOPS.get(reason, "other") if isinstance(reason, str) and reason else None


def parse_call(raw: dict[str, Any]) -> ToolUse | None:
    """A call of a tool; None for what is none."""
    function = table(raw.get("function"))
    name = word(function.get("name"))
    return ToolUse(word(raw.get("id")), name, word(function.get("arguments"))) if name else None


def parse_citation(raw: dict[str, Any]) -> Citation | None:
    """What a piece of the text rests on: the first of its sources."""
    start, end = raw.get("start"), raw.get("end")
    sources = items(raw.get("sources"))
    if type(start) is not int or type(end) is not int or not sources:
        return None
    source = sources[0]
    told = table(source.get("document"))
    found = _OURS.fullmatch(word(source.get("id")))
    place = int(found[1]) if found else None
    quote = word(told.get("snippet")) or word(told.get("text"))
    return Citation(word(told.get("url")), word(told.get("title")), quote, "", place, start=start, end=end)
