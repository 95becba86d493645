"""OpenAI chat answers <-> neutral. Source: https://platform.openai.com/docs/api-reference/chat/object"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.format import Asked, Garbage, Rendered
from relay.formats.openai_chat.usage import parse_usage, render_usage
from relay.formats.vendor import error_of, index_of, loads
from relay.neutral import Answer, Choice, Part, Refusal, StopReason, Text

_STOPS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "refusal",
    "tool_calls": "tools",
    "function_call": "tools",
}

_FINISH: dict[StopReason, str] = {"length": "length", "refusal": "content_filter", "tools": "tool_calls"}


def parse_response(body: bytes) -> Answer:
    """The answer of a vendor, as lenient as can be. Raises Garbage."""
    try:
        value = loads(body)
    except ValueError:
        raise Garbage("The provider's answer is not JSON.") from None
    error = error_of(value)
    if error is not None:
        raise Garbage(error.message)
    listed = value.get("choices") if isinstance(value, dict) else None
    items = listed if isinstance(listed, list) else []
    choices = [_choice(at, item) for at, item in enumerate(items) if isinstance(item, dict)]
    if not choices:
        raise Garbage("The provider's answer has no choices.")
    choices.sort(key=lambda choice: choice.index)
    return Answer(_text(value.get("id")), _text(value.get("model")), tuple(choices), parse_usage(value.get("usage")))


def render_response(answer: Answer, asked: Asked) -> Rendered:
    """The whole answer for the caller."""
    body: dict[str, Any] = {
        "id": f"chatcmpl-{asked.request_id}",
        "object": "chat.completion",
        "created": asked.now_s,
        "model": asked.model,
        "choices": [_rendered(choice) for choice in answer.choices],
    }
    if answer.usage is not None:
        body["usage"] = render_usage(answer.usage)
    return Rendered(msgspec.json.encode(body))


def stop_reason(finish: object, refused: bool) -> StopReason | None:
    """A vendor's ``finish_reason`` as neutral value; None where it is missing or empty."""
    if not isinstance(finish, str) or not finish:
        return None
    reason = _STOPS.get(finish, "other")
    return "refusal" if refused and reason == "stop" else reason


def finish_reason(reason: StopReason | None, refused: bool) -> str:
    """OpenAI's word. A refusal in the model's own words ended by itself, one without by a filter."""
    return "stop" if refused else _FINISH.get(reason or "stop", "stop")


def content_text(content: object) -> str:
    """The text of ``content``: a string, or a list of parts as Mistral's reasoning models send."""
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(text for text in texts if isinstance(text, str))
    return _text(content)


def _choice(at: int, item: dict[str, Any]) -> Choice:
    message = item.get("message")
    if not isinstance(message, dict):
        message = {}
    text, refusal = content_text(message.get("content")), _text(message.get("refusal"))
    parts: list[Part] = [Text(text)] if text else []
    if refusal:
        parts.append(Refusal(refusal))
    stop = stop_reason(item.get("finish_reason"), bool(refusal))
    return Choice(index_of(item.get("index"), at), tuple(parts), stop)


def _rendered(choice: Choice) -> dict[str, Any]:
    text = "".join(part.text for part in choice.parts if isinstance(part, Text))
    refusal = "".join(part.text for part in choice.parts if isinstance(part, Refusal))
    return {
        "index": choice.index,
        "message": {
            "role": "assistant",
            "content": None if refusal and not text else text,
            "refusal": refusal or None,
        },
        "logprobs": None,
        "finish_reason": finish_reason(choice.stop, bool(refusal)),
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
