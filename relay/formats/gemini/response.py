"""Gemini's answers <-> neutral. Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.format import Asked, Garbage, Rendered
from relay.formats.gemini.usage import parse_usage, render_usage
from relay.formats.vendor import error_of, index_of, loads
from relay.neutral import Answer, Choice, StopReason, Text, spoken

_STOPS: dict[str, StopReason] = {"STOP": "stop", "MAX_TOKENS": "length", "OTHER": "other"}

_FILTERS = frozenset(
    ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR")
)

_REASONS: dict[StopReason, str] = {"length": "MAX_TOKENS", "refusal": "SAFETY", "other": "OTHER"}


def parse_response(body: bytes) -> Answer:
    """The answer of a vendor, as lenient as can be. Raises Garbage."""
    try:
        value = loads(body)
    except ValueError:
        raise Garbage("The provider's answer is not JSON.") from None
    error = error_of(value)
    if error is not None:
        raise Garbage(error.message)
    choices = choices_of(value) if isinstance(value, dict) else []
    if not choices:
        raise Garbage("The provider's answer has no candidates.")
    choices.sort(key=lambda choice: choice.index)
    usage = parse_usage(value.get("usageMetadata"))
    return Answer(_text(value.get("responseId")), _text(value.get("modelVersion")), tuple(choices), usage)


def choices_of(value: dict[str, Any]) -> list[Choice]:
    """The candidates of an answer or a chunk; a blocked prompt is a refusal without words."""
    listed = value.get("candidates")
    found = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    feedback = value.get("promptFeedback")
    if not found and isinstance(feedback, dict) and feedback.get("blockReason"):
        return [Choice(0, stop="refusal")]
    return [_choice(at, item) for at, item in enumerate(found)]


def render_response(answer: Answer, asked: Asked) -> Rendered:
    """The whole answer for the caller."""
    candidates = [candidate(choice.index, spoken(choice.parts), choice.stop or "stop") for choice in answer.choices]
    body: dict[str, Any] = {"candidates": candidates}
    if answer.usage is not None:
        body["usageMetadata"] = render_usage(answer.usage)
    return Rendered(msgspec.json.encode({**body, "modelVersion": asked.model, "responseId": asked.request_id}))


def candidate(index: int, text: str, stop: StopReason | None) -> dict[str, Any]:
    """One candidate of an answer or a chunk."""
    fields: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": index}
    if stop is not None:
        fields["finishReason"] = _REASONS.get(stop, "STOP")
    return fields


def _choice(at: int, item: dict[str, Any]) -> Choice:
    text = content_text(item.get("content"))
    return Choice(index_of(item.get("index"), at), (Text(text),) if text else (), _stop(item.get("finishReason")))


def content_text(content: object) -> str:
    """The text of a content's parts; thoughts are no part of the answer."""
    parts = content.get("parts") if isinstance(content, dict) else None
    texts = [part.get("text") for part in parts if _spoken(part)] if isinstance(parts, list) else []
    return "".join(text for text in texts if isinstance(text, str))


def _spoken(part: object) -> bool:
    return isinstance(part, dict) and not part.get("thought")


def _stop(reason: object) -> StopReason | None:
    if not isinstance(reason, str) or reason in ("", "FINISH_REASON_UNSPECIFIED"):
        return None
    return "refusal" if reason in _FILTERS else _STOPS.get(reason, "other")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
