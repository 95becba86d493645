"""``multipart/form-data`` read as the JSON that says the same: files become ``data:`` URLs.

Source: https://www.rfc-editor.org/rfc/rfc7578. The boundary stands in the body's first line, so no header is needed.
"""

from __future__ import annotations

import base64
import re

import msgspec

from openopen8.core.errors import invalid
from relay.form import FormReader, Part, boundary_of

_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_encode = msgspec.json.Encoder().encode


class _Memory:
    """A body that is there already; see ``Body``."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def piece(self, at: int, size: int) -> bytes:
        return self._content[at : at + size]


def is_form(body: bytes) -> bool:
    """True for a body that is no JSON but may be a form."""
    return body.startswith(b"--")


def form(body: bytes) -> dict[str, msgspec.Raw]:
    """The form's fields, each of them once. Raises Problem 400."""
    mark, end, _ = body.partition(b"\r\n")
    if not end or len(mark) > 80 or not mark.isascii():
        raise invalid("The body is neither JSON nor a multipart form.")
    reader = FormReader(boundary_of(f'multipart/form-data; boundary="{mark[2:].decode()}"'))
    reader.feed(body)
    fields: dict[str, msgspec.Raw] = {}
    for part in reader.close(_Memory(body)).parts:
        if part.name in fields:
            raise invalid(f"The field {part.name!r} is given twice.", part.name)
        fields[part.name] = msgspec.Raw(_encode(_content(part, body[part.start : part.start + part.size])))
    return fields


def _content(part: Part, content: bytes) -> str:
    if part.is_file:
        kind = part.kind.lower() if _TYPE.fullmatch(part.kind.lower()) else "application/octet-stream"
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise invalid("A field of the multipart form is no text.") from None
