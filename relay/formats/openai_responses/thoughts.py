"""Reasoning items: the model's thoughts, and the state of other vendors on its way through the caller.

OpenAI's own state is in ``encrypted_content``. A thought that another vendor signed is packed there whole; a
signature of a call stands in an item of its own right before the call, one of a text right after it.
Source: https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items
"""

from __future__ import annotations

from typing import Any

from relay.formats.carrier import opened, packed, sealed, unpacked
from relay.formats.marks import NOTHING
from relay.neutral import Opaque, Thinking

OWN = "openai"
"""The vendor's name in state and in ids of files."""


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


def reasoning_item(id: str, part: Thinking) -> dict[str, Any]:
    """A thought as item for the caller."""
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    item: dict[str, Any] = {"id": part.id or id, "type": "reasoning", "summary": summary}
    if part.signature is not None:
        foreign = part.signature.maker not in (OWN, "")
        item["encrypted_content"] = seal_whole(part) if foreign else sealed(part.signature, OWN)
    return item


def seal_whole(part: Thinking) -> str:
    """A thought with all that belongs to it as encrypted content."""
    return sealed(packed((part,)), OWN)


def mark_item(id: str, state: Opaque) -> dict[str, Any]:
    """The signature of a neighbouring part as item of its own."""
    maker = state.maker or NOTHING.maker
    return {"id": id, "type": "reasoning", "summary": [], "encrypted_content": sealed(Opaque(maker, state.data), OWN)}
