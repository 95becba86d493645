"""``POST /v1/audio/speech``: a text is spoken. Sound comes as bytes, or as events with ``stream_format: sse``.

Source: https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

from __future__ import annotations

from typing import Any

from openopen8.core.errors import invalid
from relay.endpoints.answers import answer_of, both_usage
from relay.endpoints.endpoint import Endpoint, Look, looked, passing, value
from relay.endpoints.taps import EventTap
from relay.neutral import Answer
from relay.splice import top_level as checked


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks model and input. Raises Problem 400."""
    fields = checked(body)
    text, how = value(fields, "input"), value(fields, "instructions")
    if not isinstance(text, str) or not text:
        raise invalid("input must be a text.", "input")
    return looked(
        fields,
        (text, how) if isinstance(how, str) else (text,),
        stream=value(fields, "stream_format") == "sse",
        units={"characters": len(text)},
    )


def _parse(body: bytes) -> Answer:
    """Sound says nothing of what it cost."""
    return answer_of(None)


class SpeechTap(EventTap):
    """Sound in events; the last one has the counts."""

    def _hear(self, event: dict[str, Any]) -> bool:
        kind = event.get("type")
        self.first_token = self.first_token or kind == "speech.audio.delta"
        if kind != "speech.audio.done":
            return False
        self.usage = both_usage(event.get("usage"), "audio") or self.usage
        self.stop_seen = True
        return True


SPEECH = Endpoint("speech", "/audio/speech", passing("openai_speech", glance, _parse, SpeechTap), media=True)
