"""``multipart/form-data`` read as the JSON that says the same: files become ``data:`` URLs.

Source: https://www.rfc-editor.org/rfc/rfc7578. The boundary stands in the body's first line, so no header is needed.
"""

from __future__ import annotations

import base64
import re

import msgspec

from openopen8.core.errors import invalid

_NAME = re.compile(rb'(?:^|[;\s])name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_FILE = re.compile(rb'(?:^|[;\s])filename="', re.IGNORECASE)
_BOUNDARY = re.compile(rb"--[0-9A-Za-z'()+_,./:=? -]{1,70}")
_TYPE = re.compile(rb"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_encode = msgspec.json.Encoder().encode


def is_form(body: bytes) -> bool:
    """True for a body that is no JSON but may be a form."""
    return body.startswith(b"--")


def form(body: bytes) -> dict[str, msgspec.Raw]:
    """The form's fields, each of them once. Raises Problem 400."""
    first, end, _ = body.partition(b"\r\n")
    if not end or not _BOUNDARY.fullmatch(first):
        raise invalid("The body is neither JSON nor a multipart form.")
    parts = (b"\r\n" + body).split(b"\r\n" + first)
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise invalid("The multipart form has no end.")
    fields: dict[str, msgspec.Raw] = {}
    for part in parts[1:-1]:
        name, found = _part(part)
        if name in fields:
            raise invalid(f"The field {name!r} is given twice.", name)
        fields[name] = msgspec.Raw(_encode(found))
    return fields


def _part(part: bytes) -> tuple[str, str]:
    head, end, content = part.partition(b"\r\n\r\n")
    headers = dict(_header(line) for line in head.split(b"\r\n") if b":" in line)
    told = headers.get(b"content-disposition", b"")
    name = _NAME.search(told)
    if not end or name is None or b"\0" in name[1]:
        raise invalid("A part of the multipart form has no name.")
    try:
        field = name[1].decode()
        if not _FILE.search(told):
            return field, content.decode()
    except UnicodeDecodeError:
        raise invalid("A field of the multipart form is no text.") from None
    kind = headers.get(b"content-type", b"").lower()
    kind = kind if _TYPE.fullmatch(kind) else b"application/octet-stream"
    return field, f"data:{kind.decode()};base64,{base64.b64encode(content).decode()}"


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()
