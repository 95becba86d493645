"""What the gateway needs of a whole answer that passes through: its counts and its model's name."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from relay.formats.anthropic.usage import parse_usage
from relay.formats.format import Survey


class _Whole(msgspec.Struct, gc=False):
    model: str
    content: list[msgspec.Raw]
    usage: dict[str, Any]
    type: Literal["message"]
    error: None = None


_decode = msgspec.json.Decoder(_Whole).decode


def survey(body: bytes) -> Survey | None:
    """The usual kind of answer at a glance; None for every other, which ``parse_response`` reads with care."""
    try:
        whole = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    usage = parse_usage(whole.usage)
    return None if usage is None or usage.inconsistent else Survey(whole.model, usage)
