"""Reasoning items: the model's thoughts, and the state of other vendors on its way through the caller.

OpenAI's own state is in ``encrypted_content``. A thought that another vendor signed is packed there whole; a
signature of a call stands in an item of its own right before the call, one of a text right after it.
Source: https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from relay.formats.carrier import opened, packed, sealed, unpacked
from relay.neutral import Image, Opaque, Part, Text, Thinking, ToolUse

OWN = "openai"
"""The vendor's name in state and in ids of files."""

NOTHING = Opaque("gemini", "")
"""Says that a call has no signature, where the one before it would be taken for its own."""


def parse_reasoning(id: str, text: str, encrypted: str) -> tuple[Thinking | Opaque, ...]:
    """What a reasoning item holds: thoughts, or the signature of the part beside it."""
    if not encrypted:
        return (Thinking(text),) if text else ()
    state = opened(encrypted, OWN)
    if state.maker == OWN:
        return (Thinking(text, state, id=id),)
    thoughts = unpacked(state)
    if thoughts:
        return thoughts
    if state.maker == NOTHING.maker:
        return (state,)
    return (Thinking(text),) if text else ()


def attached(found: Iterable[Part | Opaque]) -> tuple[Part, ...]:
    """The parts, each with its signature."""
    parts: list[Part] = []
    waiting: list[Opaque] = []
    for one in found:
        if isinstance(one, Opaque):
            waiting.append(one)
            continue
        if isinstance(one, ToolUse) and waiting:
            state = waiting.pop()
            one = msgspec.structs.replace(one, signature=state) if state.data else one
        _behind(parts, waiting)
        parts.append(one)
    _behind(parts, waiting)
    return tuple(parts)


def _behind(parts: list[Part], waiting: list[Opaque]) -> None:
    """Signatures of what came before them; on their own they are a text without words."""
    for state in waiting:
        last = parts[-1] if parts else None
        if not state.data:
            continue
        if isinstance(last, Text | Image) and last.signature is None:
            parts[-1] = msgspec.structs.replace(last, signature=state)
        else:
            parts.append(Text("", signature=state))
    waiting.clear()


def reasoning_item(id: str, part: Thinking) -> dict[str, Any]:
    """A thought as item for the caller."""
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    item: dict[str, Any] = {"id": part.id or id, "type": "reasoning", "summary": summary}
    if part.signature is not None:
        foreign = part.signature.maker not in (OWN, "")
        item["encrypted_content"] = sealed(packed((part,)) if foreign else part.signature, OWN)
    return item


def mark_item(id: str, state: Opaque) -> dict[str, Any]:
    """The signature of a neighbouring part as item of its own."""
    maker = state.maker or NOTHING.maker
    return {"id": id, "type": "reasoning", "summary": [], "encrypted_content": sealed(Opaque(maker, state.data), OWN)}
