"""Parts of a request's contents <-> neutral parts. Source: https://ai.google.dev/api/caching#Part"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats import freeform
from relay.formats.fields import Fields, not_carried
from relay.formats.gemini.thoughts import Found, state_of
from relay.formats.gemini.words import FORMAT_NAME, OWN, snake, third
from relay.formats.media import AUDIO_TYPES, audio_format, guessed_type
from relay.neutral import (
    Audio,
    Block,
    Document,
    Image,
    Part,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Video,
)

_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, Any]).decode

_BLOCKS = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
"""Calls and results of the tools that Google runs itself."""

_KEPT = ("https://generativelanguage.googleapis.com/", "files/", "gs://")
"""Addresses that only Google can read."""

_VIDEOS = ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/")

_LEVELS = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high", "ULTRA_HIGH": "high"}


def parse_part(fields: Fields) -> Found:
    """One part and its signature. Raises Problem 400 with the caller's path."""
    for name in _BLOCKS:
        found = fields.take(name, snake(name))
        if found is not None:
            return Block(FORMAT_NAME, name, {name: found, **fields.whole()}), None
    state = state_of(fields.text("thoughtSignature", "thought_signature"))
    for name, read in _KINDS.items():
        inner = fields.inner(name, snake(name))
        if inner is not None:
            part = read(inner)
            inner.drop_rest()
            return _looked_at(fields, part), state
    text, thought = fields.text("text"), fields.flag("thought")
    if text is None:
        raise invalid(f"{fields.path}.text must be a string.", f"{fields.path}.text")
    fields.drop_rest()
    return (Thinking(text) if thought else Text(text)), state


def needed(fields: Fields, *names: str) -> str:
    """A string that must be there."""
    path = fields.spelling(*names)
    value = fields.text(*names)
    if value is None:
        raise invalid(f"{path} must be a string.", path)
    return value


def plain64(data: str) -> str:
    """Base64 in the usual alphabet; Google's clients write the one for addresses."""
    data = data.replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4)


def medium(source: Source, name: str = "") -> Part:
    """The part for bytes of a type."""
    kind = source.media_type.partition("/")[0].strip().lower()
    if kind == "image":
        return Image(source)
    if kind == "audio":
        return Audio(source, audio_format(source.media_type))
    if kind == "video":
        return Video(source)
    return Document(_read(source) if kind == "text" else source, name)


def _read(source: Source) -> Source:
    """Plain text as text."""
    try:
        return Source("text", base64.b64decode(source.value, validate=True).decode(), source.media_type)
    except (binascii.Error, ValueError):
        return source


def _looked_at(fields: Fields, part: Part) -> Part:
    """How closely a picture is to be looked at."""
    wanted = fields.inner("mediaResolution", "media_resolution")
    fields.take("thought")
    fields.drop_rest()
    if wanted is None:
        return part
    level = (wanted.text("level") or "").upper().removeprefix("MEDIA_RESOLUTION_")
    if not isinstance(part, Image) or level not in _LEVELS:
        fields.lose("mediaResolution")
        return part
    return msgspec.structs.replace(part, detail=_LEVELS[level])


def _inline(fields: Fields) -> Part:
    kind, data = needed(fields, "mimeType", "mime_type"), plain64(needed(fields, "data"))
    return medium(Source("base64", data, kind), fields.text("displayName", "display_name") or "")


def _file(fields: Fields) -> Part:
    uri, kind = needed(fields, "fileUri", "file_uri"), fields.text("mimeType", "mime_type") or ""
    name = fields.text("displayName", "display_name") or ""
    if uri.startswith(_KEPT):
        return medium(Source("file", uri, kind, OWN), name)
    if not kind and uri.startswith(_VIDEOS):
        return Video(Source("url", uri))
    return medium(Source("url", uri, kind or guessed_type(uri)), name)


def _call(fields: Fields) -> Part:
    args = fields.object("args")
    return ToolUse(fields.text("id") or "", needed(fields, "name"), _encode(args or {}).decode())


