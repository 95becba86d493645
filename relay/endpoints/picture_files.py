"""What kind of picture an uploaded file is, by its first bytes: clients often send none, or a wrong one.

Sources: https://www.w3.org/TR/png-3/#5PNG-file-signature, https://www.w3.org/Graphics/JPEG/itu-t81.pdf (B.1.1.3),
https://developers.google.com/speed/webp/docs/riff_container, https://nokiatech.github.io/heif/technical.html
"""

from __future__ import annotations

from openopen8.core.errors import invalid
from relay.form import Part
from relay.upstream import Body, bytes_of

_LOOK = 16


def type_of(body: Body, file: Part) -> str:
    """The media type of a picture. Raises Problem 400 for what is none."""
    head = bytes_of(body, file.start, min(file.size, _LOOK))
    found = _kind(head) or (file.kind.lower() if file.kind.lower().startswith("image/") else "")
    if not found or not found.isascii():
        raise invalid(f"{file.name} must be a picture: PNG, JPEG, WebP or HEIC.", file.name)
    return found


def _kind(head: bytes) -> str:
    if head.startswith(b"\x89PNG"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return "image/heic" if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1") else ""
