"""OpenAI chat requests <-> neutral. Source: https://platform.openai.com/docs/api-reference/chat/create"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_CHOICES, MAX_TOKENS, Fields, fields_of
from relay.formats.format import Glance, Rendered
from relay.formats.openai_chat.tools import parse_choice, parse_tools, render_tools
from relay.formats.openai_chat.turns import parse_messages, render_messages
from relay.neutral import EFFORTS, Reasoning, Request, Shape, Text, Voice, effort_of

_OWN = re.compile(r"(?:o\d|gpt-(?!oss)|chatgpt-)")
"""OpenAI's own models: they refuse fields that are not theirs, and know some that others don't."""

_NEWER = re.compile(r"(?:o\d|gpt-(?:[5-9]|\d\d))")
"""Models that refuse ``max_tokens`` and want ``max_completion_tokens``, which many vendors don't know."""


def parse_request(glance: Glance) -> Request:
    """The request as neutral value. Raises Problem 400 for what can't be converted."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    for name in ("model", "stream", "stream_options"):
        fields.take(name)
    system, messages = parse_messages(fields)
    old, new = (fields.integer(key, low=1, high=MAX_TOKENS) for key in ("max_tokens", "max_completion_tokens"))
    request = Request(
        model=glance.model,
        messages=messages,
        system=system,
        max_tokens=old if new is None else new,
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),  # this and min_p of the compatible vendors
        min_p=fields.number("min_p"),
        stop=_stop(fields),
        stream=glance.stream,
        n=fields.integer("n", low=1, high=MAX_CHOICES) or 1,
        seed=fields.integer("seed"),
        presence_penalty=fields.number("presence_penalty"),
        frequency_penalty=fields.number("frequency_penalty"),
        logit_bias=_biases(fields),
        logprobs=fields.flag("logprobs") or False,
        top_logprobs=fields.integer("top_logprobs", low=0, high=100),
        tools=parse_tools(fields),
        tool_choice=parse_choice(fields),
        parallel_tools=fields.flag("parallel_tool_calls"),
        shape=_shape(fields),
        reasoning=_reasoning(fields),
        verbosity=fields.text("verbosity"),
        modalities=_modalities(fields),
        voice=_voice(fields),
        prediction=_prediction(fields),
        user=fields.text("user"),
        safety_id=fields.text("safety_identifier"),
        metadata=_metadata(fields),
        store=fields.flag("store"),
        service_tier=fields.text("service_tier"),
        cache_key=fields.text("prompt_cache_key"),
        cache_retention=fields.text("prompt_cache_retention"),
    )
    fields.drop_rest()
    return msgspec.structs.replace(request, losses=tuple(losses))


def render_request(request: Request) -> Rendered:
    """The body for an OpenAI-compatible vendor, usage asked for in streams."""
    losses: dict[str, None] = dict.fromkeys(request.losses)
    own = _OWN.match(request.model) is not None
    body: dict[str, Any] = {"model": request.model, "messages": render_messages(request, own, losses)}
    limit = "max_completion_tokens" if _NEWER.match(request.model) else "max_tokens"
    options = {
        limit: request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stop) or None,
        "n": request.n if request.n > 1 else None,
        "seed": request.seed,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "logit_bias": request.logit_bias,
        "logprobs": request.logprobs or None,
        "top_logprobs": request.top_logprobs,
        "response_format": _rendered_shape(request.shape),
        "reasoning_effort": effort_of(request.reasoning) if request.reasoning else None,
        "verbosity": request.verbosity,
        "modalities": list(request.modalities) or None,
        "audio": {"voice": request.voice.voice, "format": request.voice.format} if request.voice else None,
        "prediction": _rendered_prediction(request.prediction),
        "user": request.user,
        "safety_identifier": request.safety_id,
        "metadata": request.metadata,
        "store": request.store,
        "service_tier": request.service_tier,
        "prompt_cache_key": request.cache_key,
        "prompt_cache_retention": request.cache_retention,
        "stream": request.stream or None,
        "stream_options": {"include_usage": True} if request.stream else None,
    }
    body.update((name, value) for name, value in options.items() if value is not None)
    body.update(render_tools(request, own, losses))
    _lose(request, losses)
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _lose(request: Request, losses: dict[str, None]) -> None:
    for name in ("top_k", "min_p"):
        if getattr(request, name) is not None:
            losses[name] = None
    if request.cache is not None:
        losses["cache_control"] = None
    if request.reasoning is not None and request.reasoning.summary not in (None, "none"):
        losses["reasoning.summary"] = None
    if request.messages and request.messages[-1].role == "assistant":
        losses["prefill"] = None  # Claude continues a last assistant turn; here it is a finished one


def _stop(fields: Fields) -> tuple[str, ...]:
    stop = fields.take("stop")
    if isinstance(stop, str):
        return (stop,)
    return Fields({"stop": stop}, "", {}).texts("stop")


def _modalities(fields: Fields) -> tuple[str, ...]:
    kinds = fields.texts("modalities")
    return () if kinds == ("text",) else kinds


def _biases(fields: Fields) -> dict[str, float] | None:
    biases = fields.object("logit_bias")
    for token, bias in (biases or {}).items():
        if isinstance(bias, bool) or not isinstance(bias, int | float):
            raise invalid(f"logit_bias.{token} must be a number.", f"logit_bias.{token}")
    return biases


def _metadata(fields: Fields) -> dict[str, str] | None:
    metadata = fields.object("metadata")
    for name, value in (metadata or {}).items():
        if not isinstance(value, str):
            raise invalid(f"metadata.{name} must be a string.", f"metadata.{name}")
    return metadata


def _shape(fields: Fields) -> Shape | None:
    """``response_format``."""
    shape = fields.inner("response_format")
    if shape is None:
        return None
    kind, inner = shape.text("type") or "text", shape.inner("json_schema")
    if kind not in ("text", "json_object", "json_schema") or (kind == "json_schema" and inner is None):
        raise invalid("response_format must be text, json_object, or json_schema with a schema.", "response_format")
    if kind != "json_schema" or inner is None:
        return None if kind == "text" else Shape("object")
    found = Shape(
        "schema",
        inner.object("schema") or {},
        inner.text("name") or "",
        inner.text("description") or "",
        inner.flag("strict"),
    )
    inner.drop_rest()
    return found


def _rendered_shape(shape: Shape | None) -> dict[str, Any] | None:
    if shape is None:
        return None
    if shape.kind == "object":
        return {"type": "json_object"}
    inner: dict[str, Any] = {"name": shape.name or "answer"}
    if shape.description:
        inner["description"] = shape.description
    inner["schema"] = shape.schema or {}
    if shape.strict is not None:
        inner["strict"] = shape.strict
    return {"type": "json_schema", "json_schema": inner}


def _reasoning(fields: Fields) -> Reasoning | None:
    """``reasoning_effort``, or OpenRouter's ``reasoning``."""
    effort, inner = fields.text("reasoning_effort"), fields.inner("reasoning")
    budget = None
    if inner is not None:
        effort = effort or inner.text("effort")
        budget = inner.integer("max_tokens", low=0, high=MAX_TOKENS)
        inner.drop_rest()
    if effort is not None and effort not in EFFORTS:
        raise invalid(f"reasoning_effort must be one of {', '.join(EFFORTS)}.", "reasoning_effort")
    if effort is None and budget is None:
        return None
    return Reasoning(effort, budget)


def _voice(fields: Fields) -> Voice | None:
    audio = fields.inner("audio")
    if audio is None:
        return None
    voice = audio.take("voice")
    if not isinstance(voice, str | dict):
        raise invalid("audio.voice must be a string or an object.", "audio.voice")
    found = Voice(audio.text("format") or "wav", voice)
    audio.drop_rest()
    return found


def _prediction(fields: Fields) -> tuple[Text, ...]:
    prediction = fields.inner("prediction")
    if prediction is None:
        return ()
    prediction.take("type")
    content = prediction.take("content")
    if isinstance(content, str):
        return (Text(content),)
    return tuple(Text(item.text("text") or "") for item in prediction.of("content", content))


def _rendered_prediction(texts: tuple[Text, ...]) -> dict[str, Any] | None:
    return {"type": "content", "content": "".join(part.text for part in texts)} if texts else None
