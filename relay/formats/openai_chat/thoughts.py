"""The model's thoughts in OpenAI's format, which has no official place for them.

``reasoning_content`` is DeepSeek's field and that of most others (https://api-docs.deepseek.com/guides/reasoning_model),
``reasoning`` OpenRouter's and vLLM's; ``reasoning_details`` holds signatures and encrypted thoughts
(https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning); ``extra_content`` Google's signatures
(https://ai.google.dev/gemini-api/docs/thought-signatures).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from relay.formats.carrier import opened, sealed
from relay.neutral import Opaque, Part, Text, Thinking, ToolUse

_MAKERS = {"anthropic-claude-v1": "anthropic", "openai-responses-v1": "openai", "google-gemini-v1": "gemini"}
_FORMATS = {maker: format for format, maker in _MAKERS.items()}


def parse_thoughts(plain: str, details: object) -> tuple[Thinking, ...]:
    """The thoughts of a message. The details repeat the plain text, so they go first where they have any."""
    found = _detailed(entries(details))
    return found or ((Thinking(plain),) if plain else ())


def entries(details: object) -> list[dict[str, Any]]:
    """``reasoning_details`` as far as they are well-formed."""
    return [entry for entry in details if isinstance(entry, dict)] if isinstance(details, list) else []


def state_of(entry: dict[str, Any], field: str) -> Opaque | None:
    """The signature or the encrypted thoughts in an entry."""
    data, format = entry.get(field), entry.get("format")
    if not isinstance(data, str) or not data:
        return None
    return Opaque(_MAKERS.get(format, format) if isinstance(format, str) else "", data)


def _detailed(found: list[dict[str, Any]]) -> tuple[Thinking, ...]:
    thoughts: list[Thinking] = []
    for entry in found:
        kind, id = entry.get("type"), _word(entry.get("id"))
        if kind == "reasoning.text":
            thoughts.append(Thinking(_word(entry.get("text")), state_of(entry, "signature"), id=id))
        elif kind == "reasoning.summary":
            thoughts.append(Thinking(_word(entry.get("summary")), id=id))
        elif kind == "reasoning.encrypted" and (state := state_of(entry, "data")) and state.maker != "gemini":
            last = thoughts[-1] if thoughts else None
            if last is not None and last.signature is None and last.id == id:
                thoughts[-1] = msgspec.structs.replace(last, signature=state)
            else:
                thoughts.append(Thinking("", state, redacted=state.maker != "openai", id=id))
    return tuple(thoughts)


def signed(parts: Iterable[Part], details: object) -> tuple[Part, ...]:
    """``parts`` with Gemini's signatures, which stand in the details by the id of a call, or for the text."""
    states = [(_word(entry.get("id")), state) for entry in entries(details)
              if entry.get("type") == "reasoning.encrypted" and (state := state_of(entry, "data"))
              and state.maker == "gemini"]  # fmt: skip
    if not states:
        return tuple(parts)
    by_id, loose = {id: state for id, state in states if id}, [state for id, state in states if not id]
    found: list[Part] = []
    for part in parts:
        if isinstance(part, ToolUse) and part.signature is None and part.id in by_id:
            part = msgspec.structs.replace(part, signature=by_id[part.id])
        elif isinstance(part, Text) and part.signature is None and loose:
            part = msgspec.structs.replace(part, signature=loose.pop(0))
        found.append(part)
    return tuple(found)


def render_thoughts(parts: Iterable[Part]) -> dict[str, Any]:
    """The fields of a message that carry its thoughts and the state in them."""
    thoughts = [part for part in parts if isinstance(part, Thinking)]
    fields: dict[str, Any] = {}
    if text := "\n\n".join(part.text for part in thoughts if part.text):
        fields["reasoning_content"] = text
    details: list[dict[str, Any]] = []
    if any(part.signature is not None for part in thoughts):
        for part in thoughts:
            details += detail(part, len(details))
    states = [part.signature for part in parts if isinstance(part, Text) and part.signature is not None]
    for state in states:
        details.append(encrypted(state, len(details)))
    return {**fields, "reasoning_details": details} if details else fields


def detail(part: Thinking, index: int) -> list[dict[str, Any]]:
    """The entries of one thought. Official clients join pieces by ``index``, so none is there twice."""
    state = part.signature
    named = {"id": part.id} if part.id else {}
    if state is None:
        return [{"type": "reasoning.text", "text": part.text, **named, "index": index}]
    if state.maker != "openai" and not part.redacted:
        format = _FORMATS.get(state.maker, state.maker)
        text = {"text": part.text, "signature": state.data, "format": format}
        return [{"type": "reasoning.text", **text, **named, "index": index}]
    head = []
    if part.text:
        summary = {"summary": part.text, "format": _FORMATS.get(state.maker, state.maker)}
        head = [{"type": "reasoning.summary", **summary, **named, "index": index}]
    return [*head, {**encrypted(state, index + len(head)), **named}]


def encrypted(state: Opaque, index: int) -> dict[str, Any]:
    """The entry of state that has no text."""
    format = _FORMATS.get(state.maker, state.maker)
    return {"type": "reasoning.encrypted", "data": state.data, "format": format, "index": index}


def parse_extra(extra: object) -> Opaque | None:
    """Google's signature of a tool call."""
    google = extra.get("google") if isinstance(extra, dict) else None
    data = google.get("thought_signature") if isinstance(google, dict) else None
    return opened(data, "gemini") if isinstance(data, str) and data else None


def render_extra(state: Opaque) -> dict[str, Any]:
    """As Google's own compatible endpoint has it."""
    return {"google": {"thought_signature": sealed(state, "gemini")}}


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
