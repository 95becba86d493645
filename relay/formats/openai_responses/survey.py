"""What the gateway needs of a whole answer that passes through: its counts and its model's name."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from relay.formats.format import Survey
from relay.formats.openai_responses.usage import parse_usage


class _Item(msgspec.Struct, gc=False):
    type: str
    action: Any = None
    container_id: Any = None


class _Whole(msgspec.Struct, gc=False):
    model: str
    output: list[_Item]
    usage: dict[str, Any]
    status: Literal["completed", "incomplete"]
    error: None = None
    service_tier: Any = None
    tool_usage: Any = None


_decode = msgspec.json.Decoder(_Whole).decode


def survey(body: bytes) -> Survey | None:
    """The usual kind of answer at a glance; None for every other, which ``parse_response`` reads with care."""
    try:
        whole = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    counted = {"usage": whole.usage, "service_tier": whole.service_tier, "tool_usage": whole.tool_usage}
    usage = parse_usage(counted, [msgspec.structs.asdict(item) for item in whole.output])
    return None if usage is None else Survey(whole.model, usage)
