"""A streamed answer on its way: upstream bytes in, caller's bytes out as they come, and when it is over.

Nothing waits between the two sockets: the upstream's client calls ``data``, which writes to the caller.
The request's own task only sleeps until the first event, and until the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from openopen8.core.config import Settings
from relay.caller import Caller
from relay.conversion import Converting
from relay.formats.format import Tap
from relay.framing import SSE, Decoder, FramingError
from relay.ticker import Ticker
from relay.upstream import Answer, Failure

QUIET = 5.0
"""Seconds of silence after the finish reason that end a stream whose upstream forgot its ending event."""

COMMENT = b": keep-alive\n\n"


class Streaming:
    """One streamed answer. ``tap`` listens; ``over`` is True once nothing more is to come.

    Listens to its answer as a ``Sink``, to its caller for being slow, and to the worker's ticker.
    """

    def __init__(
        self,
        answer: Answer,
        tap: Tap,
        settings: Settings,
        ticker: Ticker,
        comment: bytes = COMMENT,
        decoder: Callable[[], Decoder] = SSE,
    ) -> None:
        self.tap = tap
        self.over = False
        self.first_token_at: float | None = None
        """``loop.time()`` when the model first said something."""
        self._answer = answer
        self._ticker = ticker
        self._idle = settings.streaming_timeout
        self._silence = settings.keep_alive_seconds
        self._comment = comment
        self._decoder = decoder()
        self._clock = asyncio.get_running_loop().time
        self._heard = self._spoken = self._clock()
        self._events = 0
        self._head: list[bytes] = []
        self._caller: Caller | None = None
        self._failure: Exception | None = None
        self._ended = False
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        ticker.add(self)
        answer.flow(self)

    async def begin(self) -> None:
        """Return after the first event; raises Failure."""
        while not (self._events or self.over):
            await self._news()
        self._check()

    def attach(self, caller: Caller) -> None:
        """Everything goes to ``caller`` from now on, what has come so far first."""
        head, self._head = b"".join(self._head), []
        self._caller = caller
        caller.on_slow = self._slow
        caller.write(head)
        self._spoken = self._clock()

    async def ended(self) -> None:
        """Return when nothing more is to come; raises what went wrong."""
        while not self.over:
            await self._news()
        self._check()

    def close(self) -> None:
        """Stop the upstream; one that has just ended gets a moment for its last bytes."""
        if self._caller is not None:
            self._caller.on_slow = None
            self._caller = None
        self.over = True
        self._ticker.discard(self)
        if self.tap.finished and not self._ended:
            self._answer.finish()
        else:
            self._answer.close()

    # -- the upstream's side ------------------------------------------------------------------------

    def data(self, data: bytes) -> None:
        """See ``Sink``."""
        if self.over:
            return
        try:
            out = self._read(data)
        except FramingError:
            return self._fail(Failure("broken", "The provider sent an event that is too large, or damaged."))
        except Exception as error:
            return self._fail(error)
        self._pass_on(out)
        if self.over or self._caller is None:
            self._tell()

    def end(self, failure: Failure | None) -> None:
        """See ``Sink``."""
        self._ended = True
        if self.over:
            return
        if failure is not None:
            # once the model has stopped, all that matters is there
            return self._finish() if self.tap.stop_seen else self._fail(failure)
        try:
            out = self._rest()
        except Exception as error:
            return self._fail(error)
        self._pass_on(out)
        if not (self.tap.finished or self.tap.stop_seen or self.tap.error):
            return self._fail(Failure("broken", "The provider's answer ended in the middle."))
        self._finish()

    def tick(self, now: float) -> None:
        """See ``Ticking``: silence that is too long, comments for callers behind impatient proxies."""
        if self.over or self._paused:
            return
        stopped = self.tap.stop_seen
        if now >= self._heard + (min(QUIET, self._idle) if stopped else self._idle):
            return self._finish() if stopped else self._fail(Failure("timeout", "The provider stopped sending."))
        if now >= self._spoken + self._silence and self._caller is not None:
            self._caller.write(self._comment)
            self._spoken = now

    # -- inside -------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> bytes:
        tap = self.tap
        out: list[bytes] = []
        if not self._decoder.pending:
            size, passed = tap.plain(data)
            if size:
                out.append(passed)
                data = data[size:]
        frames = self._decoder.feed(data) if data else ()
        if not (frames or out):  # comments are no sign of life
            return b""
        self._heard = self._clock()
        self._events += 1
        for frame in frames:
            out.append(tap.feed(frame))
        if self.first_token_at is None and tap.first_token:
            self.first_token_at = self._heard
        self.over = tap.finished or tap.error is not None
        return out[0] if len(out) == 1 else b"".join(out)

    def _rest(self) -> bytes:
        frames = self._decoder.close()
        self._events += len(frames)
        out = [self.tap.feed(frame) for frame in frames]
        if isinstance(self.tap, Converting) and self.tap.error is None:
            out.append(self.tap.drain())
        return b"".join(out)

    def _pass_on(self, out: bytes) -> None:
        if not out:
            return
        if self._caller is None:
            self._head.append(out)
        else:
            self._caller.write(out)
            self._spoken = self._heard

    def _slow(self, slow: bool) -> None:
        """The caller reads slowly: the upstream has to wait; its silence does not count meanwhile."""
        self._paused = slow
        if slow:
            self._answer.pause()
        else:
            self._heard = self._spoken = self._clock()
            self._answer.resume()

    def _finish(self) -> None:
        self.over = True
        self._tell()

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._finish()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _news(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _tell(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
