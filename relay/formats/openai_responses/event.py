"""One event of a Responses stream, decoded once for reader and tap.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.vendor import error_of, loads, message_of, outline
from relay.framing import Frame
from relay.neutral import StreamError

NOT_JSON = StreamError("The provider sent an event that is not JSON.")

_STATUSES = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
}
"""What to make of the codes of errors: all others are the provider's own fault."""

_IMAGES = ("image", "invalid_image", "invalid_base64_image", "empty_image", "unsupported_image", "failed_to_download")


class WireEvent(msgspec.Struct, gc=False):
    """The fields of an event that the gateway looks at, of any type: vendors send all sorts."""

    type: Any = ""
    sequence_number: Any = None
    output_index: Any = None
    content_index: Any = None
    summary_index: Any = None
    delta: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    input: Any = None
    logprobs: Any = None
    annotation: Any = None
    item: Any = None
    response: Any = None
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
    if event.type == "response.failed":
        return failed(event.response)
    return event


def _error(frame: Frame) -> StreamError:
    value = loads(frame.data)
    error = error_of(value)
    inner = value.get("error")
    code = inner.get("code") if isinstance(inner, dict) else value.get("code")
    message = error.message if error else message_of(value) or "The provider reported an error."
    return StreamError(message, _status(code, error.status if error else 502))


def failed(response: object) -> StreamError:
    """The error of a response that failed."""
    error = response.get("error") if isinstance(response, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return StreamError(message_of(error) or "The provider reported an error.", _status(code, 502))


def error_code(event: object) -> str:
    """The code of an error inside a response, as programs look for it."""
    error = event.get("error") if isinstance(event, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and code.isidentifier() and len(code) <= 64 else ""


def _status(code: object, otherwise: int) -> int:
    if not isinstance(code, str):
        return otherwise
    return _STATUSES.get(code, 400 if code.startswith(_IMAGES) else otherwise)
