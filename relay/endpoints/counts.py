"""``POST /v1/messages/count_tokens`` and Gemini's ``:countTokens``: free, and never without an answer.

A channel of the caller's own format is asked; where there is none, or none answers, the tokens are counted here.
Source: https://platform.claude.com/docs/en/api/messages-count-tokens, https://ai.google.dev/api/tokens
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.rules.pricing import Counts
from relay.endpoints.answers import answer_of, top_level
from relay.endpoints.endpoint import Endpoint, encode, passing
from relay.formats import anthropic, gemini
from relay.formats.anthropic.count import parse_count, render_count
from relay.formats.anthropic.glance import glance_count
from relay.formats.fields import typed
from relay.formats.format import Garbage, Glance
from relay.formats.vendor import Tally
from relay.neutral import Answer, Usage
from relay.splice import edited
from relay.splice import top_level as checked

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_WRAPPED = ("generateContentRequest", "generate_content_request")


def _counted(tokens: int) -> Answer:
    return answer_of(Usage(Counts(tokens)))


def parse_claude(body: bytes) -> Answer:
    """The vendor's count. Raises Garbage."""
    return _counted(parse_count(body))


def parse_gemini(body: bytes) -> Answer:
    """The vendor's count. Raises Garbage."""
    tally = Tally()
    tokens = tally.count(top_level(body).get("totalTokens"))
    if not tokens or tally.inconsistent:
        raise Garbage("The provider's answer has no count.")
    return _counted(tokens)


def glance_gemini(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """Contents alone, or a whole request with its instructions and tools. Raises Problem 400."""
    fields = checked(body)
    name = _wrapped(fields)
    if name is None:
        return gemini.FORMAT.glance(body, path_model, False)
    inner = bytes(typed(fields[name], msgspec.json.Decoder(msgspec.Raw).decode, name))
    seen = gemini.FORMAT.glance(inner, path_model, False)
    return msgspec.structs.replace(seen, fields=fields)


def patch_gemini(body: bytes, glance: Glance, model: str) -> bytes:
    """The model stands in the path, and once more in a whole request."""
    name = _wrapped(glance.fields)
    if name is None:
        return body
    inner = bytes(glance.fields[name])
    changed = edited(inner, checked(inner), {"model": encode(f"models/{model}")})
    return edited(body, glance.fields, {name: changed})


def _wrapped(fields: dict[str, msgspec.Raw]) -> str | None:
    return next((name for name in _WRAPPED if name in fields and fields[name] != b"null"), None)


def _gemini_count(tokens: int) -> bytes:
    return encode({"totalTokens": tokens})


def _as_it_came(body: bytes, model: str) -> bytes:
    return body


def _endpoint(chat: Any, glance: Any, parse: Any, at_home: Any, **more: Any) -> Endpoint:
    format = passing(
        f"{chat.name}_count", glance, parse, patch_response=_as_it_came, render_error=chat.render_error, **more
    )
    path = "/messages/count_tokens"
    return Endpoint("count_tokens", path, format, ability="chat", free=True, at_home=at_home, spoken=chat.name)


CLAUDE_COUNT = _endpoint(anthropic.FORMAT, glance_count, parse_claude, render_count)
GEMINI_COUNT = _endpoint(gemini.FORMAT, glance_gemini, parse_gemini, _gemini_count, patch_request=patch_gemini)
