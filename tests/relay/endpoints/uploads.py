"""Uploads as clients send them, and as a strict provider reads them."""

from __future__ import annotations

import email.parser
import email.policy
import io
import wave
from typing import Any

from tests.fakes.exchange import Received

BOUNDARY = "----oo8-0123456789"
TYPE = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}

Part = tuple[str, bytes]
"""Head (without its empty line) and content."""


def field(name: str, value: str) -> Part:
    return f'Content-Disposition: form-data; name="{name}"', value.encode()


def file(name: str, content: bytes, filename: str = "a.wav", kind: str = "audio/wav") -> Part:
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}'
    return head, content


def form(*parts: Part, boundary: str = BOUNDARY) -> bytes:
    mark = b"--" + boundary.encode()
    return b"".join(b"%b\r\n%b\r\n\r\n%b\r\n" % (mark, head.encode(), body) for head, body in parts) + mark + b"--\r\n"


def wav(seconds: float = 2.5) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(b"\1\0" * round(8_000 * seconds))
    return out.getvalue()


def read(received: Received) -> dict[str, Any]:
    """Fields as text, files as bytes; each name once, all properly framed."""
    assert int(received.headers["content-length"]) == len(received.body)
    head = b"Content-Type: " + received.headers["content-type"].encode() + b"\r\n\r\n"
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    message = parser.parsebytes(head + received.body)
    assert message.is_multipart() and not message.defects and not message.epilogue
    found: dict[str, Any] = {}
    for part in message.iter_parts():  # type: ignore[attr-defined]
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert name not in found
        found[name] = content if part.get_filename() else content.decode()
    return found
