"""A request for a response that passes through, with the effort that the suffix of its model's name asks for."""

from __future__ import annotations

from typing import Any

import msgspec

from relay import splice
from relay.formats.fields import typed
from relay.formats.format import Glance, Rendered
from relay.neutral import Reasoning, effort_of

_decode = msgspec.json.Decoder(dict[str, Any] | None).decode


def patch_reasoning(body: bytes, glance: Glance, wish: Reasoning, model: str) -> Rendered:
    """``body`` with the effort in its place; all else in ``reasoning`` stays."""
    effort = effort_of(wish)
    if effort is None:
        return Rendered(body)
    fields = splice.top_level(body)
    raw = fields.get("reasoning")
    given = None if raw is None else typed(raw, _decode, "reasoning")
    reasoning = msgspec.json.encode({**(given or {}), "effort": effort})
    return Rendered(splice.edited(body, fields, {"reasoning": reasoning}))
