"""What the gateway itself needs of a Responses request; everything else stays unread bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_TOKENS, model_name, typed, within
from relay.formats.format import Glance
from relay.splice import top_level


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    text: Any = None
    refusal: Any = None
    file_id: Any = None


class _Item(msgspec.Struct, gc=False):
    type: str | None = None
    content: str | list[_Part] | None = None
    summary: list[_Part] | None = None
    name: Any = None
    arguments: Any = None
    input: Any = None
    output: Any = None


class _Head(msgspec.Struct, gc=False):
    model: str
    input: str | list[_Item] | None = None
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    tools: list[msgspec.Raw] | None = None


_str = msgspec.json.Decoder(str | None).decode
_int = msgspec.json.Decoder(int | None).decode
_bool = msgspec.json.Decoder(bool | None).decode
_input = msgspec.json.Decoder(str | list[_Item] | None).decode
_tools = msgspec.json.Decoder(list[msgspec.Raw] | None).decode
_head = msgspec.json.Decoder(_Head).decode

_MEDIA = frozenset(("input_image", "input_file", "input_audio", "computer_screenshot"))

_COUNTED = ("tools", "text")
"""Fields beside the input that become part of the prompt: counted by their JSON."""

_KEPT = ("previous_response_id", "conversation", "prompt")
"""Where a prompt may be that is not in the input."""


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """Checks model, stream, limit and the outline of the input. Raises Problem 400."""
    fields = top_level(body)
    try:
        head = _head(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        head = _by_field(fields, path_model)
    if (head.input is None or head.input == []) and not any(_given(fields, name) for name in _KEPT):
        raise invalid("input must be a string or a non-empty list.", "input")
    seen = _Seen([head.instructions] if head.instructions else [])
    if isinstance(head.input, str):
        seen.texts.append(head.input)
    else:
        for item in head.input or ():
            seen.item(item)
    texts = [*seen.texts, *(bytes(fields[name]).decode() for name in _COUNTED if _given(fields, name))]
    return Glance(
        model=model_name(head.model),
        stream=bool(path_stream if head.stream is None else head.stream),
        max_output=within(head.max_output_tokens, "max_output_tokens", 1, MAX_TOKENS),
        n=1,
        include_usage=True,  # the ending always carries the counts
        input_texts=tuple(texts),
        images=seen.images,
        messages=1 if isinstance(head.input, str) else len(head.input or ()),
        fields=fields,
        audio=seen.audio,
        tools=len(head.tools or ()),
        files=tuple(seen.files),
    )


def _given(fields: dict[str, msgspec.Raw], name: str) -> bool:
    return name in fields and bytes(fields[name]) != b"null"


def _by_field(fields: dict[str, msgspec.Raw], path_model: str | None) -> _Head:
    """The same with the name of the first field that is wrong."""
    found: dict[str, Any] = {
        name: typed(fields[name], decode, name) if name in fields else None
        for name, decode in (
            ("stream", _bool),
            ("max_output_tokens", _int),
            ("instructions", _str),
            ("tools", _tools),
            ("input", _input),
        )
    }
    model = model_name(typed(fields["model"], _str, "model") if "model" in fields else path_model)
    return _Head(model, **found)


class _Seen:
    """All text of the items, and how many parts are something else."""

    __slots__ = ("audio", "files", "images", "texts")

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.files: list[str] = []
        self.images = 0
        self.audio = 0

    def item(self, item: _Item) -> None:
        """One item. Encrypted thoughts are of a size that only their maker knows."""
        if isinstance(item.content, str):
            self.texts.append(item.content)
        for part in (*(item.summary or ()), *(item.content if isinstance(item.content, list) else ())):
            self._part(part.type, part.text or part.refusal, part.file_id)
        for text in (item.name, item.arguments, item.input, item.output):
            if isinstance(text, str):
                self.texts.append(text)
        for part in item.output if isinstance(item.output, list) else (item.output,):
            if isinstance(part, dict):
                self._part(part.get("type"), part.get("text"), part.get("file_id"))

    def _part(self, kind: object, text: object, file_id: object) -> None:
        if isinstance(text, str):
            self.texts.append(text)
        if isinstance(kind, str) and kind in _MEDIA:  # in a result it may be anything
            self.images += 1
            self.audio += kind == "input_audio"
            if isinstance(file_id, str) and file_id:
                self.files.append(file_id)
