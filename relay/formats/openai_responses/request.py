"""Responses requests <-> neutral. Source: https://platform.openai.com/docs/api-reference/responses/create"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_TOKENS, Fields, fields_of, not_carried
from relay.formats.format import Glance, Rendered
from relay.formats.openai_responses.items import parse_input
from relay.formats.openai_responses.tools import parse_choice, parse_tools, render_tools
from relay.formats.openai_responses.turns import render_input, unmarked
from relay.neutral import EFFORTS, Reasoning, Request, Shape, effort_of

LEAST_TOKENS = 16
"""The smallest ``max_output_tokens`` that OpenAI takes."""

_THINKS = re.compile(r"(?:o\d|gpt-(?:[5-9]|\d\d|oss)|codex|computer-use)")
"""Models that reason: they give their thoughts encrypted, which others refuse to be asked for."""

_LOGPROBS, _ENCRYPTED = "message.output_text.logprobs", "reasoning.encrypted_content"

_STATE = {
    "previous_response_id": "An earlier response is",
    "conversation": "A conversation that the vendor keeps is",
    "prompt": "A prompt that the vendor keeps is",
    "background": "Background mode is",
}
"""What would change the meaning if it were left out. Earlier responses are put into ``input`` before this."""

_LOST = ("top_k", "min_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias")


def parse_request(glance: Glance) -> Request:
    """The request as neutral value. Raises Problem 400 for what can't be converted."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    for name in ("model", "stream", "stream_options"):
        fields.take(name)
    for name, what in _STATE.items():
        fields.refuse(name, what=what)
    if fields.text("truncation") == "auto":
        fields.lose("truncation")
    system, messages = parse_input(fields)
    tools = parse_tools(fields)
    shape, verbosity = _text(fields)
    asked, likely = _included(fields), fields.integer("top_logprobs", low=0, high=20)
    request = Request(
        model=glance.model,
        messages=messages,
        system=system,
        stream=glance.stream,
        max_tokens=fields.integer("max_output_tokens", low=1, high=MAX_TOKENS),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        logprobs=asked or bool(likely),
        top_logprobs=likely,
        tools=tools,
        tool_choice=parse_choice(fields, tools, losses),
        parallel_tools=fields.flag("parallel_tool_calls"),
        shape=shape,
        verbosity=verbosity,
        reasoning=_reasoning(fields),
        user=fields.text("user"),
        safety_id=fields.text("safety_identifier"),
        metadata=_metadata(fields),
        # Not to be stored is what holds in all other formats when nothing is said.
        store=fields.flag("store") or None,
        service_tier=fields.text("service_tier"),
        cache_key=fields.text("prompt_cache_key"),
        cache_retention=fields.text("prompt_cache_retention"),
    )
    fields.drop_rest()
    return msgspec.structs.replace(request, losses=tuple(losses))


def render_request(request: Request) -> Rendered:
    """The body for an OpenAI-compatible vendor, who is not to keep the answer unless that was asked for."""
    losses: dict[str, None] = dict.fromkeys(request.losses)
    _refuse(request)
    body: dict[str, Any] = {"model": request.model, "input": render_input(request, losses)}
    unmarked(request.system, losses)
    options = {
        "instructions": "\n\n".join(part.text for part in request.system if part.text) or None,
        "max_output_tokens": _limit(request, losses),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "include": _include(request) or None,
        "top_logprobs": request.top_logprobs,
        "text": _rendered_text(request) or None,
        "reasoning": _rendered_reasoning(request),
        "user": request.user,
        "safety_identifier": request.safety_id,
        "metadata": request.metadata,
        "service_tier": request.service_tier,
        "prompt_cache_key": request.cache_key,
        "prompt_cache_retention": request.cache_retention,
        "store": bool(request.store),
        "stream": request.stream or None,
    }
    body.update((name, value) for name, value in options.items() if value is not None)
    body.update(render_tools(request, losses))
    _lose(request, losses)
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _refuse(request: Request) -> None:
    """Problem 400 for what would mean something else without."""
    if request.n > 1:
        raise not_carried("More than one answer is", "n")
    if request.stop:
        raise not_carried("Stop sequences are", "stop")
    if any(kind != "text" for kind in request.modalities):
        raise not_carried("Output other than text is", "modalities")


