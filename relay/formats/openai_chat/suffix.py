"""A chat request that passes through, with the effort that the suffix of its model's name asks for."""

from __future__ import annotations

import msgspec

from relay import splice
from relay.formats.format import Glance, Rendered
from relay.neutral import Reasoning, effort_of


def patch_reasoning(body: bytes, glance: Glance, wish: Reasoning, model: str) -> Rendered:
    """``body`` with the effort in its place; a wish without one leaves it to the model."""
    effort = effort_of(wish)
    if effort is None:
        return Rendered(body)
    return Rendered(splice.edited(body, splice.top_level(body), {"reasoning_effort": msgspec.json.encode(effort)}))
