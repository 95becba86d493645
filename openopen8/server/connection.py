"""One connection of uvicorn's: idle times, last words, callers that do not read, or do not stop writing."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from relay.hot import Exchange

HEAD_SECONDS = 30.0
"""How long a new connection may take to send its first complete head."""
LINGER_SECONDS, LINGER_PAUSE = 30.0, 2.0
"""How long a caller may go on writing, and pause: closed in the middle of it, it may never see its answer."""


class Connection(HttpToolsProtocol):
    """Answers one request after the other, each by an exchange or by uvicorn's cycle."""

    head_seconds: ClassVar[float] = HEAD_SECONDS
    linger_seconds: ClassVar[float] = LINGER_SECONDS
    linger_pause: ClassVar[float] = LINGER_PAUSE

    _fed = 0
    """Bytes since the head began, or since the last bytes of a body, and what was in the same read before."""
    _in_head = True
    """Between two requests, too."""
    _last: bytes | None = None
    """The last words of this connection, said when all that came before them is answered; empty once it is over."""
    _timer: asyncio.TimerHandle | None = None
    """Ends the wait for a first head, or for a caller that goes on writing."""
    _idle_timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0
    _unsent = 0
    _waiting: Exchange | None = None
    """Begins when the bytes at hand have been read."""
    _serving: Any = None
    """The exchange, or uvicorn's cycle, that is being answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.head_seconds, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        serving, self._serving = self._serving, None
        super().connection_lost(exc)  # tells the newest request
        if type(serving) is Exchange:
            serving.lost()
        elif serving is not None and not serving.response_complete:
            serving.disconnected = True
            serving.message_event.set()
        self.pipeline.clear()
        self.cycle = None  # type: ignore[assignment]  # which knows this connection: no reference cycle stays

    def pause_writing(self) -> None:
        super().pause_writing()
        if type(self._serving) is Exchange:
            self._serving.slow(True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if type(self._serving) is Exchange:
            self._serving.slow(False)
        elif self._serving is None and not self._over():
            self._next()

    # -- after an answer -----------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        self.answered()

    def answered(self) -> None:
        """See ``relay.hot.Connection``."""
        self._serving = None
        self.server_state.total_requests += 1
        over = self._over()
        if over and not self.transport.get_write_buffer_size():
            return
        # one timer a connection, put off while there is work, instead of a new one for each request
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_idle)
        if over:
            return
        if self.flow.write_paused:
            self.flow.pause_reading()  # goes on when the caller has read what it asked for
        else:
            self._next()

    def _next(self) -> None:
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last:
            self._say()

    def _look_idle(self) -> None:
        self._idle_timer = None
        if self._serving is not None:
            return  # what is under way sets a timer again when it ends
        rest = self._idle_since + self.timeout_keep_alive - self.loop.time()
        unsent = self.transport.get_write_buffer_size()
        if rest <= 0:
            if unsent == 0:
                return self.transport.close()
            if unsent == self._unsent:
                return self.transport.abort()  # a caller that does not read its answer
            self._unsent = unsent
            rest = self.timeout_keep_alive
        self._idle_timer = self.loop.call_later(rest, self._look_idle)

    # -- the end -------------------------------------------------------------------------------------

    def hang_up(self) -> None:
        """Close when what was written has been sent. A caller that is still writing gets some time to see it."""
        self._last = b""
        if self._in_head or not self.transport.can_write_eof():
            return self.transport.close()
        self.transport.write_eof()
        self.flow.resume_reading()
        if self._timer is not None:
            self._timer.cancel()
        self._fed = 0
        self._timer = self.loop.call_later(self.linger_pause, self._linger, self.loop.time() + self.linger_seconds)

    def _linger(self, until: float) -> None:
        if self._fed == 0 or self.loop.time() >= until:
            return self.transport.close()
        self._fed = 0
        self._timer = self.loop.call_later(self.linger_pause, self._linger, until)

    def _over(self) -> bool:
        return self._last == b"" or self.transport.is_closing()

    def _end_with(self, words: bytes) -> None:
        """Take no more from this connection. What is due is answered, then ``words`` are said."""
        self._last = words
        if not self._in_head and self._broken_body():
            return
        if not self._due():
            self._say()

    def _say(self) -> None:
        self.transport.write(self._last or b"")
        self._in_head = False  # there may be more where the refused bytes came from
        self.hang_up()

    def _due(self) -> bool:
        """True while a request waits for its answer."""
        return self._waiting is not None or (self.cycle is not None and not self.cycle.response_complete)

    def _broken_body(self) -> bool:
        """The newest request will never be whole. True when that ended the connection."""
        newest = self.cycle
        if self.pipeline and self.pipeline[0][0] is newest:
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self._waiting or self._serving  # type: ignore[assignment]
            return False
        if not newest.response_complete:
            newest.disconnected = True
            newest.message_event.set()
            if not newest.response_started:
                self._say()
                return True
        self.hang_up()
        return True

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._idle_timer = None


class Outlet:
    """The transport as uvicorn's cycle sees it."""

    def __init__(self, connection: Connection) -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.hang_up
