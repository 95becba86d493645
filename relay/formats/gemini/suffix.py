"""A Gemini request that passes through, with the thinking that the suffix of its model's name asks for."""

from __future__ import annotations

from typing import Any

import msgspec

from relay import splice
from relay.formats.fields import Fields, typed
from relay.formats.format import Glance, Rendered
from relay.formats.gemini.thinking import parse_thinking, render_thinking
from relay.neutral import Reasoning, over

_CONFIGS = ("generationConfig", "generation_config")
_THINKING = ("thinkingConfig", "thinking_config")

_decode = msgspec.json.Decoder(dict[str, Any] | None).decode


def patch_reasoning(body: bytes, glance: Glance, wish: Reasoning, model: str) -> Rendered:
    """``body`` with the thinking config for ``model``; all else in the config stays."""
    fields, losses = splice.top_level(body), dict[str, None]()
    place = next((name for name in _CONFIGS if name in fields), _CONFIGS[0])
    raw = fields.get(place)
    config = (None if raw is None else typed(raw, _decode, place)) or {}
    given = parse_thinking(Fields(config, place, {}).inner(*_THINKING))
    kept = {name: value for name, value in config.items() if name not in _THINKING}
    thinking = render_thinking(over(wish, given), model, losses)
    changed = {**kept, "thinkingConfig": thinking} if thinking else kept
    body = splice.edited(body, fields, {place: msgspec.json.encode(changed)})
    return Rendered(body, tuple(losses))