def _lose(request: Request, losses: dict[str, None]) -> None:
    for name in _LOST:
        if getattr(request, name) is not None:
            losses[name] = None
    if request.prediction:
        losses["prediction"] = None
    if request.cache is not None:
        losses["cache_control"] = None
    if request.messages and request.messages[-1].role == "assistant":
        losses["prefill"] = None  # Claude continues a last assistant turn; here it is a finished one


def _limit(request: Request, losses: dict[str, None]) -> int | None:
    if request.max_tokens is None or request.max_tokens >= LEAST_TOKENS:
        return request.max_tokens
    losses["max_tokens"] = None
    return LEAST_TOKENS


def _included(fields: Fields) -> bool:
    """``include``: True when log probabilities are wanted. Encrypted thoughts always come along."""
    names = fields.texts("include")
    if any(name not in (_LOGPROBS, _ENCRYPTED) for name in names):
        fields.lose("include")
    return _LOGPROBS in names


def _include(request: Request) -> list[str]:
    thinks = _THINKS.match(request.model) is not None
    if request.reasoning is not None:
        thinks = not request.reasoning.off
    return [*([_ENCRYPTED] if thinks else []), *([_LOGPROBS] if request.logprobs else [])]


def _text(fields: Fields) -> tuple[Shape | None, str | None]:
    """``text``: the form of the answer, and its length."""
    text = fields.inner("text")
    if text is None:
        return None, None
    shape, verbosity = _shape(text.inner("format")), text.text("verbosity")
    text.drop_rest()
    return shape, verbosity


def _shape(fields: Fields | None) -> Shape | None:
    kind = "text" if fields is None else fields.text("type") or "text"
    if fields is None or kind == "text":
        return None
    if kind == "json_object":
        return Shape("object")
    schema = fields.object("schema") if kind == "json_schema" else None
    if schema is None:
        raise invalid("text.format must be text, json_object, or json_schema with a schema.", "text.format")
    named = fields.text("name") or "", fields.text("description") or ""
    shape = Shape("schema", schema, *named, fields.flag("strict"))
    fields.drop_rest()
    return shape


def _rendered_text(request: Request) -> dict[str, Any]:
    shape, text = request.shape, dict[str, Any]()
    if shape is not None and shape.kind == "object":
        text["format"] = {"type": "json_object"}
    elif shape is not None:
        format: dict[str, Any] = {"type": "json_schema", "name": shape.name or "answer"}
        if shape.description:
            format["description"] = shape.description
        format["schema"] = shape.schema or {}
        text["format"] = format if shape.strict is None else {**format, "strict": shape.strict}
    return text if request.verbosity is None else {**text, "verbosity": request.verbosity}


def _reasoning(fields: Fields) -> Reasoning | None:
    reasoning = fields.inner("reasoning")
    if reasoning is None:
        return None
    effort, summary = reasoning.text("effort"), reasoning.text("summary", "generate_summary")
    reasoning.drop_rest()
    if effort is not None and effort not in EFFORTS:
        raise invalid(f"reasoning.effort must be one of {', '.join(EFFORTS)}.", "reasoning.effort")
    return None if effort is None and summary is None else Reasoning(effort, summary=summary)


def _rendered_reasoning(request: Request) -> dict[str, Any] | None:
    reasoning = request.reasoning
    if reasoning is None:
        return None
    effort = effort_of(reasoning)
    found: dict[str, Any] = {"effort": effort} if effort is not None else {}
    if reasoning.summary not in (None, "none") and not reasoning.off:
        found["summary"] = reasoning.summary
    return found or None


def _metadata(fields: Fields) -> dict[str, str] | None:
    metadata = fields.object("metadata")
    for name, value in (metadata or {}).items():
        if not isinstance(value, str):
            raise invalid(f"metadata.{name} must be a string.", f"metadata.{name}")
    return metadata
