"""Content of input messages and of tools' results <-> neutral parts.

Source: https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openopen8.core.errors import invalid
from relay.formats.fields import Fields, no_place, not_carried
from relay.formats.media import AUDIO_TYPES, audio_format, guessed_type, source_of, url_of
from relay.formats.openai_responses.citations import FORMAT_NAME
from relay.formats.openai_responses.thoughts import OWN
from relay.neutral import Audio, Block, CacheMark, Document, Image, Part, Refusal, Source, Text


def parse_content(fields: Fields, name: str = "content") -> tuple[Part, ...]:
    """A string, or a list of parts."""
    content = fields.take(name)
    if content is None:
        raise invalid(f"{fields.path}.{name} is missing.", f"{fields.path}.{name}")
    if isinstance(content, str):
        return (Text(content),)
    return tuple(_part(item) for item in fields.of(name, content))


def needed(fields: Fields, name: str) -> str:
    """A string that must be there."""
    value = fields.text(name)
    if value is None:
        raise invalid(f"{fields.path}.{name} must be a string.", f"{fields.path}.{name}")
    return value


def _part(fields: Fields) -> Part:
    kind = fields.text("type")
    read = _KINDS.get(kind or "")
    if read is None:
        raise not_carried(f"A content part of the type {kind!r} is", fields.path)
    part = read(fields)
    fields.drop_rest()
    return part


def _mark(fields: Fields) -> CacheMark | None:
    mark = fields.inner("prompt_cache_breakpoint")
    if mark is None:
        return None
    mark.take("mode")
    mark.drop_rest()  # lifetimes are not those of other vendors
    return CacheMark()


def _text(fields: Fields) -> Part:
    text = Text(needed(fields, "text"), cache=_mark(fields))
    for name in ("annotations", "logprobs"):  # of an answer that is sent back
        if fields.take(name):
            fields.lose(name)
    return text


def _refusal(fields: Fields) -> Part:
    return Refusal(needed(fields, "refusal"))


def _image(fields: Fields) -> Part:
    id, detail, mark = fields.text("file_id"), fields.text("detail") or "", _mark(fields)
    if id is not None:
        fields.take("image_url")
        return Image(Source("file", id, maker=OWN), detail, mark)
    return Image(source_of(needed(fields, "image_url")), detail, mark)


def _file(fields: Fields) -> Part:
    id, data, url = (fields.text(name) for name in ("file_id", "file_data", "file_url"))
    name, mark = fields.text("filename") or "", _mark(fields)
    if id is not None:
        source = Source("file", id, maker=OWN)
    elif data is not None:
        # Some programs send bare base64.
        kind = guessed_type(name, "application/pdf")
        source = source_of(data, kind) if data[:5].lower() == "data:" else Source("base64", data, kind)
    elif url is not None:
        source = source_of(url, guessed_type(url))
    else:
        raise invalid(f"{fields.path} needs file_id, file_data or file_url.", fields.path)
    return Document(source, name, cache=mark)


def _audio(fields: Fields) -> Part:
    inner = fields.inner("input_audio")
    if inner is None:
        raise invalid(f"{fields.path}.input_audio must be an object.", f"{fields.path}.input_audio")
    data, format = needed(inner, "data"), needed(inner, "format")
    inner.drop_rest()
    return Audio(Source("base64", data, AUDIO_TYPES.get(format, f"audio/{format}")), format)


_KINDS: dict[str, Callable[[Fields], Part]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}


def render_part(part: Part, losses: dict[str, None]) -> dict[str, Any]:
    """One part of a user's turn or a result. Raises Problem 400 for what has no form here."""
    if isinstance(part, Text | Refusal):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, Image):
        detail = {"detail": part.detail} if part.detail else {}
        return {"type": "input_image", **_located(part.source), **detail}
    if isinstance(part, Audio) and part.source is not None and part.source.kind == "base64":
        format = part.format or audio_format(part.source.media_type)
        return {"type": "input_audio", "input_audio": {"data": part.source.value, "format": format}}
    if isinstance(part, Document):
        return _document(part, losses)
    if isinstance(part, Block) and part.format == FORMAT_NAME:
        return part.raw
    raise no_place(part)


def _located(source: Source) -> dict[str, str]:
    if source.kind == "file" and source.maker == OWN:
        return {"file_id": source.value}
    url = url_of(source)
    if not url:
        raise not_carried("An image by another vendor's id is", "messages")
    return {"image_url": url}


def _document(part: Document, losses: dict[str, None]) -> dict[str, Any]:
    """A file by id, bytes or address; plain text becomes text, since not every model reads such files."""
    source = part.source
    if part.cite:
        losses["citations"] = None
    if source.kind == "text":
        losses["document"] = None
        head = [line for line in (part.title or part.name, part.context) if line]
        return {"type": "input_text", "text": "\n\n".join([*head, source.value])}
    if part.context:
        losses["document.context"] = None
    if source.kind == "url":
        return {"type": "input_file", "file_url": source.value}
    if source.kind == "file":
        if source.maker != OWN:
            raise not_carried("A document by another vendor's id is", "messages")
        return {"type": "input_file", "file_id": source.value}
    return {"type": "input_file", "filename": part.name or part.title or "document.pdf", "file_data": url_of(source)}
