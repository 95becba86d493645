"""An upstream's chunks, read ahead of the caller by a bounded number of bytes."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from relay.upstream import Answer, Failure

log = logging.getLogger("openopen8.relay")

AHEAD = 256 * 1024
"""Bytes that are read while the caller is slow; then the upstream has to wait."""


class Flow:
    """Pumps the chunks of an answer. A wait with a time limit leaves the read under way alone."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._parts: list[bytes] = []
        self._size = 0
        self._failure: Failure | None = None
        self._ended = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._pump = asyncio.ensure_future(self._run())

    async def next(self, within: float) -> bytes | None:
        """All that has come since the last call; None at the end. Raises TimeoutError and Failure."""
        if not self._parts and not self._ended:
            self._news.clear()
            async with asyncio.timeout(max(within, 0.001)):
                await self._news.wait()
        if self._parts:
            data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts, self._size = [], 0
            self._room.set()
            return data
        if self._failure is not None:
            raise self._failure
        return None

    async def close(self) -> None:
        """Stop reading; the connection is cut when the answer has not ended."""
        self._pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump
        await self._answer.close()

    async def _run(self) -> None:
        try:
            async for chunk in self._answer.chunks():
                self._parts.append(chunk)
                self._size += len(chunk)
                self._news.set()
                while self._size > AHEAD:
                    self._room.clear()
                    await self._room.wait()
        except asyncio.CancelledError:
            raise
        except Failure as failure:
            self._failure = failure
        except Exception as error:
            log.warning("an answer could not be read: %s", type(error).__name__)
            self._failure = Failure("broken", "The provider's answer could not be read.")
        finally:
            self._ended = True
            self._news.set()
