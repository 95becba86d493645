"""Claude requests <-> neutral. Source: https://platform.claude.com/docs/en/api/messages/create"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.anthropic.models import model_of
from relay.formats.anthropic.parts import cache_mark, parse_texts, render_cache
from relay.formats.anthropic.reasoning import parse_reasoning, render_reasoning, render_sampling
from relay.formats.anthropic.tools import fits_strict, parse_choice, parse_tools, render_tools
from relay.formats.anthropic.turns import instructions, parse_messages, render_messages
from relay.formats.fields import MAX_TOKENS, Fields, fields_of, not_carried
from relay.formats.format import Glance, Rendered
from relay.formats.lost import AN_OBJECT, lose, one_text
from relay.formats.schema import for_claude
from relay.neutral import Request, Shape

_NOT_CARRIED = {"mcp_servers": "MCP servers are", "container": "Containers are"}
"""What would change the meaning if it were left out."""

_LOST = {
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
    "metadata": "metadata",
    "cache_key": "prompt_cache_key",
    "cache_retention": "prompt_cache_retention",
}
"""Options that Claude has not, and what their callers call them."""

_TIERS = {"auto": "auto", "default": "standard_only", "priority": "auto"}
"""Claude's own priority tier is used where there is one: https://platform.claude.com/docs/en/api/service-tiers"""


def parse_request(glance: Glance) -> Request:
    """The request as neutral value. Raises Problem 400 for what can't be converted."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    for name in ("model", "stream"):
        fields.take(name)
    for name, what in _NOT_CARRIED.items():
        fields.refuse(name, what=what)
    config = fields.inner("output_config")
    choice, parallel = parse_choice(fields)
    request = Request(
        model=glance.model,
        messages=parse_messages(fields),
        system=parse_texts(fields, "system"),
        max_tokens=fields.integer("max_tokens", low=1, high=MAX_TOKENS),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        stop=fields.texts("stop_sequences"),
        stream=glance.stream,
        tools=parse_tools(fields),
        tool_choice=choice,
        parallel_tools=parallel,
        shape=_shape(fields, config),
        reasoning=parse_reasoning(fields, config),
        user=_user(fields),
        service_tier=_tier(fields),
        cache=cache_mark(fields),
    )
    if config is not None:
        config.drop_rest()
    fields.drop_rest()
    return msgspec.structs.replace(request, losses=tuple(losses))


def render_request(request: Request) -> Rendered:
    """The body for Claude. Raises Problem 400 for what has no form here."""
    losses: dict[str, None] = dict.fromkeys(request.losses)
    one_text(request)
    model = model_of(request.model)
    thinks = render_reasoning(request, model)
    losses.update(dict.fromkeys(thinks.losses))
    body: dict[str, Any] = {"model": request.model, "max_tokens": thinks.limit}
    system = instructions(request, model, losses)
    if request.shape is not None and request.shape.kind == "object":
        system.append({"type": "text", "text": AN_OBJECT})  # Claude wants a schema, or words
        losses["response_format"] = None
    if system:
        body["system"] = system
    body["messages"] = render_messages(request, model, losses)
    options = {
        **render_sampling(request, model, thinks, losses),
        "stop_sequences": _stops(request, losses),
        "thinking": thinks.thinking,
        "output_config": _config(request, thinks.effort, losses),
        "metadata": _metadata(request),
        "service_tier": _TIERS.get(request.service_tier or ""),
        "stream": request.stream or None,
    }
    body.update((name, value) for name, value in options.items() if value is not None)
    body.update(render_tools(request, losses))
    body.update(render_cache(request.cache, losses))
    _lose(request, losses)
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _lose(request: Request, losses: dict[str, None]) -> None:
    lose(request, _LOST, losses)
    if request.service_tier not in (None, "auto", "default"):
        losses["service_tier"] = None
    if request.user and request.safety_id and request.safety_id != request.user:
        losses["safety_identifier"] = None


def _shape(fields: Fields, config: Fields | None) -> Shape | None:
    """``output_config.format``, and its older place."""
    form = config.inner("format") if config else None
    form = form or fields.inner("output_format")
    if form is None:
        return None
    kind, schema = form.text("type"), form.object("schema")
    if kind != "json_schema" or schema is None:
        raise not_carried("Structured output without a schema is", form.path)
    strict = fits_strict(schema)
    if not strict:
        form.lose("strict")  # others keep to the schema as well as they can
    form.drop_rest()
    return Shape("schema", schema, strict=strict or None)


def _user(fields: Fields) -> str | None:
    metadata = fields.inner("metadata")
    if metadata is None:
        return None
    user = metadata.text("user_id")
    metadata.drop_rest()
    return user


def _tier(fields: Fields) -> str | None:
    tier = fields.text("service_tier")
    return "default" if tier == "standard_only" else tier


def _stops(request: Request, losses: dict[str, None]) -> list[str] | None:
    """Claude refuses sequences of nothing but white space."""
    found = [text for text in request.stop if text.strip()]
    if len(found) < len(request.stop):
        losses["stop"] = None
    return found or None


def _config(request: Request, effort: str | None, losses: dict[str, None]) -> dict[str, Any] | None:
    config: dict[str, Any] = {"effort": effort} if effort else {}
    if request.shape is not None and request.shape.schema is not None:
        reduced = for_claude(request.shape.schema)
        losses.update((f"response_format.{path}", None) for path in reduced.changes)
        if request.shape.description:
            losses["response_format.description"] = None
        config["format"] = {"type": "json_schema", "schema": reduced.schema}
    return config or None


def _metadata(request: Request) -> dict[str, Any] | None:
    user = request.user or request.safety_id
    return {"user_id": user} if user else None
