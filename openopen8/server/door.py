"""uvicorn's HTTP protocol, strict about what it takes, and with a short way for the relay's hot paths."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any, ClassVar, Literal, Protocol

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from relay.hot import Exchange
from relay.routes import Route

HEAD_LIMIT = 64 * 1024
"""Bytes of request line and header fields together; of a chunked body's framing without a byte of body, too."""
HEAD_SECONDS = 30.0
"""How long a new connection may take to send its first complete head."""
READ_AHEAD, MOST_WAITING = 16, 100
"""Requests of one connection that wait for the one before them: from so many on nothing more is read (until then
it is, since that is how one sees that the caller left), and so many there may be in what has been read."""
LINGER_SECONDS, LINGER_PAUSE = 30.0, 2.0
"""How long a caller may go on writing, and pause: closed in the middle of it, it may never see its answer."""

_COLD = frozenset((b"expect", b"upgrade", b"transfer-encoding"))
"""Headers that send a request the usual way, through ASGI."""


def _refusal(status: bytes, message: bytes, code: bytes) -> bytes:
    body = b'{"error":{"message":"%b","type":"invalid_request_error","code":"%b","param":null}}' % (message, code)
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status, len(body)) + body


_MALFORMED = _refusal(b"400 Bad Request", b"This is no valid HTTP request.", b"bad_request")
_TOO_LARGE = _refusal(
    b"431 Request Header Fields Too Large", b"The request headers are too large.", b"headers_too_large"
)
_TOO_MANY = _refusal(b"429 Too Many Requests", b"Too many requests wait on this connection.", b"too_many_requests")


class Refused(Exception):
    """A request that llhttp takes and we do not; ``answer`` is what the caller is told."""

    def __init__(self, answer: bytes = _MALFORMED) -> None:
        self.answer = answer


