"""Thinking blocks: the model's thoughts, and the state of other vendors on its way through the caller.

Claude's own state is in ``signature`` and in the ``data`` of redacted thinking. A thought that another vendor
signed is packed there whole; a signature of a call is a redacted block of its own right before the call, one of
a text right after it. Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
"""

from __future__ import annotations

from typing import Any

from relay.formats.carrier import opened, packed, sealed, unpacked
from relay.formats.marks import NOTHING
from relay.neutral import Opaque, Thinking

OWN = "anthropic"
"""The vendor's name in state and in ids of files, and the format's."""


def parse_thinking(text: str, signature: str) -> tuple[Thinking, ...]:
    """The thoughts of a ``thinking`` block."""
    if not signature:
        return (Thinking(text),)
    state = opened(signature, OWN)
    if state.maker == OWN:
        return (Thinking(text, state),)
    return unpacked(state) or (Thinking(text),)


def parse_redacted(data: str) -> tuple[Thinking | Opaque, ...]:
    """What a ``redacted_thinking`` block holds: thoughts, or the signature of the part beside it."""
    if not data:
        return ()
    state = opened(data, OWN)
    if state.maker == OWN:
        return (Thinking("", state, redacted=True),)
    return (state,) if state.maker == NOTHING.maker else unpacked(state)


def thinking_block(part: Thinking) -> dict[str, Any]:
    """A thought as block for the caller. Programs drop blocks without the field ``signature``."""
    if part.redacted and part.signature is not None:
        return {"type": "redacted_thinking", "data": seal(part)}
    return {"type": "thinking", "thinking": part.text, "signature": seal(part)}


def seal(part: Thinking) -> str:
    """The state of a thought as text for a field of Claude's; empty where it has none."""
    if part.signature is None:
        return ""
    return sealed(part.signature if part.signature.maker in (OWN, "") else packed((part,)), OWN)


def mark_block(state: Opaque) -> dict[str, Any]:
    """The signature of a neighbouring part as block of its own."""
    return {"type": "redacted_thinking", "data": sealed(Opaque(state.maker or NOTHING.maker, state.data), OWN)}
