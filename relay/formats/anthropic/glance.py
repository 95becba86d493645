"""What the gateway itself needs of a Claude request; everything else stays unread bytes."""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_TOKENS, model_name, typed, within
from relay.formats.format import Glance
from relay.splice import top_level


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: Any = None
    thinking: Any = None
    input: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | list[_Block]


_str = msgspec.json.Decoder(str | None).decode
_int = msgspec.json.Decoder(int | None).decode
_bool = msgspec.json.Decoder(bool | None).decode
_messages = msgspec.json.Decoder(list[_Message]).decode
_blocks = msgspec.json.Decoder(str | list[_Block] | None).decode

_MEDIA = frozenset(("image", "document"))


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """Checks model, stream, max_tokens and the outline of the messages. Raises Problem 400."""
    fields = top_level(body)
    model = model_name(typed(fields["model"], _str, "model") if "model" in fields else path_model)
    messages = typed(fields["messages"], _messages, "messages") if "messages" in fields else []
    if not messages:
        raise invalid("messages must be a non-empty list.", "messages")
    system = typed(fields["system"], _blocks, "system") if "system" in fields else None
    texts, images = _contents([system, *(message.content for message in messages)])
    if "tools" in fields:
        texts.append(bytes(fields["tools"]).decode())
    stream = typed(fields["stream"], _bool, "stream") if "stream" in fields else None
    return Glance(
        model=model,
        stream=bool(path_stream if stream is None else stream),
        max_output=_max_tokens(fields),
        n=1,
        include_usage=True,
        input_texts=tuple(texts),
        images=images,
        messages=len(messages),
        fields=fields,
    )


def _max_tokens(fields: dict[str, msgspec.Raw]) -> int:
    raw = fields.get("max_tokens")
    limit = None if raw is None else within(typed(raw, _int, "max_tokens"), "max_tokens", 1, MAX_TOKENS)
    if limit is None:
        raise invalid("max_tokens is missing.", "max_tokens")
    return limit


def _contents(contents: list[str | list[_Block] | None]) -> tuple[list[str], int]:
    """All text, and how many blocks are something else; tool calls and results count by their JSON."""
    texts: list[str] = []
    images = 0
    for content in contents:
        if isinstance(content, str):
            texts.append(content)
            continue
        for block in content or ():
            images += block.type in _MEDIA
            texts += [text for text in (block.text, block.thinking) if isinstance(text, str)]
            texts += [bytes(raw).decode() for raw in (block.input, block.content) if len(raw)]
    return texts, images
