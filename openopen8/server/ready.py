"""Waits until the server answers, to say so: a relay worker over HTTP."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

LOOK_EVERY_SECONDS = 0.1


async def until_ready(address: str) -> None:
    """Return once ``/readyz`` at ``address`` answers 200."""
    parts = urlsplit(address)
    while not await _answers(parts.hostname or "127.0.0.1", parts.port or 80):
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _answers(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
