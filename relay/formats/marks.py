"""Signatures of parts that ride on items of their own, for formats whose calls and texts have no field for them.

A signature of a call stands right before the call, one of a text or a picture right after it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from relay.neutral import Image, Opaque, Part, Text, ToolUse

NOTHING = Opaque("gemini", "")
"""Says that a call has no signature, where the one before it would be taken for its own."""


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
