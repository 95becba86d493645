"""An answer that httpx fetched: its iterator turned into pushes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

import httpx

from relay.upstream.answer import Sink
from relay.upstream.coding import Inflater
from relay.upstream.failure import Failure, failure_of, too_large

MOMENT = 1.0
"""Seconds that the rest of an answer may take after ``finish``."""

LEFT_OVER = 64 * 1024


class HttpxAnswer:
    """``tasks`` keeps what runs on after ``close``."""

    def __init__(self, response: httpx.Response, inflater: Inflater | None, tasks: set[asyncio.Task[None]]) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._inflater = inflater
        self._tasks = tasks
        self._sink: Sink | None = None
        self._pump: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    async def read(self, limit: int) -> bytes:
        parts, size = [], 0
        async for data in self._pieces():
            size += len(data)
            if size > limit:
                raise too_large()
            parts.append(data)
        return b"".join(parts)

    def flow(self, sink: Sink) -> None:
        if self._pump is None and not self._closed:
            self._sink = sink
            self._pump = self._started(self._pumped())

    def pause(self) -> None:
        self._room.clear()

    def resume(self) -> None:
        self._room.set()

    def finish(self) -> None:
        if not self._closed:
            self._closed, self._sink = True, None
            self._room.set()
            self._started(self._finished())

    def close(self) -> None:
        if not self._closed:
            self._closed, self._sink = True, None
            self._started(self._close())

    def _started(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _finished(self) -> None:
        with contextlib.suppress(TimeoutError, Failure):
            async with asyncio.timeout(MOMENT):
                if self._pump is not None:
                    await asyncio.shield(self._pump)
                else:
                    await self.read(LEFT_OVER)
        await self._close()

    async def _close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        with contextlib.suppress(httpx.HTTPError, OSError):
            await self._response.aclose()

    async def _pumped(self) -> None:
        failure, spare = None, LEFT_OVER
        try:
            async for data in self._pieces():
                if self._sink is not None:
                    self._sink.data(data)
                else:
                    spare -= len(data)
                    if spare < 0:
                        return
                if not self._room.is_set():
                    await self._room.wait()
        except Failure as error:
            failure = error
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.end(failure)

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The body, unpacked; raises Failure."""
        try:
            async for piece in self._response.aiter_raw():
                data = self._inflater.feed(piece) if self._inflater else piece
                if data:
                    yield data
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise failure_of(error) from None
        if self._inflater and (failure := self._inflater.close()):
            raise failure
