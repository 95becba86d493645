"""Blocks of a user's turn, and marks for the cache <-> neutral.

Source: https://platform.claude.com/docs/en/api/messages/create (messages)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from openopen8.core.errors import invalid
from relay.formats.anthropic.thoughts import OWN
from relay.formats.fields import Fields, no_place, not_carried
from relay.neutral import Audio, Block, CacheMark, Document, Image, Part, Refusal, Source, Text

_TTLS = frozenset(("5m", "1h"))


def parse_content(fields: Fields, name: str = "content") -> Iterator[tuple[str, Fields]]:
    """The blocks of ``content``, each with its type; a string is a single text."""
    content = fields.take(name)
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    for item in fields.of(name, content):
        kind = item.text("type")
        if not kind:
            raise invalid(f"{item.path}.type must be a string.", f"{item.path}.type")
        yield kind, item


def parse_part(kind: str, fields: Fields) -> Part:
    """A block that a turn or a result may hold. What only Claude knows is kept as it is."""
    read = _KINDS.get(kind)
    if read is None:
        return Block(OWN, kind, {"type": kind, **fields.whole()})
    part = read(fields)
    fields.drop_rest()
    return part


def parse_texts(fields: Fields, name: str) -> tuple[Text, ...]:
    """Instructions: a string, or a list of text blocks."""
    found: list[Text] = []
    for kind, item in parse_content(fields, name):
        if kind != "text":
            raise not_carried(f"An instruction of the type {kind!r} is", item.path)
        found.append(Text(needed(item, "text"), cache=cache_mark(item)))
        if item.take("citations"):
            item.lose("citations")
        item.drop_rest()
    return tuple(found)


def cache_mark(fields: Fields) -> CacheMark | None:
    """``cache_control``, wherever it stands."""
    mark = fields.inner("cache_control")
    if mark is None:
        return None
    mark.take("type")
    found = CacheMark(mark.text("ttl") or "")
    mark.drop_rest()
    return found


def needed(fields: Fields, name: str) -> str:
    """A string that must be there."""
    path = f"{fields.path}.{name}"
    value = fields.text(name)
    if value is None:
        raise invalid(f"{path} must be a string.", path)
    return value


def _text(fields: Fields) -> Part:
    if fields.take("citations"):
        fields.lose("citations")
    return Text(needed(fields, "text"), cache=cache_mark(fields))


def _image(fields: Fields) -> Part:
    return Image(_source(fields), cache=cache_mark(fields))


def _document(fields: Fields) -> Part:
    cited = fields.inner("citations")
    cite = False
    if cited is not None:
        cite = cited.flag("enabled") or False
        cited.drop_rest()
    title, context = fields.text("title") or "", fields.text("context") or ""
    source = _source(fields)
    if source.kind == "url":
        source = Source("url", source.value, "application/pdf")  # no other type is documented
    return Document(source, title=title, context=context, cite=cite, cache=cache_mark(fields))


def _source(fields: Fields) -> Source:
    inner = fields.inner("source")
    if inner is None:
        raise invalid(f"{fields.path}.source must be an object.", f"{fields.path}.source")
    kind = inner.text("type")
    read = _SOURCES.get(kind or "")
    if read is None:
        raise not_carried(f"A source of the type {kind!r} is", inner.path)
    source = read(inner)
    inner.drop_rest()
    return source


def _blocks(fields: Fields) -> Source:
    """A document in pieces that can be cited one by one: elsewhere it is one text."""
    texts = []
    for kind, item in parse_content(fields):
        if kind != "text":
            raise not_carried(f"A document's block of the type {kind!r} is", item.path)
        texts.append(needed(item, "text"))
    fields.lose("content")
    return Source("text", "\n\n".join(texts), "text/plain")


_SOURCES: dict[str, Callable[[Fields], Source]] = {
    "base64": lambda fields: Source("base64", needed(fields, "data"), fields.text("media_type") or ""),
    "url": lambda fields: Source("url", needed(fields, "url")),
    "file": lambda fields: Source("file", needed(fields, "file_id"), maker=OWN),
    "text": lambda fields: Source("text", needed(fields, "data"), fields.text("media_type") or "text/plain"),
    "content": _blocks,
}

_KINDS: dict[str, Callable[[Fields], Part]] = {"text": _text, "image": _image, "document": _document}


def render_cache(mark: CacheMark | None, losses: dict[str, None]) -> dict[str, Any]:
    """The field ``cache_control``, if any."""
    if mark is None:
        return {}
    if mark.ttl and mark.ttl not in _TTLS:
        losses["cache_control.ttl"] = None
    ttl = {"ttl": mark.ttl} if mark.ttl in _TTLS else {}
    return {"cache_control": {"type": "ephemeral", **ttl}}


def render_part(part: Part, losses: dict[str, None]) -> dict[str, Any] | None:
    """One block of a user's turn or of a result; None for empty text, which Claude refuses.

    Raises Problem 400 for what has no form here.
    """
    if isinstance(part, Text | Refusal):
        mark = part.cache if isinstance(part, Text) else None
        return {"type": "text", "text": part.text, **render_cache(mark, losses)} if part.text.strip() else None
    if isinstance(part, Image):
        if part.detail not in ("", "auto"):
            losses["detail"] = None
        return {"type": "image", "source": _rendered(part.source, "An image"), **render_cache(part.cache, losses)}
    if isinstance(part, Document):
        return _rendered_document(part, losses)
    if isinstance(part, Audio) and part.source is None and part.transcript:
        return {"type": "text", "text": part.transcript}
    if isinstance(part, Block) and part.format == OWN:
        return part.raw
    raise no_place(part)


def _rendered(source: Source, what: str) -> dict[str, Any]:
    if source.kind == "url":
        return {"type": "url", "url": source.value}
    if source.kind == "base64":
        return {"type": "base64", "media_type": source.media_type, "data": source.value}
    if source.kind == "file" and source.maker == OWN:
        return {"type": "file", "file_id": source.value}
    raise not_carried(f"{what} by another vendor's id or as text is", "messages")


def _rendered_document(part: Document, losses: dict[str, None]) -> dict[str, Any]:
    """A PDF, or plain text of whatever type; Claude reads no other files."""
    source = part.source
    plain = source.value if source.kind == "text" else _plain(source)
    if plain is not None:
        rendered: dict[str, Any] = {"type": "text", "media_type": "text/plain", "data": plain}
    elif source.kind == "base64" and source.media_type not in ("application/pdf", ""):
        raise not_carried(f"A document of the type {source.media_type} is", "messages")
    else:
        rendered = _rendered(source, "A document")
        if source.kind == "base64":
            rendered["media_type"] = "application/pdf"
    body: dict[str, Any] = {"type": "document", "source": rendered}
    if title := part.title or part.name:
        body["title"] = title
    if part.context:
        body["context"] = part.context
    if part.cite:
        body["citations"] = {"enabled": True}
    return {**body, **render_cache(part.cache, losses)}


def _plain(source: Source) -> str | None:
    """The text in base64 of a text's type."""
    if source.kind != "base64" or not source.media_type.startswith(("text/", "application/json")):
        return None
    try:
        return base64.b64decode(source.value, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
