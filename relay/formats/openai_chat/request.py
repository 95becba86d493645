"""OpenAI chat requests <-> neutral. Source: https://platform.openai.com/docs/api-reference/chat/create"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_CHOICES, MAX_TOKENS, Fields, fields_of, not_carried
from relay.formats.format import Glance, Rendered
from relay.formats.plain import plain_only
from relay.neutral import Message, Part, Refusal, Request, Role, Text, spoken

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}

_NOT_CARRIED = {
    "tools": "Tools are",
    "functions": "Functions are",
    "audio": "Audio output is",
    "web_search_options": "Web search is",
}
"""What would change the meaning if it were left out."""

_NEWER = re.compile(r"(?:o\d|gpt-(?:[5-9]|\d\d))")
"""Models that refuse ``max_tokens`` and want ``max_completion_tokens``, which many vendors don't know."""


def parse_request(glance: Glance) -> Request:
    """The request as neutral value. Raises Problem 400 for what can't be converted."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    for name in ("model", "stream", "stream_options"):
        fields.take(name)
    for name, what in _NOT_CARRIED.items():
        fields.refuse(name, what=what)
    _plain_text_only(fields)
    system, messages = _split(_turns(fields))
    old, new = (fields.integer(key, low=1, high=MAX_TOKENS) for key in ("max_tokens", "max_completion_tokens"))
    request = Request(
        model=glance.model,
        messages=messages,
        system=system,
        max_tokens=old if new is None else new,
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),  # of the compatible vendors
        stop=_stop(fields),
        stream=glance.stream,
        n=fields.integer("n", low=1, high=MAX_CHOICES) or 1,
        seed=fields.integer("seed"),
        user=fields.text("user"),
        presence_penalty=fields.number("presence_penalty"),
        frequency_penalty=fields.number("frequency_penalty"),
    )
    fields.drop_rest()
    return msgspec.structs.replace(request, losses=tuple(losses))


def render_request(request: Request) -> Rendered:
    """The body for an OpenAI-compatible vendor, usage asked for in streams."""
    body: dict[str, Any] = {"model": request.model, "messages": _messages(request)}
    limit = "max_completion_tokens" if _NEWER.match(request.model) else "max_tokens"
    options = {
        limit: request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stop) or None,
        "n": request.n if request.n > 1 else None,
        "seed": request.seed,
        "user": request.user,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "stream": request.stream or None,
        "stream_options": {"include_usage": True} if request.stream else None,
    }
    body.update((name, value) for name, value in options.items() if value is not None)
    return Rendered(msgspec.json.encode(body), (*request.losses, *plain_only(request), *_losses(request)))


def _losses(request: Request) -> tuple[str, ...]:
    lost = ("top_k",) if request.top_k is not None else ()
    # Claude continues a last assistant turn; here it is a finished one.
    return (*lost, "prefill") if request.messages[-1].role == "assistant" else lost


def _plain_text_only(fields: Fields) -> None:
    shape = fields.inner("response_format")
    if shape is not None and shape.text("type") not in (None, "text"):
        raise not_carried("Structured output is", "response_format")
    if any(kind != "text" for kind in fields.texts("modalities")):
        raise not_carried("Output other than text is", "modalities")


def _stop(fields: Fields) -> tuple[str, ...]:
    stop = fields.take("stop")
    if isinstance(stop, str):
        return (stop,)
    return Fields({"stop": stop}, "", {}).texts("stop")


def _turns(fields: Fields) -> list[Message]:
    return [_message(item) for item in fields.items("messages")]


def _split(turns: list[Message]) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The instructions before the first turn, and the turns."""
    first = next((at for at, turn in enumerate(turns) if turn.role != "system"), len(turns))
    if first == len(turns):
        # Nothing but instructions: other formats want a turn to answer.
        turns = [*turns[:-1], Message("user", turns[-1].parts)]
        first = len(turns) - 1
    system = tuple(Text(spoken((part,))) for turn in turns[:first] for part in turn.parts)
    return system, tuple(turns[first:])


def _message(fields: Fields) -> Message:
    name = fields.text("role") or ""
    role = _ROLES.get(name)
    if role is None:
        raise not_carried(f"Messages of the role {name!r} are", f"{fields.path}.role")
    fields.refuse("tool_calls", what="Tool calls are")
    fields.refuse("function_call", what="Function calls are")
    parts = _parts(fields)
    refusal = fields.text("refusal")
    fields.drop_rest()
    return Message(role, (*parts, Refusal(refusal)) if refusal else parts)


def _parts(fields: Fields) -> tuple[Part, ...]:
    content = fields.take("content")
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    return tuple(_part(item) for item in fields.of("content", content))


def _part(fields: Fields) -> Part:
    kind = fields.text("type")
    if kind not in ("text", "refusal"):
        raise not_carried(f"A content part of the type {kind!r} is", fields.path)
    text = fields.text(kind)
    if text is None:
        raise invalid(f"{fields.path}.{kind} must be a string.", f"{fields.path}.{kind}")
    fields.drop_rest()
    return Refusal(text) if kind == "refusal" else Text(text)


def _messages(request: Request) -> list[dict[str, Any]]:
    # One string: not every compatible vendor takes a list as system prompt.
    system = "\n\n".join(part.text for part in request.system)
    head = [{"role": "system", "content": system}] if system else []
    return [*head, *(_rendered(message) for message in request.messages)]


def _rendered(message: Message) -> dict[str, Any]:
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    refusals = [part.text for part in message.parts if isinstance(part, Refusal)]
    if message.role == "user" and len(texts) > 1:
        return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}
    content = ("" if message.role == "assistant" else "\n\n").join(texts)
    if refusals:
        return {"role": message.role, "content": content or None, "refusal": "".join(refusals)}
    return {"role": message.role, "content": content}