def _result(fields: Fields) -> Part:
    id, name, given = fields.text("id") or "", needed(fields, "name"), fields.object("response") or {}
    failed = given.get("error") is not None and "output" not in given and "result" not in given
    text = _told(given, failed)
    parts: list[Part] = [Text(text)] if text is not None else []
    for item in fields.items("parts"):
        part, _ = parse_part(item)
        parts.append(part)
    return ToolResult(id, tuple(parts), failed, name)


def _told(given: dict[str, Any], failed: bool) -> str | None:
    """What a result says. Clients wrap what is no object: Google names ``output``, its own SDKs write ``result``."""
    if len(given) != 1:
        return _encode(given).decode() if given else None
    name, value = next(iter(given.items()))
    if not failed and name not in ("output", "result"):
        return _encode(given).decode()
    return value if isinstance(value, str) else _encode(value).decode()


_KINDS: dict[str, Callable[[Fields], Part]] = {
    "functionCall": _call,
    "functionResponse": _result,
    "inlineData": _inline,
    "fileData": _file,
}


def render_part(part: Part, model: str, losses: dict[str, None]) -> dict[str, Any]:
    """One part but for thoughts, calls and results. Raises Problem 400 for what has no form here."""
    if isinstance(part, Text | Refusal):
        return {"text": part.text}
    if isinstance(part, Image):
        return _pictured(part, model, losses)
    if isinstance(part, Audio) and part.source is not None:
        return data_part(part.source, AUDIO_TYPES.get(part.format, "audio/wav"))
    if isinstance(part, Video):
        return data_part(part.source, "video/mp4")
    if isinstance(part, Document):
        return _document(part, losses)
    if isinstance(part, Block) and part.format == FORMAT_NAME:
        return part.raw
    kind = type(part).__name__.lower()
    what = f"{part.format}'s part {part.kind!r}" if isinstance(part, Block) else f"A part of the kind {kind}"
    raise not_carried(f"{what} is", "messages")


def data_part(source: Source, otherwise: str) -> dict[str, Any]:
    """Bytes, or where Google finds them; ``otherwise`` is their type where none is known."""
    if source.kind == "base64":
        return {"inlineData": {"mimeType": source.media_type or otherwise, "data": source.value}}
    if source.kind == "url" and source.value.startswith(_VIDEOS):
        return {"fileData": {"fileUri": source.value}}
    if source.kind == "url":
        kind = source.media_type or guessed_type(source.value, otherwise)
        return {"fileData": {"mimeType": kind, "fileUri": source.value}}
    if source.kind == "file" and source.maker == OWN:
        kind = source.media_type
        return {"fileData": {**({"mimeType": kind} if kind else {}), "fileUri": source.value}}
    raise not_carried("A file by another vendor's id is", "messages")


def _pictured(part: Image, model: str, losses: dict[str, None]) -> dict[str, Any]:
    rendered = data_part(part.source, "image/png" if part.source.kind == "base64" else "image/jpeg")
    if part.detail in ("", "auto"):
        return rendered
    if not third(model) or part.detail not in _LEVELS.values():
        losses["image.detail"] = None
        return rendered
    return {**rendered, "mediaResolution": {"level": f"MEDIA_RESOLUTION_{part.detail.upper()}"}}


def _document(part: Document, losses: dict[str, None]) -> dict[str, Any]:
    """A file by bytes or address; plain text becomes text, which is how Gemini sees it anyway."""
    if part.cite:
        losses["citations"] = None
    if part.source.kind == "text":
        losses["document"] = None
        head = [line for line in (part.title or part.name, part.context) if line]
        return {"text": "\n\n".join([*head, part.source.value])}
    for name in ("name", "title", "context"):
        if getattr(part, name):
            losses[f"document.{name}"] = None
    return data_part(part.source, "application/pdf")


def call_part(part: ToolUse, id: str) -> dict[str, Any]:
    """A call of a tool. Arguments are an object here: text that holds none is wrapped."""
    named = {"id": id} if id else {}
    return {"functionCall": {**named, "name": part.name, "args": call_arguments(part)}}


def call_arguments(part: ToolUse) -> dict[str, Any]:
    """The arguments as an object."""
    if part.freeform:
        return {freeform.FIELD: part.arguments}
    try:
        return _object(part.arguments.encode() or b"{}")
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return {freeform.FIELD: part.arguments}
