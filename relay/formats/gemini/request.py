"""Gemini requests <-> neutral. Source: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_CHOICES, MAX_TOKENS, Fields, fields_of, not_carried
from relay.formats.format import Glance, Rendered
from relay.formats.plain import plain_only
from relay.neutral import Message, Request, Role, Text, spoken

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant"}

_PART_FIELDS = ("inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult")


def parse_request(glance: Glance) -> Request:
    """The request as neutral value. Raises Problem 400 for what can't be converted."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    fields.take("model")
    fields.refuse("tools", what="Tools are")
    fields.refuse("cachedContent", "cached_content", what="Cached contents are")
    system = fields.inner("systemInstruction", "system_instruction")
    request = Request(
        model=glance.model,
        messages=tuple(_message(item) for item in fields.items("contents")),
        system=_texts(system) if system else (),
        stream=glance.stream,
    )
    if system:
        system.take("role")
        system.drop_rest()
    config = fields.inner("generationConfig", "generation_config")
    request = _configured(request, config) if config else request
    fields.drop_rest()
    return msgspec.structs.replace(request, losses=tuple(losses))


def _configured(request: Request, config: Fields) -> Request:
    _plain_text_only(config)
    request = msgspec.structs.replace(
        request,
        max_tokens=config.integer("maxOutputTokens", "max_output_tokens", low=1, high=MAX_TOKENS),
        temperature=config.number("temperature"),
        top_p=config.number("topP", "top_p"),
        top_k=config.integer("topK", "top_k"),
        stop=config.texts("stopSequences", "stop_sequences"),
        n=config.integer("candidateCount", "candidate_count", low=1, high=MAX_CHOICES) or 1,
        seed=config.integer("seed"),
        presence_penalty=config.number("presencePenalty", "presence_penalty"),
        frequency_penalty=config.number("frequencyPenalty", "frequency_penalty"),
    )
    config.drop_rest()
    return request


def render_request(request: Request) -> Rendered:
    """The body for Gemini; model and stream go into the path. Instructions amid the turns move to the front."""
    losses = plain_only(request)
    losses += ["user"] if request.user is not None else []
    turns = [message for message in request.messages if message.role != "system"]
    system = [*request.system, *(part for turn in request.messages if turn.role == "system" for part in turn.parts)]
    if len(turns) < len(request.messages):
        losses.append("system_position")
    body: dict[str, Any] = {"contents": [_rendered(message) for message in turns]}
    if system:
        body["systemInstruction"] = {"parts": [{"text": spoken((part,))} for part in system]}
    if config := _config(request):
        body["generationConfig"] = config
    return Rendered(msgspec.json.encode(body), (*request.losses, *losses))


def _config(request: Request) -> dict[str, Any]:
    options = {
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "stopSequences": list(request.stop) or None,
        "candidateCount": request.n if request.n > 1 else None,
        "seed": request.seed,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
    }
    return {name: value for name, value in options.items() if value is not None}


def _plain_text_only(config: Fields) -> None:
    names = ("responseMimeType", "response_mime_type")
    path, kind = config.spelling(*names), config.text(*names)
    if kind not in (None, "", "text/plain"):
        raise not_carried("Output other than plain text is", path)
    for camel, snake in (("responseSchema", "response_schema"), ("responseJsonSchema", "response_json_schema")):
        config.refuse(camel, snake, what="Structured output is")
    names = ("responseModalities", "response_modalities")
    path, kinds = config.spelling(*names), config.texts(*names)
    if any(kind.upper() != "TEXT" for kind in kinds):
        raise not_carried("Output other than text is", path)


def _message(fields: Fields) -> Message:
    name = fields.text("role") or "user"
    role = _ROLES.get(name)
    if role is None:
        raise not_carried(f"Contents of the role {name!r} are", f"{fields.path}.role")
    message = Message(role, _texts(fields))
    fields.drop_rest()
    return message


def _texts(fields: Fields) -> tuple[Text, ...]:
    found = (_text(part) for part in fields.items("parts"))
    return tuple(text for text in found if text is not None)


def _text(part: Fields) -> Text | None:
    """The part's text; None for a thought of an earlier turn, which only Gemini itself can read again."""
    for name in _PART_FIELDS:
        if part.take(name, _snake(name)) is not None:
            raise not_carried(f"A part with {name} is", part.path)
    text = part.text("text")
    if part.flag("thought"):
        part.lose("thought")
        return None
    if text is None:
        raise invalid(f"{part.path}.text must be a string.", f"{part.path}.text")
    part.drop_rest()
    return Text(text)


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def _rendered(message: Message) -> dict[str, Any]:
    role = "model" if message.role == "assistant" else "user"
    return {"role": role, "parts": [{"text": spoken((part,))} for part in message.parts]}
