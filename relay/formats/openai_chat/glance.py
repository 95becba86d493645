"""What the gateway itself needs of an OpenAI chat request; everything else stays unread bytes."""

from __future__ import annotations

from contextlib import suppress
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
    file: msgspec.Raw = msgspec.Raw()


class _File(msgspec.Struct, gc=False):
    file_id: Any = None


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: msgspec.Raw = msgspec.Raw()
    function_call: msgspec.Raw = msgspec.Raw()


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class _Head(msgspec.Struct, gc=False):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream_options: _StreamOptions | None = None


_str = msgspec.json.Decoder(str | None).decode
_int = msgspec.json.Decoder(int | None).decode
_bool = msgspec.json.Decoder(bool | None).decode
_options = msgspec.json.Decoder(_StreamOptions | None).decode
_messages = msgspec.json.Decoder(list[_Message]).decode
_list = msgspec.json.Decoder(list[msgspec.Raw] | None).decode
_head = msgspec.json.Decoder(_Head).decode
_file = msgspec.json.Decoder(_File | None).decode

_MEDIA = frozenset(("image_url", "image", "input_image", "input_audio", "video_url", "file", "input_file", "document"))

_COUNTED = ("tools", "functions", "response_format")
"""Fields beside the messages that vendors put into the prompt: counted by their JSON."""


_TOOLS = frozenset(("tools", "functions", "web_search_options"))


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """Checks model, stream, limits and the outline of the messages. Raises Problem 400."""
    fields = top_level(body)
    try:
        head = _head(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        head = _by_field(fields, path_model)
    if not head.messages:
        raise invalid("messages must be a non-empty list.", "messages")
    texts, images, audio = _contents(head.messages)
    texts += [bytes(fields[name]).decode() for name in _COUNTED if name in fields]
    old = within(head.max_tokens, "max_tokens", 1, MAX_TOKENS)
    new = within(head.max_completion_tokens, "max_completion_tokens", 1, MAX_TOKENS)
    return Glance(
        model=model_name(head.model),
        stream=bool(path_stream if head.stream is None else head.stream),
        max_output=old if new is None else new,  # both are checked, the newer one counts
        n=within(head.n, "n", 1, MAX_CHOICES) or 1,
        include_usage=bool(head.stream_options and head.stream_options.include_usage),
        input_texts=tuple(texts),
        images=images,
        messages=len(head.messages),
        fields=fields,
        audio=audio,
        tools=_offered(fields),
        files=_files(head.messages) if images else (),
    )


def _by_field(fields: dict[str, msgspec.Raw], path_model: str | None) -> _Head:
    """The same with the name of the first field that is wrong."""
    found = {
        name: typed(fields[name], decode, name) if name in fields else None
        for name, decode in (
            ("stream", _bool),
            ("n", _int),
            ("max_tokens", _int),
            ("max_completion_tokens", _int),
            ("stream_options", _options),
        )
    }
    model = model_name(typed(fields["model"], _str, "model") if "model" in fields else path_model)
    messages = typed(fields["messages"], _messages, "messages") if "messages" in fields else []
    return _Head(model, messages, **found)


def _files(messages: list[_Message]) -> tuple[str, ...]:
    """Ids in parts of type ``file``."""
    listed = (message.content for message in messages if isinstance(message.content, list))
    return tuple(id for content in listed for part in content if len(part.file) and (id := _id_of(part.file)))


def _id_of(raw: msgspec.Raw) -> str:
    """Empty where there is none; a form that the vendor does not know is the vendor's to refuse."""
    try:
        file = _file(raw)
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return file.file_id if file is not None and isinstance(file.file_id, str) else ""


def _offered(fields: dict[str, msgspec.Raw]) -> int:
    """How many tools there are to call; what is no list is the vendor's to refuse."""
    if fields.keys().isdisjoint(_TOOLS):
        return 0
    search = fields.get("web_search_options", b"null")
    found = int(len(search) > len("null"))
    for name in ("tools", "functions"):
        with suppress(msgspec.MsgspecError, RecursionError):
            found += len(_list(fields.get(name, b"null")) or ())
    return found


def _contents(messages: list[_Message]) -> tuple[list[str], int, int]:
    """All text of the turns, how many parts are something else, and how many of those are sound."""
    texts: list[str] = []
    images = audio = 0
    for message in messages:
        if isinstance(message.content, str):
            texts.append(message.content)
        elif message.content:
            texts += [text for part in message.content if isinstance(text := part.text or part.refusal, str)]
            images += sum(part.type in _MEDIA for part in message.content)
            audio += sum(part.type == "input_audio" for part in message.content)
        for calls in (message.tool_calls, message.function_call):
            if len(calls) > 4:  # longer than null and []
                texts.append(bytes(calls).decode())
    return texts, images, audio
