"""uvicorn's HTTP protocol, strict about what it takes, and with a short way for the relay's hot paths."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, ClassVar, Literal, Protocol

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from openopen8.server.connection import Connection, Outlet
from openopen8.server.refusals import MALFORMED, TOO_LARGE, TOO_MANY, Refused, head_size, judge, judge_handshake
from relay.hot import Exchange
from relay.routes import Route

HEAD_LIMIT = 64 * 1024
"""Bytes of request line and header fields together; of a chunked body's framing without a byte of body, too."""
READ_AHEAD, MOST_WAITING = 16, 100
"""Requests of one connection that wait for the one before them: from so many on nothing more is read (until then
it is, since that is how one sees that the caller left), and so many there may be in what has been read."""

_COLD = frozenset((b"expect", b"upgrade", b"transfer-encoding"))
"""Headers that send a request the usual way, through ASGI."""


class HotRelay(Protocol):
    """What the door needs of the relay."""

    def hot(self, url: bytes) -> tuple[Route, bytes] | None:
        """The route and the query of a hot path, None for every other address."""

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request; raises nothing but CancelledError."""


class Door(Connection):
    """Requests for the hot paths of ``relay`` are answered here; everything else goes uvicorn's way, whose work
    is put off until the head says that it is needed.

    Beyond uvicorn, for both ways: bounds on heads and on waiting requests, which llhttp does not have; what is
    refused is refused in its turn, after the answers that are due; a caller that does not read its answers gets
    no more of them. docs/decisions/0014-front-door.md tells why.
    """

    relay: ClassVar[HotRelay | None] = None
    head_limit: ClassVar[int] = HEAD_LIMIT

    _before = 0
    """So many of the bytes fed may belong to what came before."""
    _read = 0
    _stays = False
    """The head at hand asks to change the protocol, which is not done."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._new_parser()

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
                self._end_with(TOO_LARGE if self._in_head else MALFORMED)
        if self._waiting is not None:
            exchange, self._waiting = self._waiting, None
            self._begin(exchange)

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
            raise Refused(TOO_LARGE)
        self._in_head = False
        self._fed = self._before = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if len(self.pipeline) >= MOST_WAITING:
            raise Refused(TOO_MANY)
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
        judge(self.parser.get_http_version(), self.headers)
        switches = self.parser.should_upgrade() and self._switches()
        if self.parser.should_upgrade() and not switches:
            self._stays = True
            return
        expect = dict(self.headers).get(b"expect")
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
        self.cycle.transport = Outlet(self)  # type: ignore[assignment]

    def _switches(self) -> bool:
        """True for a websocket's handshake, False for an offer that is not taken."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise Refused
        if not self._should_upgrade():
            return False
        judge_handshake(method, self.headers)
        if self._due():  # the answers would go into the websocket
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

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):  # raised in here when the head was complete
            self._in_head = True
        cause = error.__context__
        self._end_with(cause.answer if isinstance(cause, Refused) else MALFORMED)

    def _head_size(self) -> int:
        return head_size(self.parser.get_method(), self.url, self.headers)

    def _new_parser(self) -> None:
        """A strict one: uvicorn's would take data after a request that ends the connection."""
        self.parser = httptools.HttpRequestParser(self)


def loop() -> Literal["uvloop", "asyncio"]:
    """uvloop where it is installed."""
    return "uvloop" if find_spec("uvloop") else "asyncio"


def options(relay: HotRelay | None = None, **limits: Any) -> dict[str, Any]:
    """What every server of ours passes to uvicorn.Config; with ``relay``, its hot paths skip ASGI.

    ``limits``: others than the Door's own.
    """
    return {
        "http": type("Door" if relay is None else "HotDoor", (Door,), {"relay": relay, **limits}),
        "ws": "websockets-sansio",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # the one place that believes X-Forwarded-For is core.rules.access
        "ws_max_size": 16 * 1024 * 1024,  # realtime callers send up to 15 MB of sound at once
        "ws_max_queue": 32,
        "timeout_keep_alive": 75,  # above the 60 s that proxies keep their side open
        "timeout_graceful_shutdown": 30,
    }
