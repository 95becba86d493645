"""What the gateway needs of a whole answer that passes through: its counts and its model's name."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.format import Survey
from relay.formats.openai_chat.usage import parse_usage


class _Whole(msgspec.Struct, gc=False):
    model: str
    choices: list[msgspec.Raw]
    usage: dict[str, Any]
    object: str = ""
    type: str = ""
    error: Any = None
    service_tier: Any = None


_decode = msgspec.json.Decoder(_Whole).decode


def survey(body: bytes) -> Survey | None:
    """The usual kind of answer at a glance; None for every other, which ``parse_response`` reads with care."""
    try:
        whole = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if whole.error or "error" in (whole.object, whole.type):
        return None
    if not whole.choices or not all(bytes(choice).startswith(b"{") for choice in whole.choices):
        return None
    usage = parse_usage(whole.usage, whole.service_tier)
    return None if usage is None else Survey(whole.model, usage)
