"""One event of a Claude stream, decoded once for reader and tap.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.anthropic.errors import STATUSES
from relay.formats.vendor import error_of, loads, message_of, outline
from relay.framing import Frame
from relay.neutral import StreamError

NOT_JSON = StreamError("The provider sent an event that is not JSON.")


class WireEvent(msgspec.Struct, gc=False):
    """The fields of an event that the gateway looks at, of any type: vendors send all sorts."""

    type: Any = ""
    index: Any = 0
    delta: Any = None
    content_block: Any = None
    message: Any = None
    usage: Any = None
    error: Any = None
    object: Any = None


_outline = outline(WireEvent)


def decode_event(frame: Frame) -> WireEvent | StreamError:
    """The event of a frame, or the error that it is. Some vendors name the type only in the frame."""
    event = _outline(frame.data)
    if event is None:
        return NOT_JSON
    if not event.type or not isinstance(event.type, str):
        event.type = frame.event
    if event.type == "error" or event.error or event.object == "error" or frame.event == "error":
        return _error(frame)
    return event


def _error(frame: Frame) -> StreamError:
    value = loads(frame.data)
    error = error_of(value)
    inner = value.get("error") if isinstance(value, dict) else None
    kind = inner.get("type") if isinstance(inner, dict) else None
    message = error.message if error else message_of(value) or "The provider reported an error."
    return StreamError(message, STATUSES.get(kind, error.status if error else 502) if isinstance(kind, str) else 502)


def object_of(value: object) -> dict[str, Any]:
    """``value`` if it is an object."""
    return value if isinstance(value, dict) else {}
