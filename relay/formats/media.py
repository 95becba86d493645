"""Images, sounds and files between addresses, data URLs and base64 with a type."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes, urlsplit

from relay.neutral import Source

AUDIO_TYPES: dict[str, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/opus",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "m4a": "audio/mp4",
    "webm": "audio/webm",
    "pcm16": "audio/L16",
}
"""Media types by the short names that OpenAI uses."""

_TYPES: dict[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
}


def source_of(url: str, media_type: str = "") -> Source:
    """The source behind ``url``: its bytes if it is a data URL, else the address."""
    if url[:5].lower() != "data:":
        return Source("url", url, media_type)
    head, _, data = url[5:].partition(",")
    kind, *options = head.split(";")
    if options and options[-1].strip().lower() == "base64":
        return Source("base64", data, kind or media_type or "text/plain")
    return Source("text", unquote_to_bytes(data).decode("utf-8", "replace"), kind or "text/plain")


def url_of(source: Source) -> str:
    """``source`` as address or data URL; empty for what has neither (a file's id, plain text)."""
    if source.kind == "url":
        return source.value
    if source.kind != "base64":
        return ""
    return f"data:{source.media_type or 'application/octet-stream'};base64,{source.value}"


def guessed_type(name: str, otherwise: str = "") -> str:
    """The media type of a file or an address by its ending."""
    ending = urlsplit(name).path.rpartition(".")[2].lower() if "//" in name else name.rpartition(".")[2].lower()
    return _TYPES.get(ending, otherwise)


def audio_format(media_type: str) -> str:
    """OpenAI's short name of an audio type; its subtype where it has none."""
    plain = media_type.partition(";")[0].strip().lower()
    known = {"audio/x-wav": "wav", "audio/wave": "wav", "audio/mp3": "mp3", "audio/l16": "pcm16"}
    found = next((name for name, kind in AUDIO_TYPES.items() if kind.lower() == plain), None)
    return found or known.get(plain) or plain.rpartition("/")[2]
