"""Events of a realtime session, as far as the gateway looks into them.

Sources: https://platform.openai.com/docs/api-reference/realtime-client-events and …/realtime-server-events
"""

from __future__ import annotations

from math import ceil
from typing import Any

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay import splice
from relay.formats.openai_errors import error_object
from relay.formats.openai_responses.usage import parse_usage
from relay.formats.vendor import loads
from relay.neutral import Further, Usage

_encode = msgspec.json.Encoder().encode


class _Head(msgspec.Struct, gc=False):
    type: str = ""
    delta: msgspec.Raw = msgspec.Raw()  # sound is megabytes of letters


_head = msgspec.json.Decoder(_Head).decode
_text = msgspec.json.Decoder(str).decode
_SPOKEN = frozenset((
    "response.output_text.delta", "response.text.delta", "response.output_audio_transcript.delta",
    "response.audio_transcript.delta", "response.function_call_arguments.delta",
))  # fmt: skip


def kind_of(text: str) -> tuple[str, str]:
    """The type of a provider's event, and the text that it adds to an answer."""
    try:
        head = _head(text)
        return head.type, _text(head.delta) if head.type in _SPOKEN else ""
    except (msgspec.MsgspecError, RecursionError):
        return "", ""


def from_caller(text: str, model: str) -> str:
    """The caller's event, for a session with the provider's name of the model and no other. Raises Problem 400.

    Every one is looked into: a key that is written otherwise or twice must not bring in a model that was not admitted.
    """
    fields = splice.top_level(text.encode())
    session = bytes(fields.get("session", b""))
    return _edited(text, fields, session, model) if session.startswith(b"{") else text


def to_caller(text: str, model: str) -> str:
    """The provider's event under the caller's name of the model."""
    if '"model"' not in text or '"session"' not in text:
        return text
    try:
        fields = splice.top_level(text.encode())
        return _edited(text, fields, bytes(fields["session"]), model)
    except (Problem, KeyError, UnicodeError):
        return text


def _edited(text: str, fields: dict[str, msgspec.Raw], session: bytes, model: str) -> str:
    inner = splice.top_level(session)
    if "model" not in inner:
        return text
    changed = splice.edited(session, inner, {"model": _encode(model)})
    return splice.edited(text.encode(), fields, {"session": changed}).decode()


def usage_of(text: str) -> Usage | None:
    """What a response came to, as ``response.done`` tells it; None where it does not."""
    response = _object(_loaded(text)).get("response")
    return parse_usage(response) if isinstance(response, dict) else None


def transcriber_of(text: str) -> str | None:
    """The model that writes down what the caller says, as the provider's session has it; it is charged by itself."""
    session = _object(_object(_loaded(text)).get("session"))
    heard = _object(_object(session.get("audio")).get("input")).get("transcription")
    model = _object(heard or session.get("input_audio_transcription")).get("model")
    return model if isinstance(model, str) and model else None


def transcribed(text: str) -> Usage:
    """What writing down has come to: tokens, or seconds of sound."""
    raw = _object(_object(_loaded(text)).get("usage"))
    if raw.get("type") == "duration":
        seconds = raw.get("seconds")
        units = {"seconds": ceil(seconds)} if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else {}
        return Usage(Counts(), raw=raw, further=Further(units=units))
    return parse_usage({"usage": raw}) or Usage(Counts())


def _loaded(text: str) -> Any:
    try:
        return loads(text.encode())
    except (ValueError, UnicodeError):
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def error_event(problem: Problem, id: str) -> str:
    """The provider's own form of an error."""
    error = error_object(problem)["error"]
    code = None if error.get("code") is None else str(error["code"])
    told = {"type": error.get("type"), "code": code, "message": error["message"], "param": None, "event_id": None}
    return _encode({"type": "error", "event_id": f"event_{id}", "error": told}).decode()
