"""uvicorn's HTTP protocol with bounds on the head of a request, and a short way for the relay's hot paths."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any, ClassVar, Literal, Protocol

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from relay.hot import Exchange
from relay.routes import Route

HEAD_LIMIT = 64 * 1024
"""Bytes of request line and header fields together."""
HEAD_SECONDS = 30.0
"""How long a new connection may take to send its first complete head."""

_TOO_LARGE = b'{"error":{"message":"The request headers are too large.","type":"invalid_request_error",'
_TOO_LARGE += b'"code":"headers_too_large","param":null}}'
_COLD = frozenset((b"expect", b"upgrade", b"transfer-encoding"))
"""Headers that send a request the usual way, through ASGI."""


class HotRelay(Protocol):
    """What the door needs of the relay."""

    def hot(self, url: bytes) -> tuple[Route, bytes] | None:
        """The route and the query of a hot path, None for every other address."""

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request; raises nothing but CancelledError."""


class Door(HttpToolsProtocol):
    """431 for a head above HEAD_LIMIT; a connection whose first head does not come is closed.

    llhttp itself has no such bounds: a header that never ends would grow in memory. Requests for the hot
    paths of ``relay`` are answered here; everything else goes uvicorn's way, whose work is put off until
    the head says that it is needed.
    """

    relay: ClassVar[HotRelay | None] = None

    _fed = 0
    _last = b""
    _in_head = True
    _timer: asyncio.TimerHandle | None = None
    _idle_timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0
    _waiting: Exchange | None = None
    """Begins when the bytes at hand have been read."""
    _serving: Exchange | None = None

    # -- the connection ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        serving, self._serving = self._serving, None
        super().connection_lost(exc)
        if serving is not None:
            serving.lost()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._fed += len(data)
            if self._fed > HEAD_LIMIT and self._head_too_large(data):
                return self._refuse()
        super().data_received(data)
        self._last = data[-3:] if self._in_head else b""
        if self._waiting is not None:
            exchange, self._waiting = self._waiting, None
            self._begin(exchange)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._serving is not None:
            self._serving.slow(True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._serving is not None:
            self._serving.slow(False)

    # -- the parser's words; nothing may be answered inside them -----------------------------------------

    def on_message_begin(self) -> None:
        self._in_head = True
        if self.relay is None:
            return super().on_message_begin()
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._fed = 0
        if self._timer is not None:
            self._stop_timer()
        exchange = self._exchange() if self.relay is not None else None
        if exchange is None:
            return self._usual_way()
        before, self.cycle = self.cycle, exchange  # type: ignore[assignment]
        if before is None or before.response_complete:
            self._waiting = exchange
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]

    def on_body(self, body: bytes) -> None:
        cycle: Any = self.cycle
        if type(cycle) is not Exchange:
            return super().on_body(body)
        if not cycle.response_complete:
            cycle.feed(body)
            if cycle.size > HIGH_WATER_LIMIT:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        cycle: Any = self.cycle
        if type(cycle) is Exchange:
            cycle.end()
        else:
            super().on_message_complete()
        self._in_head = True

    # -- the hot way ---------------------------------------------------------------------------------

    def _exchange(self) -> Exchange | None:
        """The request as one for the hot path; None for all that needs more than that path knows."""
        assert self.relay is not None
        found = self.relay.hot(self.url)
        parser = self.parser
        if found is None or parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        declared = -1
        for name, value in self.headers:
            if name == b"content-length":
                declared = int(value)
            elif name in _COLD:
                return None
        if declared < 0 or self.limit_concurrency is not None:
            return None
        peer = self.client[0] if self.client else ""
        return Exchange(self, *found, self.headers, declared, parser.should_keep_alive(), peer)

    def _usual_way(self) -> None:
        if self.relay is not None:  # what on_message_begin has put off
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.expect_100_continue = url, expects
            self.headers += headers
        super().on_headers_complete()

    def _begin(self, exchange: Exchange) -> None:
        assert self.relay is not None
        self._serving = exchange
        task = self.loop.create_task(self.relay.answer(exchange))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """uvicorn takes the next one of its pipeline through this."""
        if type(cycle) is Exchange:
            self._begin(cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def answered(self) -> None:
        """See ``relay.hot.Connection``."""
        self._serving = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        # one timer a connection, put off while there is work, instead of a new one for each request
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_idle)

    def _look_idle(self) -> None:
        self._idle_timer = None
        if self._serving is not None or not self.cycle.response_complete:
            return  # what is under way sets a timer again when it ends
        rest = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self._idle_timer = self.loop.call_later(rest, self._look_idle)
        elif self.transport.get_write_buffer_size():
            self.transport.abort()  # a caller that does not read its answer
        else:
            self.transport.close()

    # -- refusals ------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Never into the middle of an answer that is under way."""
        if self._serving is not None and self._serving.started:
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _head_too_large(self, data: bytes) -> bool:
        """True unless the head ends within the limit: a large first read may be mostly body."""
        room = max(HEAD_LIMIT - self._fed + len(data), 0)
        return (self._last + data[:room]).find(b"\r\n\r\n") < 0

    def _refuse(self) -> None:
        if self._serving is None or not self._serving.started:
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_TOO_LARGE), _TOO_LARGE)
            )
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def loop() -> Literal["uvloop", "asyncio"]:
    """uvloop where it is installed."""
    return "uvloop" if find_spec("uvloop") else "asyncio"


def options(relay: HotRelay | None = None) -> dict[str, Any]:
    """What every server of ours passes to uvicorn.Config; with ``relay``, its hot paths skip ASGI."""
    return {
        "http": Door if relay is None else type("HotDoor", (Door,), {"relay": relay}),
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
