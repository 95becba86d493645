"""What the gateway needs of a whole answer that passes through: its counts and its model's name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from openopen8.core.rules.pricing import Counts
from relay.formats.format import Survey
from relay.formats.openai_chat.usage import charged_tier
from relay.formats.vendor import MAX_COUNT
from relay.neutral import Usage

Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]


Nothing = Literal[0] | None
"""Sounds, pictures and cache writes are for the parser."""


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: Count = 0
    audio_tokens: Nothing = None
    image_tokens: Nothing = None
    cache_write_tokens: Nothing = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: Count = 0
    audio_tokens: Nothing = None
    image_tokens: Nothing = None


class _Usage(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Whole(msgspec.Struct, gc=False):
    model: str
    choices: list[msgspec.Raw]
    usage: _Usage
    object: str = ""
    type: str = ""
    error: Any = None
    service_tier: Any = None


_decode = msgspec.json.Decoder(_Whole).decode


def survey(body: bytes) -> Survey | None:
    """The usual kind of answer at a glance; None for every other, which ``parse_response`` reads with care."""
    try:
        whole = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if whole.error or "error" in (whole.object, whole.type):
        return None
    if not whole.choices or not all(bytes(choice).startswith(b"{") for choice in whole.choices):
        return None
    counts = _counts(whole.usage)
    return None if counts is None else Survey(whole.model, Usage(counts, tier=charged_tier(whole.service_tier)))


def _counts(usage: _Usage) -> Counts | None:
    """Disjoint counts of a report that adds up; None for every other, see ``parse_usage``."""
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    reasoning = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else 0
    if not prompt or usage.total_tokens != prompt + completion or cached > prompt or reasoning > completion:
        return None
    return Counts(prompt - cached, cached, completion - reasoning, reasoning)