class HotRelay(Protocol):
    """What the door needs of the relay."""

    def hot(self, url: bytes) -> tuple[Route, bytes] | None:
        """The route and the query of a hot path, None for every other address."""

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request; raises nothing but CancelledError."""


class Door(HttpToolsProtocol):
    """Requests for the hot paths of ``relay`` are answered here; everything else goes uvicorn's way, whose work
    is put off until the head says that it is needed.

    Beyond uvicorn, for both ways: bounds on heads and on waiting requests, which llhttp does not have; the
    requests of RFC 9112 that must be refused; what is refused is refused in its turn, after the answers that
    are due; a caller that does not read its answers gets no more of them.
    """

    relay: ClassVar[HotRelay | None] = None
    head_limit: ClassVar[int] = HEAD_LIMIT
    head_seconds: ClassVar[float] = HEAD_SECONDS
    linger_seconds: ClassVar[float] = LINGER_SECONDS
    linger_pause: ClassVar[float] = LINGER_PAUSE

    _fed = 0
    """Bytes since the head began, or since the last bytes of a body, and what was in the same read before."""
    _before = 0
    """So many of them may belong to what came before."""
    _read = 0
    _in_head = True
    """Between two requests, too."""
    _stays = False
    """The head at hand asks to change the protocol, which is not done."""
    _last: bytes | None = None
    """The last words of this connection, said when all that came before them is answered; empty once it is over."""
    _head_timer: asyncio.TimerHandle | None = None
    _idle_timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0
    _unsent = 0
    _waiting: Exchange | None = None
    """Begins when the bytes at hand have been read."""
    _serving: Any = None
    """The exchange, or uvicorn's cycle, that is being answered."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._new_parser()

    # -- the connection ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.head_seconds, transport.close)

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

    def data_received(self, data: bytes) -> None:
        self._fed += len(data)
        if self._last is not None:
            return
        self._read = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(error)
        else:
            if self._fed - self._before > self.head_limit:
                self._end_with(_TOO_LARGE if self._in_head else _MALFORMED)
        if self._waiting is not None:
            exchange, self._waiting = self._waiting, None
            self._begin(exchange)

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

    # -- the parser's words; nothing may be answered inside them -----------------------------------------

    def on_message_begin(self) -> None:
        self._in_head = True
        if self.relay is None:
            return super().on_message_begin()
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # what comes after the body says nothing about the request
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._fed > self.head_limit and self._head_size() > self.head_limit:
            raise Refused(_TOO_LARGE)
        self._in_head = False
        self._fed = self._before = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if len(self.pipeline) >= MOST_WAITING:
            raise Refused(_TOO_MANY)
        exchange = self._exchange() if self.relay is not None else None
        if exchange is None:
            return self._usual_way()
        before, self.cycle = self.cycle, exchange  # type: ignore[assignment]
        if before is None or before.response_complete:
            self._waiting = exchange
        else:
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]
            self._line_up()

    def on_body(self, body: bytes) -> None:
        self._fed = self._before = 0
        cycle: Any = self.cycle
        if type(cycle) is not Exchange:
            return super().on_body(body)
        if not cycle.response_complete:
            cycle.feed(body)
            if cycle.size > HIGH_WATER_LIMIT:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        if self._stays:
            return
        self._in_head = True
        self._fed = self._before = self._read
        cycle: Any = self.cycle
        if type(cycle) is Exchange:
            cycle.end()
        else:
            super().on_message_complete()

    # -- the hot way ---------------------------------------------------------------------------------

    def _exchange(self) -> Exchange | None:
        """The request as one for the hot path; None for all that needs more than that path knows."""
        assert self.relay is not None
        found = self.relay.hot(self.url)
        parser = self.parser
        if found is None or parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        headers = dict(self.headers)
        declared = headers.get(b"content-length", b"")
        if len(headers) != len(self.headers) or b"host" not in headers or not _COLD.isdisjoint(headers):
            return None
        if not declared.isdigit() or self.limit_concurrency is not None:
            return None
        peer = self.client[0] if self.client else ""
        return Exchange(self, *found, self.headers, int(declared), parser.should_keep_alive(), peer)

    def _begin(self, exchange: Exchange) -> None:
        assert self.relay is not None
        self._serving = exchange
        task = exchange.task = self.loop.create_task(self.relay.answer(exchange))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # -- the usual way -------------------------------------------------------------------------------

    def _usual_way(self) -> None:
        headers = dict(self.headers)
        self._judge(headers)
        switches = self.parser.should_upgrade() and self._switches(headers)
        if self.parser.should_upgrade() and not switches:
            self._stays = True
            return
        expect = headers.get(b"expect")
        if self.relay is not None:  # what on_message_begin has put off
            url, pairs = self.url, self.headers
            super().on_message_begin()
            self.url = url
            self.headers += pairs
        self.expect_100_continue = expect is not None and expect.lower() == b"100-continue"
        super().on_headers_complete()
        if switches:
            return
        if self.pipeline:
            self._line_up()
        if expect is not None:
            # A caller that gets its answer before a 100 may send its body or not, and nobody can tell: no
            # further request is taken.
            self.cycle.keep_alive = False
        self.cycle.transport = _Outlet(self)  # type: ignore[assignment]

    def _judge(self, headers: dict[bytes, bytes]) -> None:
        """Refuse what could be read in two ways, or must be refused, and llhttp takes."""
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if (version, hosts) not in (("1.1", 1), ("1.0", 0), ("1.0", 1)):
            raise Refused
        if b"transfer-encoding" in headers:
            codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
            if codings != [b"chunked"] or version == "1.0":
                raise Refused

    def _switches(self, headers: dict[bytes, bytes]) -> bool:
        """True for a websocket's handshake, False for an offer that is not taken."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise Refused
        if not self._should_upgrade():
            return False
        # While answers are due the connection can't change; a handshake has no body.
        if method != b"GET" or self._due() or not headers.keys().isdisjoint((b"content-length", b"transfer-encoding")):
            raise Refused
        return True

    def _upgrade(self, rest: bytes) -> None:
        if not self._stays:
            self._stop_timers()
            return self.handle_websocket_upgrade()
        # llhttp takes what follows for another protocol: a new one begins with the same head, without the offer
        self._stays = False
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%b: %b" % pair for pair in self.headers if pair[0] != b"upgrade"]
        self._new_parser()
        self.data_received(b"%b %b HTTP/%b\r\n%b\r\n\r\n%b" % (method, self.url, version, b"\r\n".join(lines), rest))

    def _line_up(self) -> None:
        if len(self.pipeline) < READ_AHEAD:
            self.flow.resume_reading()
        else:
            self.flow.pause_reading()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """uvicorn's way of beginning with a request."""
        if type(cycle) is Exchange:
            self._begin(cycle)
        else:
            self._serving = cycle
            super()._start_asgi_task(cycle, app)

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
        if self.pipeline:
            self.flow.resume_reading()
            self._start_asgi_task(*self.pipeline.pop())
            return
        self.flow.resume_reading()
        if self._last:
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
        self._fed = 0
        self.loop.call_later(self.linger_pause, self._linger, self.loop.time() + self.linger_seconds)

    def _linger(self, until: float) -> None:
        if self._fed == 0 or self.loop.time() >= until:
            return self.transport.close()
        self._fed = 0
        self.loop.call_later(self.linger_pause, self._linger, until)

    def _over(self) -> bool:
        return self._last == b"" or self.transport.is_closing()

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):  # raised in here when the head was complete
            self._in_head = True
        cause = error.__context__
        self._end_with(cause.answer if isinstance(cause, Refused) else _MALFORMED)

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

    def _head_size(self) -> int:
        line = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n\r\n")
        return line + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _new_parser(self) -> None:
        """A strict one: uvicorn's would take data after a request that ends the connection."""
        self.parser = httptools.HttpRequestParser(self)

    def _stop_timers(self) -> None:
        for timer in (self._head_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._idle_timer = None


class _Outlet:
    """The transport as uvicorn's cycle sees it."""

    def __init__(self, door: Door) -> None:
        self.write = door.transport.write
        self.is_closing = door.transport.is_closing
        self.close = door.hang_up


def loop() -> Literal["uvloop", "asyncio"]:
    """uvloop where it is installed."""
    return "uvloop" if find_spec("uvloop") else "asyncio"


def options(relay: HotRelay | None = None, **limits: Any) -> dict[str, Any]:
    """What every server of ours passes to uvicorn.Config; with ``relay``, its hot paths skip ASGI.

    ``limits``: others than the Door's own.
    """
    return {
        "http": type("HotDoor" if relay else "Door", (Door,), {"relay": relay, **limits}),
        "ws": "websockets-sansio",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # the one place that believes X-Forwarded-For is core.rules.access
        "ws_max_size": 1024 * 1024,
        "ws_max_queue": 32,
        "timeout_keep_alive": 75,  # above the 60 s that proxies keep their side open
        "timeout_graceful_shutdown": 30,
    }
