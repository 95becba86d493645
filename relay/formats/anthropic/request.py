"""Claude requests <-> neutral. Source: https://docs.anthropic.com/en/api/messages"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_TOKENS, Fields, fields_of, not_carried
from relay.formats.format import Glance, Rendered
from relay.formats.plain import plain_only
from relay.neutral import Message, Refusal, Request, Role, Text, spoken

DEFAULT_MAX_TOKENS = 8192
"""Claude wants a limit; this one is sent for callers who give none."""

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant"}

_NOT_CARRIED = {"tools": "Tools are", "mcp_servers": "MCP servers are", "container": "Containers are"}
"""What would change the meaning if it were left out."""

_DROPPED = frozenset(("thinking", "redacted_thinking"))
"""Blocks of earlier turns that only Claude itself can read again."""


def parse_request(glance: Glance) -> Request:
    """The request as neutral value. Raises Problem 400 for what can't be converted."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    for name in ("model", "stream"):
        fields.take(name)
    for name, what in _NOT_CARRIED.items():
        fields.refuse(name, what=what)
    _plain_text_only(fields)
    request = Request(
        model=glance.model,
        messages=tuple(_message(item) for item in fields.items("messages")),
        system=_texts(fields, "system"),
        max_tokens=fields.integer("max_tokens", low=1, high=MAX_TOKENS),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        stop=fields.texts("stop_sequences"),
        stream=glance.stream,
        user=_user(fields),
    )
    fields.drop_rest()
    return msgspec.structs.replace(request, losses=tuple(losses))


def render_request(request: Request) -> Rendered:
    """The body for Claude. Instructions amid the conversation move to the front."""
    losses = plain_only(request)
    losses += [name for name in ("seed", "presence_penalty", "frequency_penalty") if getattr(request, name) is not None]
    if request.n > 1:
        raise not_carried("More than one answer (n) is", "n")
    body: dict[str, Any] = {"model": request.model, "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS}
    system = _system(request, losses)
    if system:
        body["system"] = [{"type": "text", "text": text} for text in system]
    body["messages"] = [_rendered(message) for message in request.messages if message.role != "system"]
    options = {
        "temperature": _temperature(request, losses),
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop_sequences": list(request.stop) or None,
        "metadata": {"user_id": request.user} if request.user else None,
        "stream": request.stream or None,
    }
    body.update((name, value) for name, value in options.items() if value is not None)
    return Rendered(msgspec.json.encode(body), (*request.losses, *losses))


def _plain_text_only(fields: Fields) -> None:
    if isinstance(thinking := fields.take("thinking"), dict) and thinking.get("type") != "disabled":
        fields.lose("thinking")
    for name in ("output_config", "output_format"):
        value = fields.take(name)
        if isinstance(value, dict) and (value.get("format") or value.get("type") == "json_schema"):
            raise not_carried("Structured output is", name)
        if value is not None:
            fields.lose(name)


def _user(fields: Fields) -> str | None:
    metadata = fields.inner("metadata")
    if metadata is None:
        return None
    user = metadata.text("user_id")
    metadata.drop_rest()
    return user


def _message(fields: Fields) -> Message:
    name = fields.text("role") or ""
    role = _ROLES.get(name)
    if role is None:
        raise invalid(f"{fields.path}.role must be user or assistant.", f"{fields.path}.role")
    parts = _texts(fields, "content")
    fields.drop_rest()
    return Message(role, parts)


def _texts(fields: Fields, name: str) -> tuple[Text, ...]:
    """A string, or a list of text blocks."""
    content = fields.take(name)
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    found = (_text(block, fields, name) for block in fields.of(name, content))
    return tuple(text for text in found if text is not None)


def _text(block: Fields, parent: Fields, name: str) -> Text | None:
    kind = block.text("type")
    if kind in _DROPPED:
        parent.lose(f"{name}.{kind}")
        return None
    if kind != "text":
        raise not_carried(f"A content block of the type {kind!r} is", block.path)
    text = block.text("text")
    if text is None:
        raise invalid(f"{block.path}.text must be a string.", f"{block.path}.text")
    block.drop_rest()
    return Text(text)


def _system(request: Request, losses: list[str]) -> list[str]:
    texts = [part.text for part in request.system]
    later = [spoken((part,)) for turn in request.messages if turn.role == "system" for part in turn.parts]
    if later:
        losses.append("system_position")
    return [text for text in (*texts, *later) if text]


def _rendered(message: Message) -> dict[str, Any]:
    # Claude refuses empty text blocks.
    texts = [part.text for part in message.parts if isinstance(part, Text | Refusal) and part.text]
    return {"role": message.role, "content": [{"type": "text", "text": text} for text in texts]}


def _temperature(request: Request, losses: list[str]) -> float | None:
    """Claude's scale ends at 1, that of others at 2."""
    if request.temperature is None or request.temperature <= 1:
        return request.temperature
    losses.append("temperature")
    return 1
