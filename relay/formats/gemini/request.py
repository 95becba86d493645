"""Gemini requests <-> neutral. Source: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import Fields, fields_of
from relay.formats.format import Glance, Rendered
from relay.formats.gemini.config import configured, render_config
from relay.formats.gemini.contents import parse_contents, parse_system, render_contents
from relay.formats.gemini.tools import parse_tools, render_tools
from relay.neutral import Request, spoken

_TIERS = {"STANDARD": "default", "FLEX": "flex", "PRIORITY": "priority"}

_ASKED = {"default": "standard", "flex": "flex", "priority": "priority"}

_LOST = (
    "min_p", "logit_bias", "verbosity", "user", "safety_id", "metadata", "cache_key", "cache_retention"
)  # fmt: skip


def parse_request(glance: Glance) -> Request:
    """The request as neutral value. Raises Problem 400 for what can't be converted."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    fields.take("model")
    fields.refuse("cachedContent", "cached_content", what="Cached contents are")
    fields.refuse("continuationToken", "continuation_token", what="Continuing an answer is")
    system = parse_system(fields.inner("systemInstruction", "system_instruction"))
    messages = parse_contents(fields)
    tools, choice = parse_tools(fields)
    request = Request(
        model=glance.model,
        messages=messages,
        system=system,
        stream=glance.stream,
        tools=tools,
        tool_choice=choice,
        metadata=_labels(fields),
        store=fields.flag("store"),
        service_tier=_tier(fields),
    )
    config = fields.inner("generationConfig", "generation_config")
    request = configured(request, config) if config else request
    fields.drop_rest()
    return msgspec.structs.replace(request, losses=tuple(losses))


def _labels(fields: Fields) -> dict[str, str] | None:
    labels = fields.object("labels")
    for name, value in (labels or {}).items():
        if not isinstance(value, str):
            raise invalid(f"labels.{name} must be a string.", f"labels.{name}")
    return labels


def _tier(fields: Fields) -> str | None:
    tier = (fields.text("serviceTier", "service_tier") or "").upper().removeprefix("SERVICE_TIER_")
    return _TIERS.get(tier)


def render_request(request: Request) -> Rendered:
    """The body for Gemini; model and stream go into the path. Instructions amid the turns move to the front."""
    losses: dict[str, None] = dict.fromkeys(request.losses)
    body: dict[str, Any] = {"contents": render_contents(request, losses) or [{"role": "user", "parts": [{"text": ""}]}]}
    middle = [part for turn in request.messages if turn.role == "system" for part in turn.parts]
    if middle:
        losses["system_position"] = None
    if system := [text for part in (*request.system, *middle) if (text := spoken((part,)))]:
        body["systemInstruction"] = {"parts": [{"text": text} for text in system]}
    if any(part.cache is not None for part in request.system) or request.cache is not None:
        losses["cache_control"] = None
    body.update(render_tools(request, losses))
    if config := render_config(request, losses):
        body["generationConfig"] = config
    if request.service_tier in _ASKED:
        body["serviceTier"] = _ASKED[request.service_tier]
    if request.store is not None:
        body["store"] = request.store
    _lose(request, losses)
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _lose(request: Request, losses: dict[str, None]) -> None:
    for name in _LOST:
        if getattr(request, name) is not None:
            losses[name] = None
    if request.prediction:
        losses["prediction"] = None
    if request.service_tier not in (None, "auto", *_ASKED):
        losses["service_tier"] = None
    if request.messages and request.messages[-1].role == "assistant":
        losses["prefill"] = None  # Claude continues a last assistant turn; here it is a finished one
