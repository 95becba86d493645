"""Reads a request: its size is judged before its bytes, its key before a large body."""

from __future__ import annotations

import asyncio
from typing import Any

from openopen8.core.errors import Problem
from relay.credentials import Headers
from relay.gate import Gate
from relay.incoming import Incoming

LARGEST_HEAD = 64 * 1024
"""Bytes of path, query and headers."""

UNASKED = 64 * 1024
"""Bytes of a body that are read before key and address have been looked at."""


def check_head(scope: Any) -> None:
    """431 for more headers than any program has reason to send."""
    size = len(scope["path"]) + len(scope.get("query_string", b""))
    size += sum(len(name) + len(value) for name, value in scope["headers"])
    if size > LARGEST_HEAD:
        raise Problem(431, "headers_too_large", "The request's headers are too large.", headers={"connection": "close"})


def declared_length(headers: Headers, limit: int) -> int | None:
    """Bytes that the body is said to have; 413 at once when that is too much."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            if len(value) > 15:
                raise too_large(limit)
            check_length(int(value), limit)
            return int(value)
    return None


def check_length(declared: int, limit: int) -> None:
    """413 at once for a body that is said to be too large."""
    if declared > limit:
        raise too_large(limit)


def too_large(limit: int) -> Problem:
    """413; the rest of the body is not read, so the connection ends."""
    size = f"{limit / 1024 / 1024:g} MB"
    return Problem(413, "request_too_large", f"The body is larger than {size}.", headers={"connection": "close"})


async def read_body(gate: Gate, request: Incoming) -> bytes:
    """The body; raises Gone, 413 when it outgrows the limit, or what speaks against key and address."""
    if request.here:
        body = (await request.part())[0]
        request.kept.take(len(body))
        return body
    knocked = request.declared is not None and request.declared <= UNASKED
    if request.declared is not None and not knocked:
        await gate.ledger.knock(request.ask())
        knocked = True
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        part, more = await next_part(request, gate.settings.body_timeout)
        parts.append(part)
        size += len(part)
        request.kept.take(len(part))
        if size > UNASKED and not knocked:
            await gate.ledger.knock(request.ask())
            knocked = True
        if size > gate.settings.max_body_bytes:
            raise too_large(gate.settings.max_body_bytes)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def next_part(request: Incoming, patience: float) -> tuple[bytes, bool]:
    """The next piece, and whether more is to come; raises Gone, or 408 when it does not come."""
    try:
        async with asyncio.timeout(patience):
            return await request.part()
    except TimeoutError:
        close = {"connection": "close"}
        raise Problem(408, "request_timeout", "The body did not arrive in time.", headers=close) from None
