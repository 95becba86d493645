"""Thoughts and signatures: Gemini's own, and the state of other vendors on its way through the caller.

A signature stands on the part that came of the thought. Thoughts that another vendor signed are shown as thoughts,
and packed whole into the signature of the next part that is no thought, since programs drop thoughts.
Source: https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from relay.formats.carrier import opened64, packed, sealed64, unpacked
from relay.formats.gemini.words import OWN, word
from relay.neutral import Block, Image, Opaque, Part, Text, Thinking, ToolUse

PLACEHOLDER = "skip_thought_signature_validator"
"""Documented for calls that another model made: Gemini 3 refuses calls without a signature."""

Found = tuple[Part, Opaque | None]
"""A part and its signature."""


def state_of(signature: object) -> Opaque | None:
    """The state in ``thoughtSignature``, whoever made it; None where there is none."""
    text = word(signature)
    return opened64(text, OWN) if text and text != PLACEHOLDER else None


def own(state: Opaque | None) -> bool:
    """True for state that Gemini itself can read."""
    return state is not None and state.maker in (OWN, "")


def attached(found: Iterable[Found]) -> tuple[Part, ...]:
    """The parts, each with its signature; thoughts that were packed are whole again."""
    parts: list[Part] = []
    for part, state in found:
        thoughts = unpacked(state) if state is not None else ()
        if thoughts:
            while parts and isinstance(parts[-1], Thinking) and parts[-1].signature is None:
                parts.pop()  # as they were shown
            parts += thoughts
            state = None
        _add(parts, part, state)
    return tuple(parts)


def _add(parts: list[Part], part: Part, state: Opaque | None) -> None:
    last = parts[-1] if parts else None
    if isinstance(part, Thinking) and isinstance(last, Thinking) and last.signature is None:
        parts[-1] = Thinking(last.text + part.text, state)  # a summary in pieces
    elif isinstance(part, Text) and not part.text and isinstance(last, Text | Image) and last.signature is None:
        parts[-1] = msgspec.structs.replace(last, signature=state)
    elif state is not None and isinstance(part, Text | Image | ToolUse | Thinking):
        parts.append(msgspec.structs.replace(part, signature=state))
    elif part not in (Text(""), Thinking()):
        parts.append(part)
        if state is not None and not isinstance(part, Block):
            parts.append(Text("", signature=state))


def thought_part(text: str) -> dict[str, Any]:
    """A thought to show."""
    return {"text": text, "thought": True}


def signature(state: Opaque) -> dict[str, str]:
    """The field that holds ``state``."""
    return {"thoughtSignature": sealed64(state, OWN)}


class Waiting:
    """Thoughts that were shown; if another vendor signed one of them they ride on the next part."""

    __slots__ = ("_thoughts",)

    def __init__(self) -> None:
        self._thoughts: list[Thinking] = []

    def add(self, thought: Thinking) -> dict[str, Any] | None:
        """The part that a thought needs beside its text: Gemini's own signature."""
        if own(thought.signature) and thought.signature is not None:
            return {**thought_part(""), **signature(thought.signature)}
        self._thoughts.append(thought)
        return None

    def field(self) -> dict[str, str]:
        """What the next part carries of them."""
        thoughts, self._thoughts = self._thoughts, []
        if all(thought.signature is None for thought in thoughts):
            return {}
        return signature(packed(thoughts))


def carried(part: dict[str, Any], state: Opaque | None, field: dict[str, str]) -> list[dict[str, Any]]:
    """A part with its own signature, or with ``field``; with both, the latter needs a part of its own."""
    if state is None:
        return [{**part, **field}]
    before: Sequence[dict[str, Any]] = [{"text": "", **field}] if field else []
    return [*before, {**part, **signature(state)}]
