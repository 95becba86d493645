"""Reads what vendors answer at endpoints that are no chat: is it an answer at all, and what did it use?"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from openopen8.core.rules.pricing import Counts
from relay.formats.format import Garbage
from relay.formats.vendor import Tally, error_of, loads
from relay.neutral import Answer, Choice, Further, Text, Usage

_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_small = msgspec.json.Decoder().decode

_BULKY = frozenset(("data", "results", "embeddings", "segments", "words"))
"""Lists that may have megabytes: nobody here reads them."""


def top_level(body: bytes) -> dict[str, Any]:
    """The answer's fields, bulky ones unread. Raises Garbage for what is no JSON object, and for an error."""
    try:
        fields = {k: v if k in _BULKY else _small(v) for k, v in _raw(body).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fields = _leniently(body)
    error = error_of(fields)
    if error is not None:
        raise Garbage(error.message)
    return fields


def _leniently(body: bytes) -> dict[str, Any]:
    try:
        found = loads(body)
    except ValueError:
        raise Garbage("The provider's answer is not JSON.") from None
    if not isinstance(found, dict):
        raise Garbage("The provider's answer is no object.")
    return found


def check_list(fields: dict[str, Any], name: str) -> None:
    """Raises Garbage unless the list ``name`` has something in it."""
    found = fields.get(name)
    if isinstance(found, msgspec.Raw):
        text = bytes(found)
        full = text.startswith(b"[") and text[1:-1].strip() != b""
    else:
        full = isinstance(found, list) and bool(found)
    if not full:
        raise Garbage(f"The provider's answer has no {name}.")


def answer_of(usage: Usage | None, *texts: str) -> Answer:
    """What an answer came to, with its texts for counting where there is no usage."""
    return Answer("", "", (Choice(0, tuple(Text(text) for text in texts if text)),), usage)


def input_usage(raw: object) -> Usage | None:
    """Usage of endpoints that only read (embeddings, rerank); None where nothing was counted.

    OpenAI names ``prompt_tokens`` and ``total_tokens``, Voyage and Jina's rerank only the total, others
    ``input_tokens``.
    """
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    names = ("prompt_tokens", "total_tokens", "input_tokens")
    tokens = next((found for name in names if (found := tally.count(raw.get(name)))), 0)
    if not tokens:
        return None
    image = tally.at_most(tokens, tally.count(_details(raw, "prompt_tokens_details").get("image_tokens")))
    return Usage(Counts(tokens), tally.inconsistent, raw, Further(input_image=image))


def both_usage(raw: object, made_of: Literal["", "audio", "image"] = "") -> Usage | None:
    """Usage in ``input_tokens`` and ``output_tokens`` (images, audio); None where nothing was counted in tokens.

    The details of the input are ``input_tokens_details`` for images, ``input_token_details`` for audio;
    ``made_of`` is what an output without details consists of.
    """
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    taken, made = tally.count(raw.get("input_tokens")), tally.count(raw.get("output_tokens"))
    if not taken and not made:
        return None
    inside = _details(raw, "input_tokens_details") or _details(raw, "input_token_details")
    outside = _details(raw, "output_tokens_details") or _details(raw, "output_token_details")
    cached = tally.at_most(taken, tally.count(inside.get("cached_tokens")))
    fresh = taken - cached
    image = tally.at_most(taken, tally.count(inside.get("image_tokens")))
    audio = tally.at_most(taken - image, tally.count(inside.get("audio_tokens")))
    if not outside and made_of:
        outside = {f"{made_of}_tokens": made}
    drawn = tally.at_most(made, tally.count(outside.get("image_tokens")))
    further = Further(
        input_image=min(image, fresh),
        input_audio=min(audio, fresh - min(image, fresh)),
        output_image=drawn,
        output_audio=tally.at_most(made - drawn, tally.count(outside.get("audio_tokens"))),
    )
    return Usage(Counts(fresh, cached, made), tally.inconsistent, raw, further)


def _details(raw: dict[str, Any], name: str) -> dict[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}
