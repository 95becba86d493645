"""Counting a request's tokens: ``POST /v1/messages/count_tokens``.

Source: https://platform.claude.com/docs/en/api/messages-count-tokens
"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.anthropic.request import render_request
from relay.formats.format import Garbage, Rendered
from relay.formats.vendor import Tally, error_of, loads
from relay.neutral import Request

_TAKEN = frozenset(
    ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control")
)

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def render_count_request(request: Request) -> Rendered:
    """The body that asks Claude to count ``request``: what bears on the answer alone is left out."""
    rendered = render_request(request)
    fields = {name: value for name, value in _decode(rendered.body).items() if name in _TAKEN}
    return Rendered(msgspec.json.encode(fields), rendered.losses)


def parse_count(body: bytes) -> int:
    """The vendor's count. Raises Garbage."""
    try:
        value: Any = loads(body)
    except ValueError:
        raise Garbage("The provider's answer is not JSON.") from None
    error = error_of(value)
    if error is not None:
        raise Garbage(error.message)
    tally = Tally()
    found = tally.count(value.get("input_tokens")) if isinstance(value, dict) else 0
    if not found or tally.inconsistent:
        raise Garbage("The provider's answer has no count.")
    return found


def render_count(tokens: int) -> bytes:
    """The answer to a caller who asked for a count."""
    return msgspec.json.encode({"input_tokens": tokens})
