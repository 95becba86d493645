"""Converse's content blocks <-> neutral parts.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from relay.formats.bedrock_converse.citations import parse_citation
from relay.formats.bedrock_converse.models import OWN
from relay.formats.fields import no_place, not_carried
from relay.formats.media import audio_format
from relay.formats.words import items, table, word
from relay.neutral import (
    Audio,
    Block,
    CacheMark,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolUse,
    Video,
)

_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}

_OFFICE = "application/vnd.openxmlformats-officedocument."

_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}

_VIDEOS = {"video/quicktime": "mov", "video/x-matroska": "mkv", "video/3gpp": "three_gp", "video/x-ms-wmv": "wmv"}

_UNNAMED = re.compile(r"[^A-Za-z0-9\s()\[\]-]+")

_TTLS = frozenset(("5m", "1h"))


def cache_point(mark: CacheMark | None, losses: dict[str, None]) -> list[dict[str, Any]]:
    """The block that stands behind what is to be cached, if anything is."""
    if mark is None:
        return []
    if mark.ttl and mark.ttl not in _TTLS:
        losses["cache_control.ttl"] = None
    return [{"cachePoint": {"type": "default", **({"ttl": mark.ttl} if mark.ttl in _TTLS else {})}}]


def render_part(part: Part, losses: dict[str, None]) -> dict[str, Any] | None:
    """One block of a user's turn or of a result; None for empty text, which is refused. Raises Problem 400."""
    if isinstance(part, Text | Refusal):
        return {"text": part.text} if part.text.strip() else None
    if isinstance(part, Image):
        if part.detail not in ("", "auto"):
            losses["detail"] = None
        return {"image": {"format": _format(part.source, _IMAGES, "An image"), "source": _bytes(part.source)}}
    if isinstance(part, Document):
        return {"document": _document(part)}
    if isinstance(part, Audio):
        return _sound(part)
    if isinstance(part, Video):
        subtype = part.source.media_type.rpartition("/")[2]
        kind = _VIDEOS.get(part.source.media_type, subtype)
        return {"video": {"format": kind, "source": _bytes(part.source)}}
    raise no_place(part)


def _document(part: Document) -> dict[str, Any]:
    source = part.source
    kind = "txt" if source.kind == "text" else _format(source, _DOCUMENTS, "A document")
    body = {"format": kind, "name": neutral_name(part.title or part.name), "source": _bytes(source)}
    if part.context:
        body["context"] = part.context
    return {**body, "citations": {"enabled": True}} if part.cite else body


def neutral_name(name: str) -> str:
    """A document's name with the characters that Converse allows."""
    return " ".join(_UNNAMED.sub(" ", name).split())[:200] or "document"


def _sound(part: Audio) -> dict[str, Any]:
    if part.source is None:
        if not part.transcript:
            raise not_carried("Sound by another vendor's id is", "messages")
        return {"text": part.transcript}
    kind = part.format or audio_format(part.source.media_type)
    return {"audio": {"format": "pcm" if kind == "pcm16" else kind, "source": _bytes(part.source)}}


def _format(source: Source, known: dict[str, str], what: str) -> str:
    plain = source.media_type.partition(";")[0].strip().lower()
    if source.kind == "url" and not plain:
        plain = next((kind for kind, ending in known.items() if source.value.lower().endswith(ending)), "")
    found = known.get(plain) or ("txt" if plain.startswith("text/") and "text/plain" in known else "")
    if not found:
        raise not_carried(f"{what} of the type {plain or 'unknown'} is", "messages")
    return found


def _bytes(source: Source) -> dict[str, Any]:
    if source.kind == "base64":
        return {"bytes": source.value}
    if source.kind == "text":
        return {"text": source.value}
    if source.kind == "url" and source.value.startswith("s3://"):
        return {"s3Location": {"uri": source.value}}
    raise not_carried("A file by an address or another vendor's id is", "messages")


def parse_block(raw: dict[str, Any]) -> tuple[Part, ...]:
    """What one block of an answer holds, as lenient as can be."""
    if text := word(raw.get("text")):
        return (Text(text),)
    if call := table(raw.get("toolUse")):
        return (parse_call(call, msgspec.json.encode(table(call.get("input"))).decode("utf-8", "replace")),)
    if thought := table(raw.get("reasoningContent")):
        return parse_thought(thought)
    if cited := table(raw.get("citationsContent")):
        spoken = "".join(word(piece.get("text")) for piece in items(cited.get("content")))
        found = (parse_citation(one) for one in items(cited.get("citations")))
        return (Text(spoken, tuple(one for one in found if one is not None)),)
    if drawn := table(raw.get("image")):
        data, kind = word(table(drawn.get("source")).get("bytes")), word(drawn.get("format")) or "png"
        return (Image(Source("base64", data, f"image/{kind}")),) if data else ()
    kind = next(iter(raw), "")
    return (Block(OWN, kind, dict(raw)),) if kind not in ("", "text") else ()


def parse_call(raw: dict[str, Any], arguments: str) -> Part:
    """A call of a tool; what AWS runs itself is nobody else's to answer."""
    if word(raw.get("type")) == "server_tool_use":
        return Block(OWN, "server_tool_use", dict(raw))
    return ToolUse(word(raw.get("toolUseId")), word(raw.get("name")), arguments)


def parse_thought(raw: dict[str, Any]) -> tuple[Thinking, ...]:
    """The model's thoughts, signed or encrypted."""
    if hidden := word(raw.get("redactedContent")):
        return (Thinking("", Opaque(OWN, hidden), redacted=True),)
    told = table(raw.get("reasoningText"))
    text, signature = word(told.get("text")), word(told.get("signature"))
    return (Thinking(text, Opaque(OWN, signature) if signature else None),) if text or signature else ()


def thought_block(part: Thinking) -> dict[str, Any] | None:
    """A thought as the model takes it back: its own, with its proof; None for all others."""
    if part.signature is None or part.signature.maker != OWN:
        return None
    if part.redacted:
        return {"reasoningContent": {"redactedContent": part.signature.data}}
    return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature.data}}}
