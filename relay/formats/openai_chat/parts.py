"""Content parts of OpenAI chat messages <-> neutral.

Source: https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openopen8.core.errors import invalid
from relay.formats.fields import Fields, no_place, not_carried
from relay.formats.media import AUDIO_TYPES, audio_format, source_of, url_of
from relay.neutral import Audio, Block, CacheMark, Document, Image, Part, Refusal, Source, Text, Video

OWN = "openai"
"""The vendor's name in ids of files and in state."""


def parse_content(fields: Fields) -> tuple[Part, ...]:
    """``content``: nothing, a string, or a list of parts."""
    content = fields.take("content")
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    return tuple(_part(item) for item in fields.of("content", content))


def cache_mark(fields: Fields) -> CacheMark | None:
    """Claude's mark, which several compatible vendors take in this format too."""
    mark = fields.inner("cache_control")
    if mark is None:
        return None
    mark.take("type")
    found = CacheMark(mark.text("ttl") or "")
    mark.drop_rest()
    return found


def _part(fields: Fields) -> Part:
    kind = fields.text("type")
    read = _KINDS.get(kind or "")
    if read is None:
        raise not_carried(f"A content part of the type {kind!r} is", fields.path)
    part = read(fields)
    fields.drop_rest()
    return part


def _text(fields: Fields) -> Part:
    return Text(needed(fields, "text"), cache=cache_mark(fields))


def _refusal(fields: Fields) -> Part:
    return Refusal(needed(fields, "refusal"))


def _image(fields: Fields) -> Part:
    inner = inner_of(fields, "image_url")
    part = Image(source_of(needed(inner, "url")), inner.text("detail") or "", cache_mark(fields))
    inner.drop_rest()
    return part


def _audio(fields: Fields) -> Part:
    inner = inner_of(fields, "input_audio")
    data, format = needed(inner, "data"), needed(inner, "format")
    inner.drop_rest()
    kind = AUDIO_TYPES.get(format, f"audio/{format}")
    return Audio(Source("base64", data, kind), format, cache=cache_mark(fields))


def _video(fields: Fields) -> Part:
    inner = inner_of(fields, "video_url")
    part = Video(source_of(needed(inner, "url")), cache_mark(fields))
    inner.drop_rest()
    return part


def _file(fields: Fields) -> Part:
    inner = inner_of(fields, "file")
    id, data, name = inner.text("file_id"), inner.text("file_data"), inner.text("filename") or ""
    inner.drop_rest()
    if id is not None:
        return Document(Source("file", id, maker=OWN), name, cache=cache_mark(fields))
    if data is None:
        raise invalid(f"{inner.path} needs file_id or file_data.", inner.path)
    # Some programs send bare base64.
    source = source_of(data) if data[:5].lower() == "data:" else Source("base64", data, "application/pdf")
    return Document(source, name, cache=cache_mark(fields))


_KINDS: dict[str, Callable[[Fields], Part]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_audio": _audio,
    "video_url": _video,
    "file": _file,
}


def needed(fields: Fields, name: str) -> str:
    """A string that must be there."""
    path = f"{fields.path}.{name}"
    value = fields.text(name)
    if value is None:
        raise invalid(f"{path} must be a string.", path)
    return value


def inner_of(fields: Fields, name: str) -> Fields:
    """An object that must be there."""
    inner = fields.inner(name)
    if inner is None:
        raise invalid(f"{fields.path}.{name} must be an object.", f"{fields.path}.{name}")
    return inner


def render_part(part: Part, losses: dict[str, None]) -> dict[str, Any]:
    """One part of a user's turn. Raises Problem 400 for what has no form here."""
    if isinstance(part, Text | Refusal):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": _with_detail(_url(part.source, "An image by its id is"), part.detail)}
    if isinstance(part, Audio) and part.source is not None and part.source.kind == "base64":
        format = part.format or audio_format(part.source.media_type)
        return {"type": "input_audio", "input_audio": {"data": part.source.value, "format": format}}
    if isinstance(part, Video):
        return {"type": "video_url", "video_url": {"url": _url(part.source, "A video by its id is")}}
    if isinstance(part, Document):
        return _document(part, losses)
    if isinstance(part, Block) and part.format == "openai_chat":
        return part.raw
    raise no_place(part)


def _with_detail(url: str, detail: str) -> dict[str, Any]:
    return {"url": url, "detail": detail} if detail else {"url": url}


def _url(source: Source, what: str) -> str:
    url = url_of(source)
    if not url:
        raise not_carried(what, "messages")
    return url


def _document(part: Document, losses: dict[str, None]) -> dict[str, Any]:
    """A file by id or bytes; plain text has no form of its own and becomes text."""
    source = part.source
    if source.kind == "text":
        losses["document"] = None
        head = [line for line in (part.title or part.name, part.context) if line]
        rendered: dict[str, Any] = {"type": "text", "text": "\n\n".join([*head, source.value])}
    elif source.kind == "file" and source.maker == OWN:
        rendered = {"type": "file", "file": {"file_id": source.value}}
    elif source.kind == "base64":
        name = part.name or part.title or "document.pdf"
        rendered = {"type": "file", "file": {"filename": name, "file_data": url_of(source)}}
        if part.context:
            losses["document.context"] = None
    else:
        raise not_carried("A document by its address or by another vendor's id is", "messages")
    if part.cite:
        losses["citations"] = None
    return rendered
