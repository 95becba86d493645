"""Requests as bytes; ``KEY`` in them stands for the token."""

from __future__ import annotations

import json
from typing import Any

CHAT = "/v1/chat/completions"
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "Say hello."}]}


def body_of(**more: Any) -> bytes:
    """A question; ``more`` goes into it."""
    return json.dumps({**QUESTION, **more}).encode()


def request(
    *headers: str,
    method: str = "POST",
    target: str = CHAT,
    version: str = "HTTP/1.1",
    host: bool = True,
    key: bool = True,
    body: bytes | None = None,
    length: bool = True,
) -> bytes:
    """A request with these further header lines; a ``body`` gets its length unless ``length`` is False."""
    lines = [f"{method} {target} {version}"]
    lines += ["host: gateway"] if host else []
    lines += ["authorization: Bearer KEY"] if key else []
    lines += headers
    lines += [f"content-length: {len(body)}"] if body is not None and length else []
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chat(*headers: str, **more: Any) -> bytes:
    """A chat request."""
    return request(*headers, **{"body": body_of(), **more})


def stream(*headers: str, **more: Any) -> bytes:
    """A chat request for a stream."""
    return chat(*headers, **{"body": body_of(stream=True), **more})


def models(*headers: str, **more: Any) -> bytes:
    """A request that no door takes the short way for."""
    return request(*headers, **{"method": "GET", "target": "/v1/models", **more})


def chunked(*chunks: bytes, trailers: bytes = b"", extension: bytes = b"", **more: Any) -> bytes:
    """A chat request in chunks."""
    framed = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    head = request("transfer-encoding: chunked", **more)
    return head + framed + b"0\r\n" + trailers + b"\r\n"


def known(gateway: Any, data: bytes) -> bytes:
    """With the gateway's token."""
    return data.replace(b"KEY", gateway.key.encode())
