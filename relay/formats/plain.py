"""Refuses what only some formats can express so far, so that nothing is dropped silently."""

from __future__ import annotations

from relay.formats.fields import not_carried
from relay.neutral import Refusal, Request, Text


def plain_only(request: Request) -> list[str]:
    """Problem 400 for all but conversations in text; returns the names of options that are lost."""
    if request.tools:
        raise not_carried("Tools are", "tools")
    if request.shape is not None:
        raise not_carried("Structured output is", "response_format")
    if any(kind != "text" for kind in request.modalities):
        raise not_carried("Output other than text is", "modalities")
    for part in (part for message in request.messages for part in message.parts):
        if not isinstance(part, Text | Refusal):
            raise not_carried(f"A part of the kind {type(part).__name__} is", "messages")
    return [name for name in _LOST if getattr(request, name) not in (None, False, (), "")]


_LOST = (
    "min_p", "logit_bias", "logprobs", "top_logprobs", "reasoning", "verbosity", "prediction", "safety_id",
    "metadata", "store", "service_tier", "cache", "cache_key", "cache_retention",
)  # fmt: skip
