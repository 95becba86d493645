"""What the gateway needs of a whole answer that passes through: its counts and its model's name."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from relay.formats.format import Survey
from relay.formats.gemini.usage import parse_usage, searches


class _Candidate(msgspec.Struct, gc=False):
    groundingMetadata: Any = None


class _Whole(msgspec.Struct, gc=False):
    modelVersion: str
    candidates: Annotated[list[_Candidate], msgspec.Meta(min_length=1)]
    usageMetadata: dict[str, Any]
    error: None = None
    object: None = None
    type: None = None


_decode = msgspec.json.Decoder(_Whole).decode


def survey(body: bytes) -> Survey | None:
    """The usual kind of answer at a glance; None for every other, which ``parse_response`` reads with care."""
    try:
        whole = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    grounded = [{"groundingMetadata": one.groundingMetadata} for one in whole.candidates if one.groundingMetadata]
    usage = parse_usage(whole.usageMetadata, searches(grounded, whole.modelVersion) if grounded else None)
    return None if usage is None else Survey(whole.modelVersion, usage)
