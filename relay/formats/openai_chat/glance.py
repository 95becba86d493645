"""What the gateway itself needs of an OpenAI chat request; everything else stays unread bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_CHOICES, MAX_TOKENS, model_name, typed, within
from relay.formats.format import Glance
from relay.splice import top_level


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    text: Any = None
    refusal: Any = None


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: msgspec.Raw = msgspec.Raw()
    function_call: msgspec.Raw = msgspec.Raw()


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


_str = msgspec.json.Decoder(str | None).decode
_int = msgspec.json.Decoder(int | None).decode
_bool = msgspec.json.Decoder(bool | None).decode
_options = msgspec.json.Decoder(_StreamOptions | None).decode
_messages = msgspec.json.Decoder(list[_Message]).decode

_MEDIA = frozenset(("image_url", "image", "input_image", "input_audio", "video_url", "file", "input_file", "document"))

_COUNTED = ("tools", "functions", "response_format")
"""Fields beside the messages that vendors put into the prompt: counted by their JSON."""


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """Checks model, stream, limits and the outline of the messages. Raises Problem 400."""
    fields = top_level(body)
    model = model_name(typed(fields["model"], _str, "model") if "model" in fields else path_model)
    messages = _turns(fields)
    texts, images = _contents(messages)
    texts += [bytes(fields[name]).decode() for name in _COUNTED if name in fields]
    return Glance(
        model=model,
        stream=_stream(fields, path_stream),
        max_output=_max_output(fields),
        n=_whole(fields, "n", 1, MAX_CHOICES) or 1,
        include_usage=_include_usage(fields),
        input_texts=tuple(texts),
        images=images,
        messages=len(messages),
        fields=fields,
    )


def _turns(fields: dict[str, msgspec.Raw]) -> list[_Message]:
    messages = typed(fields["messages"], _messages, "messages") if "messages" in fields else []
    if not messages:
        raise invalid("messages must be a non-empty list.", "messages")
    return messages


def _contents(messages: list[_Message]) -> tuple[list[str], int]:
    """All text of the turns, and how many parts are something else."""
    texts: list[str] = []
    images = 0
    for message in messages:
        if isinstance(message.content, str):
            texts.append(message.content)
        elif message.content:
            texts += [text for part in message.content if isinstance(text := part.text or part.refusal, str)]
            images += sum(part.type in _MEDIA for part in message.content)
        for calls in (message.tool_calls, message.function_call):
            if len(calls) > 4:  # longer than null and []
                texts.append(bytes(calls).decode())
    return texts, images


def _whole(fields: dict[str, msgspec.Raw], name: str, low: int, high: int) -> int | None:
    raw = fields.get(name)
    return None if raw is None else within(typed(raw, _int, name), name, low, high)


def _max_output(fields: dict[str, msgspec.Raw]) -> int | None:
    """Both limits are checked, the newer one counts."""
    old = _whole(fields, "max_tokens", 1, MAX_TOKENS)
    new = _whole(fields, "max_completion_tokens", 1, MAX_TOKENS)
    return old if new is None else new


def _stream(fields: dict[str, msgspec.Raw], path_stream: bool | None) -> bool:
    raw = fields.get("stream")
    asked = None if raw is None else typed(raw, _bool, "stream")
    return bool(path_stream if asked is None else asked)


def _include_usage(fields: dict[str, msgspec.Raw]) -> bool:
    raw = fields.get("stream_options")
    options = None if raw is None else typed(raw, _options, "stream_options")
    return bool(options and options.include_usage)
