"""State of one vendor in a field of another's format, on its way through a caller and back to its maker.

A caller's program keeps such fields as they are and sends them with its next turn: signatures, encrypted
reasoning. What is the format's own stays as it came; what is foreign is marked with its maker.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec

from relay.neutral import Opaque, Thinking

_MARK = "oo8."
"""No vendor's own value begins so: they are base64, which has no dot, or JSON."""

_THOUGHTS = "thoughts"

_decode = msgspec.json.Decoder(tuple[Thinking, ...]).decode


def sealed(state: Opaque, own: str) -> str:
    """``state`` as text for a field of the vendor ``own``."""
    return state.data if state.maker in (own, "") else f"{_MARK}{state.maker}.{state.data}"


def opened(text: str, own: str) -> Opaque:
    """The state in a field of the vendor ``own``, whoever made it."""
    if not text.startswith(_MARK):
        return Opaque(own, text)
    maker, _, data = text[len(_MARK) :].partition(".")
    return Opaque(maker, data)


def sealed64(state: Opaque, own: str) -> str:
    """As :func:`sealed`, for fields that must be base64 (Gemini's)."""
    text = sealed(state, own)
    return text if text is state.data else base64.b64encode(text.encode()).decode()


def opened64(text: str, own: str) -> Opaque:
    """As :func:`opened`, for such fields; official clients change the alphabet on the way."""
    try:
        plain = base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return Opaque(own, text)
    return opened(plain, own) if plain.startswith(_MARK) else Opaque(own, text)


def packed(thoughts: Sequence[Thinking]) -> Opaque:
    """Whole thoughts as state, for formats where they have to ride on another part."""
    return Opaque(_THOUGHTS, base64.urlsafe_b64encode(msgspec.json.encode(thoughts)).decode())


def unpacked(state: Opaque) -> tuple[Thinking, ...]:
    """The thoughts in ``state``; none where it holds something else, or was tampered with."""
    if state.maker != _THOUGHTS:
        return ()
    try:
        return _decode(base64.urlsafe_b64decode(state.data))
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return ()
