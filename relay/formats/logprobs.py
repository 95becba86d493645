"""Log probabilities in OpenAI's form, which others took over. All as lenient as can be."""

from __future__ import annotations

from typing import Any

from relay.formats.words import items, word
from relay.neutral import Logprob


def parse_logprobs(entries: object) -> tuple[Logprob, ...]:
    """The tokens of a list."""
    return tuple(found for item in items(entries) if (found := _parsed(item)) is not None)


def _parsed(item: dict[str, Any]) -> Logprob | None:
    value, spelt = item.get("logprob"), item.get("bytes")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    plain = tuple(byte for byte in spelt if type(byte) is int) if isinstance(spelt, list) else None
    return Logprob(word(item.get("token")), value, plain, parse_logprobs(item.get("top_logprobs")))
