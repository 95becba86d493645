"""What the gateway itself needs of a Claude request; everything else stays unread bytes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from openopen8.core.errors import Problem, invalid
from relay.formats.anthropic.errors import THREAD_UNSUPPORTED
from relay.formats.fields import MAX_TOKENS, model_name, typed, within
from relay.formats.format import Glance
from relay.splice import top_level


class _Source(msgspec.Struct, gc=False):
    type: Any = ""
    data: Any = None
    content: msgspec.Raw = msgspec.Raw()


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: Any = None
    thinking: Any = None
    title: Any = None
    context: Any = None
    input: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()
    source: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | list[_Block]


_str = msgspec.json.Decoder(str | None).decode
_int = msgspec.json.Decoder(int | None).decode
_bool = msgspec.json.Decoder(bool | None).decode
_messages = msgspec.json.Decoder(list[_Message]).decode
_blocks = msgspec.json.Decoder(str | list[_Block] | None).decode
_source = msgspec.json.Decoder(_Source).decode
_list = msgspec.json.Decoder(list[msgspec.Raw] | None).decode

_MEDIA = frozenset(("image", "document"))

_COUNTED = ("tools", "mcp_servers", "output_config")
"""Fields beside the messages that go into the prompt: counted by their JSON."""

_DEPTH = 3
"""Results hold documents, and these hold blocks."""


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """Checks model, stream, max_tokens and the outline of the messages. Raises Problem 400."""
    fields = top_level(body)
    if bytes(fields.get("thread", b"null")) not in (b"null", b"false"):
        raise _threadless()
    return _glance(fields, path_model, path_stream, limited=True)


def glance_count(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """The same for a request to count its tokens, which has no ``max_tokens``.

    Source: https://platform.claude.com/docs/en/api/messages-count-tokens
    """
    return _glance(top_level(body), path_model, path_stream, limited=False)


def _threadless() -> Problem:
    """400 for a conversation that its provider is to hold: the next turn may go to another one.

    Official clients, whose runner of tools wishes for it unasked, then send all messages each time.
    Source: https://platform.claude.com/docs/en/build-with-claude/message-threads
    """
    what = "Message threads are not kept here, since the next turn may go to another provider: send all messages."
    return Problem(400, THREAD_UNSUPPORTED, what, "thread")


def _glance(
    fields: dict[str, msgspec.Raw], path_model: str | None, path_stream: bool | None, *, limited: bool
) -> Glance:
    model = model_name(typed(fields["model"], _str, "model") if "model" in fields else path_model)
    messages = typed(fields["messages"], _messages, "messages") if "messages" in fields else []
    if not messages:
        raise invalid("messages must be a non-empty list.", "messages")
    system = typed(fields["system"], _blocks, "system") if "system" in fields else None
    texts: list[str] = []
    images = sum(_contents(content, texts) for content in (system, *(message.content for message in messages)))
    texts += [bytes(fields[name]).decode() for name in _COUNTED if name in fields]
    stream = typed(fields["stream"], _bool, "stream") if "stream" in fields else None
    return Glance(
        model=model,
        stream=bool(path_stream if stream is None else stream),
        max_output=_max_tokens(fields, limited),
        n=1,
        include_usage=True,
        input_texts=tuple(texts),
        images=images,
        messages=len(messages),
        fields=fields,
        tools=_offered(fields),
    )


def _max_tokens(fields: dict[str, msgspec.Raw], limited: bool) -> int | None:
    """0 is allowed: it only fills the cache."""
    raw = fields.get("max_tokens")
    limit = None if raw is None else within(typed(raw, _int, "max_tokens"), "max_tokens", 0, MAX_TOKENS)
    if limit is None and limited:
        raise invalid("max_tokens is missing.", "max_tokens")
    return limit


def _offered(fields: dict[str, msgspec.Raw]) -> int:
    """How many tools there are to call; what is no list is the vendor's to refuse."""
    with suppress(msgspec.MsgspecError, RecursionError):
        return len(_list(fields.get("tools", b"null")) or ())
    return 0


def _contents(content: str | list[_Block] | None, texts: list[str], depth: int = 0) -> int:
    """Adds all text to ``texts``; how many blocks are pictures or files. Calls count by their JSON."""
    if isinstance(content, str):
        texts.append(content)
        return 0
    media = 0
    for block in content or ():
        media += block.type in _MEDIA
        told = (block.text, block.thinking, *((block.title, block.context) if block.type == "document" else ()))
        texts += [text for text in told if isinstance(text, str)]
        if len(block.input):
            texts.append(bytes(block.input).decode())
        if len(block.content):
            media += _inner(block.content, texts, depth)
        if block.type == "document" and len(block.source):
            media += _document(block.source, texts, depth)
    return media


def _inner(raw: msgspec.Raw, texts: list[str], depth: int) -> int:
    """What a result holds: text, or blocks; what is none of these counts by its JSON."""
    try:
        inner = _blocks(raw) if depth < _DEPTH else None
    except (msgspec.MsgspecError, RecursionError):
        inner = None
    if inner is None:
        texts.append(bytes(raw).decode())
        return 0
    return _contents(inner, texts, depth + 1)


def _document(raw: msgspec.Raw, texts: list[str], depth: int) -> int:
    """A document's own text, where it is no file."""
    try:
        source = _source(raw)
    except (msgspec.MsgspecError, RecursionError):
        return 0
    if source.type == "text" and isinstance(source.data, str):
        texts.append(source.data)
    return _inner(source.content, texts, depth) if len(source.content) else 0
