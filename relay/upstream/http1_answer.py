"""An answer on a connection of ours: buffered until somebody asks for it, then read whole or pushed on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from relay.upstream.answer import Sink
from relay.upstream.coding import Inflater
from relay.upstream.failure import Failure, too_large

if TYPE_CHECKING:
    from relay.upstream.http1 import Connection

AHEAD = 256 * 1024
"""Bytes of a body that are kept before anybody asks for it; then the provider has to wait."""

LEFT_OVER = 64 * 1024
"""Bytes of an ending that are thrown away so that a connection can be used again."""

_NO_HEADERS: Mapping[str, str] = {}


class Http1Answer:
    """The connection fills it; it holds the connection only until its end."""

    __slots__ = (
        "_closed", "_held", "_inflater", "_limit", "_parts", "_paused", "_reading", "_sink", "_size", "_waiter",
        "connection", "failure", "finishing", "headers", "over", "stale", "status",
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection | None = connection
        self.status = 0
        self.headers = _NO_HEADERS
        self.failure: Failure | None = None
        self.over = False
        self.stale = False
        """True when the connection was gone before a byte was answered on it."""
        self.finishing = 0
        """Ticks since ``finish`` was called; 0 = it was not."""
        self._inflater: Inflater | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._limit = AHEAD
        self._sink: Sink | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._reading = False
        self._paused = self._held = self._closed = False

    # --- for those who asked ---

    async def read(self, limit: int) -> bytes:
        if not self.over:
            self._reading, self._limit = True, limit
            self._release()
            if self._size > limit:
                self.fail(too_large())
            else:
                await self.wait()
        if self.failure is not None:
            self.raise_failure()
        if self._size > limit:
            raise too_large()
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def flow(self, sink: Sink) -> None:
        if self._closed:
            return
        self._sink = sink
        parts, self._parts = self._parts, []
        if parts:
            sink.data(parts[0] if len(parts) == 1 else b"".join(parts))
        if self._sink is None:  # it has closed the answer
            return
        if self.over:
            self._sink = None
            sink.end(self.failure)
        else:
            self._release()

    def pause(self) -> None:
        self._paused = True
        if self.connection is not None and not self._held:
            self.connection.stop_reading()

    def resume(self) -> None:
        self._paused = False
        if self.connection is not None and not self._held:
            self.connection.go_on_reading()

    def finish(self) -> None:
        self._sink = None
        if self.connection is None:
            self.close()
        elif self.finishing == 0:
            self._parts, self._size, self._limit = [], 0, LEFT_OVER
            self.finishing = 1
            if self.waits:
                self._paused = self._held = False
                self.connection.go_on_reading()

    def close(self) -> None:
        self._sink = None
        self._closed = True
        self._parts = []
        if not self.finishing:
            self.fail(Failure("other", "The answer was closed."))

    # --- for the connection and the client ---

    @property
    def waits(self) -> bool:
        """True while the provider is made to wait: no timeout runs."""
        return self._paused or self._held

    async def wait(self) -> None:
        """Until the head is there, or until the end while somebody reads. A cancelled wait cuts the connection."""
        assert self.connection is not None
        self._waiter = self.connection.loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise

    def wake(self) -> None:
        """Let ``wait`` return."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def begin(self, status: int, headers: Mapping[str, str], inflater: Inflater | None) -> None:
        """The head is there."""
        self.status, self.headers, self._inflater = status, headers, inflater

    def push(self, data: bytes) -> None:
        """Bytes of the body have come."""
        if self._inflater is not None and not self.finishing:
            try:
                data = self._inflater.feed(data)
            except Failure as failure:
                return self.fail(failure)
        if self._sink is not None:
            if data:
                self._sink.data(data)
            return
        self._size += len(data)
        if not self.finishing:
            self._parts.append(data)
        if self._size > self._limit:
            self._overflow()

    def end(self, failure: Failure | None) -> None:
        """Nothing more comes; the connection is not ours any more."""
        self.connection = None
        self.over = True
        if failure is None and self._inflater is not None and not self.finishing:
            failure = self._inflater.close()
        self.failure = failure
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.end(failure)
        self.wake()

    def give_up(self) -> None:
        """What was to be the end of the answer does not come."""
        self.fail(Failure("broken", "The provider's answer did not end."))

    def fail(self, failure: Failure) -> None:
        """Cut the connection and end."""
        if self.connection is not None:
            self.connection.cut()
            self.end(failure)

    def raise_failure(self) -> None:
        """Raise what went wrong, once: a failure that is kept and raised would keep its own frames alive."""
        failure, self.failure = self.failure, None
        try:
            raise failure or Failure("broken", "The answer was read before.")
        finally:
            del failure

    def _overflow(self) -> None:
        if self._reading:
            self.fail(too_large())
        elif self.finishing:
            self.give_up()
        elif not self._held and self.connection is not None:
            self._held = True
            if not self._paused:
                self.connection.stop_reading()

    def _release(self) -> None:
        """Somebody takes the body: read on what was held back."""
        if self._held:
            self._held = False
            if self.connection is not None and not self._paused:
                self.connection.go_on_reading()
