"""uvicorn's HTTP protocol with bounds on the head of a request: its size, and the time it may take to come."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024
"""Bytes of request line and header fields together."""
HEAD_SECONDS = 30.0
"""How long a new connection may take to send its first complete head."""

_TOO_LARGE = b'{"error":{"message":"The request headers are too large.","type":"invalid_request_error",'
_TOO_LARGE += b'"code":"headers_too_large","param":null}}'


class Door(HttpToolsProtocol):
    """431 for a head above HEAD_LIMIT; a connection whose first head does not come is closed.

    llhttp itself has no such bounds: a header that never ends would grow in memory.
    """

    _fed = 0
    _last = b""
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._fed += len(data)
            if self._fed > HEAD_LIMIT and self._head_too_large(data):
                return self._refuse()
        super().data_received(data)
        self._last = data[-3:] if self._in_head else b""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._fed = 0
        if self._timer is not None:
            self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def _head_too_large(self, data: bytes) -> bool:
        """True unless the head ends within the limit: a large first read may be mostly body."""
        room = max(HEAD_LIMIT - self._fed + len(data), 0)
        return (self._last + data[:room]).find(b"\r\n\r\n") < 0

    def _refuse(self) -> None:
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


def options() -> dict[str, Any]:
    """What every server of ours passes to uvicorn.Config."""
    return {
        "http": Door,
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
