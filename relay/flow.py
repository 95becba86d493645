"""An upstream's bytes, read ahead of the caller by a bounded number."""

from __future__ import annotations

import asyncio

from relay.upstream import Answer, Failure

AHEAD = 256 * 1024
"""Bytes that are read while the caller is slow; then the upstream has to wait."""


class Flow:
    """Pulls what an answer pushes. A wait with a time limit leaves the reading alone."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._parts: list[bytes] = []
        self._size = 0
        self._failure: Failure | None = None
        self._ended = False
        self._paused = False
        self._news = asyncio.Event()
        answer.flow(self)

    def data(self, data: bytes) -> None:
        """The answer brings bytes."""
        self._parts.append(data)
        self._size += len(data)
        self._news.set()
        if self._size > AHEAD and not self._paused:
            self._paused = True
            self._answer.pause()

    def end(self, failure: Failure | None) -> None:
        """The answer is over."""
        self._failure, self._ended = failure, True
        self._news.set()

    async def next(self, within: float) -> bytes | None:
        """All that has come since the last call; None at the end. Raises TimeoutError and Failure."""
        if not self._parts and not self._ended:
            self._news.clear()
            async with asyncio.timeout(max(within, 0.001)):
                await self._news.wait()
        if self._parts:
            return self._taken()
        if self._failure is not None:
            raise self._failure
        return None

    async def close(self) -> None:
        """Stop reading; the connection is cut when the answer has not ended."""
        self._answer.close()

    def _taken(self) -> bytes:
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._size = [], 0
        if self._paused:
            self._paused = False
            self._answer.resume()
        return data
