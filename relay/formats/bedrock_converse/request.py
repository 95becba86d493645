"""Neutral -> Converse's requests. The model stands in the address.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.bedrock_converse.content import cache_point
from relay.formats.bedrock_converse.models import caches, caches_tools, effort_fields
from relay.formats.bedrock_converse.tools import render_tools
from relay.formats.bedrock_converse.turns import render_messages, render_system
from relay.formats.format import Rendered
from relay.formats.lost import AN_OBJECT, clamped, lose, one_text
from relay.neutral import Request, effort_of

_LOST = {
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "logit_bias": "logit_bias",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "verbosity": "verbosity",
    "prediction": "prediction",
    "store": "store",
    "user": "user",
    "safety_id": "safety_identifier",
    "cache_key": "prompt_cache_key",
    "cache_retention": "prompt_cache_retention",
}
"""Options that Converse has not, and what their callers call them."""

_TIERS = frozenset(("flex", "priority"))


def render_request(request: Request) -> Rendered:
    """The body for Converse. Raises Problem 400 for what has no form here."""
    losses: dict[str, None] = dict.fromkeys(request.losses)
    one_text(request)
    system, messages = render_system(request, losses), render_messages(request, losses)
    if request.shape is not None and request.shape.kind == "object":
        system.append({"text": AN_OBJECT})  # Converse wants a schema, or words
        losses["response_format"] = None
    if request.cache is not None and messages:
        messages[-1]["content"] += cache_point(request.cache, losses)
    options = {
        "messages": messages,
        "system": system,
        "inferenceConfig": _config(request, losses),
        **render_tools(request, losses),
        "outputConfig": _shape(request),
        "additionalModelRequestFields": _reasoning(request, losses),
        "requestMetadata": request.metadata,
        "serviceTier": _tier(request, losses),
    }
    body = {name: value for name, value in options.items() if value}
    lose(request, _LOST, losses)
    if not caches_tools(request.model):
        body = _unmarked(body, caches(request.model), losses)
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _config(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    config = {
        "maxTokens": request.max_tokens,
        "temperature": clamped(request.temperature, 0, 1, "temperature", losses),
        "topP": request.top_p,
        "stopSequences": list(request.stop) or None,
    }
    return {name: value for name, value in config.items() if value is not None}


def _shape(request: Request) -> dict[str, Any]:
    shape = request.shape
    if shape is None or shape.schema is None:
        return {}
    told = {"name": shape.name, "description": shape.description}
    schema = {"schema": msgspec.json.encode(shape.schema).decode(), **{key: text for key, text in told.items() if text}}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _reasoning(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    wish = request.reasoning
    effort = "none" if wish is not None and wish.off else effort_of(wish) if wish is not None else None
    if effort is None:
        return {}
    fields = effort_fields(request.model, effort)
    if fields is None:
        losses["reasoning"] = None
    return fields or {}


def _tier(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    tier = request.service_tier
    if tier in _TIERS:
        return {"type": tier}
    if tier not in (None, "auto", "default"):
        losses["service_tier"] = None
    return {}


def _unmarked(body: dict[str, Any], caches: bool, losses: dict[str, None]) -> dict[str, Any]:
    """The body without marks for the cache; ``caches``: they stay but in tools, and without their time."""

    def bare(blocks: list[dict[str, Any]], keep: bool) -> list[dict[str, Any]]:
        kept = []
        for block in blocks:
            if "cachePoint" not in block:
                kept.append(block)
            elif not keep:
                losses["cache_control"] = None
            else:
                kept.append(_timeless(block, losses))
        return kept

    found = dict(body)
    found["messages"] = [{**turn, "content": bare(turn["content"], caches)} for turn in body.get("messages", ())]
    if "system" in body:
        found["system"] = bare(body["system"], caches)
    if "toolConfig" in body:
        found["toolConfig"] = {**body["toolConfig"], "tools": bare(body["toolConfig"]["tools"], False)}
    return found


def _timeless(point: dict[str, Any], losses: dict[str, None]) -> dict[str, Any]:
    if "ttl" in point["cachePoint"]:
        losses["cache_control.ttl"] = None
    return {"cachePoint": {"type": "default"}}
