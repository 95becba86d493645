"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations``: sound becomes text, in five formats or as events.

Source: https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import msgspec

from openopen8.core.errors import invalid
from openopen8.core.rules.pricing import Counts
from relay.endpoints.answers import answer_of, both_usage, top_level
from relay.endpoints.endpoint import Endpoint, Look, looked_form, passing
from relay.endpoints.sound_length import seconds_of, whole_seconds
from relay.endpoints.taps import EventTap
from relay.form import Form
from relay.formats.format import Garbage, Glance
from relay.formats.openai_chat.message import word
from relay.formats.vendor import loads
from relay.neutral import Answer, Further, Usage

PLAIN = frozenset({"text", "srt", "vtt"})
"""Formats that are no JSON, so they tell no usage."""

_PAGE = re.compile(rb"\s*<(?:!doctype|html)\b", re.IGNORECASE)


class Heard(Look, frozen=True, gc=False):
    """A look at sound. ``plain``: the answer is to be text alone."""

    plain: bool = False


def look(form: Form) -> Heard:
    """Checks model and file. Raises Problem 400."""
    form.check_file("file")
    seconds = sum(seconds_of(form.body, part) for part in form.files("file"))
    prompt = form.text("prompt")
    seen = looked_form(form, (prompt,) if prompt else (), max_output=None, units={"seconds": seconds})
    plain = form.text("response_format").strip().lower() in PLAIN
    return Heard(**{name: getattr(seen, name) for name in seen.__struct_fields__}, plain=plain)


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> NoReturn:
    """Sound comes as an upload. Raises Problem 400."""
    raise invalid("Send the file as multipart/form-data.", "file")


def read(glance: Glance, body: bytes) -> Answer:
    """What an answer used, in whatever format. Raises Garbage."""
    plain = isinstance(glance, Heard) and glance.plain
    if plain and _PAGE.match(body):
        raise Garbage("The provider's answer is a page, not a text.")
    if plain and not _is_object(body):
        return answer_of(None, body.decode("utf-8", "replace"))
    return parse_response(body)


def _is_object(body: bytes) -> bool:
    """True for JSON in place of a text: an error, or a server that has one format only."""
    try:
        return body[:1] == b"{" and isinstance(loads(body), dict)
    except ValueError:
        return False


def parse_response(body: bytes) -> Answer:
    """What an answer in JSON used. Raises Garbage."""
    fields = top_level(body)
    if not isinstance(fields.get("text"), str) and "segments" not in fields:
        raise Garbage("The provider's answer has no text.")
    return answer_of(_usage(fields.get("usage"), fields.get("duration")), word(fields.get("text")))


def _usage(raw: object, duration: object = None) -> Usage | None:
    """Tokens, or seconds: of newer models in ``usage``, of all in the verbose format's ``duration``."""
    found = both_usage(raw)
    if isinstance(raw, dict) and raw.get("type") == "duration":
        duration = raw.get("seconds", duration)
    seconds = _number(duration)
    if found is None:
        return Usage(Counts(), False, {"seconds": seconds}, _lasting(seconds)) if seconds else None
    return msgspec.structs.replace(found, further=_lasting(seconds, found.further)) if seconds else found


def _number(value: object) -> float:
    """Some servers send the duration as text."""
    try:
        number = float(value) if isinstance(value, int | float | str) else 0.0
    except ValueError:
        return 0.0
    return number if 0 < number < 1e7 else 0.0


def _lasting(seconds: float, further: Further | None = None) -> Further:
    return msgspec.structs.replace(further or Further(), units={"seconds": whole_seconds(seconds)})


class TranscriptTap(EventTap):
    """A transcript piece by piece; its last event has the whole text and the counts."""

    def _hear(self, event: dict[str, Any]) -> bool:
        kind = event.get("type")
        if kind == "transcript.text.delta":
            self._say(event.get("delta"))
        if kind != "transcript.text.done":
            return False
        if not self.first_token:
            self._say(event.get("text"))
        self.usage = _usage(event.get("usage")) or self.usage
        self.stop_seen = True
        return True


_FORMAT = passing("openai_transcripts", glance, parse_response, TranscriptTap)
TRANSCRIPTIONS = Endpoint(
    "transcriptions", "/audio/transcriptions", _FORMAT, media=True, read=read, form=look
)
TRANSLATIONS = Endpoint("translations", "/audio/translations", _FORMAT, media=True, read=read, form=look)
