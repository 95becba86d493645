"""Events of a realtime session, as far as the gateway looks into them.

Sources: https://platform.openai.com/docs/api-reference/realtime-client-events and …/realtime-server-events
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay import splice
from relay.formats.openai_errors import error_object
from relay.formats.openai_responses.usage import parse_usage
from relay.formats.vendor import loads
from relay.neutral import Usage

_encode = msgspec.json.Encoder().encode


class _Head(msgspec.Struct, gc=False):
    type: str = ""
    delta: Any = None


_head = msgspec.json.Decoder(_Head).decode
_SPOKEN = ("response.output_text.delta", "response.text.delta", "response.output_audio_transcript.delta",
           "response.audio_transcript.delta", "response.function_call_arguments.delta")  # fmt: skip


def kind_of(text: str) -> tuple[str, str]:
    """The type of a provider's event, and the text that it adds to an answer."""
    if '"response.' not in text:  # sound is megabytes of letters: not decoded, unless it may matter
        return "", ""
    try:
        head = _head(text)
    except (msgspec.MsgspecError, RecursionError):
        return "", ""
    said = head.delta if head.type in _SPOKEN and isinstance(head.delta, str) else ""
    return head.type, said


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
    try:
        response = loads(text.encode()).get("response")
    except (ValueError, AttributeError, UnicodeError):
        return None
    return parse_usage(response) if isinstance(response, dict) else None


def error_event(problem: Problem, id: str) -> str:
    """The provider's own form of an error."""
    error = error_object(problem)["error"]
    code = None if error.get("code") is None else str(error["code"])
    told = {"type": error.get("type"), "code": code, "message": error["message"], "param": None, "event_id": None}
    return _encode({"type": "error", "event_id": f"event_{id}", "error": told}).decode()
