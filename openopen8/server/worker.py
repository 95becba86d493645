"""A relay worker: relay, management API, the compiled dashboard's files and its websocket. No Reflex in here."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openopen8.core.config import Settings, load_settings
from openopen8.core.tools import Tools, open_tools
from openopen8.server import door
from openopen8.server.bridge import Bridge
from openopen8.server.built import here
from openopen8.server.front import Front, NoFront
from openopen8.server.headers import GUARDS
from openopen8.server.journal import reason
from openopen8.server.relay_server import RelayServer
from openopen8.server.seats import Seat
from openopen8.server.wire import Wire
from relay.routes import SOCKETS

EVENTS = "/_event"
DRAIN_SECONDS = 10.0
"""How long cancelled requests may take to settle before the ledger is closed."""

_log = logging.getLogger(__name__)


class RelayApp(Protocol):
    """What a worker needs of the relay."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def recover(self) -> None: ...
    def handles(self, path: str, method: str) -> bool: ...
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Worker:
    """The ASGI root: one look at the path, then the part that owns it."""

    def __init__(self, relay: RelayApp, api: ASGIApp, front: Front | NoFront, bridge: Bridge | None) -> None:
        self.failure = ""
        self._relay = relay
        self._api = guarded(api)
        self._front = front
        self._bridge = bridge
        self._open = 0

    @property
    def running(self) -> int:
        """Requests that have not ended, those included that do not come through here."""
        return self._open + int(getattr(self._relay, "running", 0))

    def close_tabs(self) -> None:
        """Send the dashboard's tabs to another worker."""
        if self._bridge is not None:
            self._bridge.close()

    async def recover(self) -> None:
        """Settle what a dead worker left."""
        await self._relay.recover()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._open += 1
            try:
                await self._part(scope["path"], scope["method"])(scope, receive, send)
            finally:
                self._open -= 1
        elif scope["type"] == "websocket":
            await self._socket(scope["path"])(scope, receive, send)
        else:
            await lifespan(self._start, self._stop, receive, send)

    def _part(self, path: str, method: str) -> ASGIApp:
        if self._relay.handles(path, method):
            return self._relay
        return self._api if of("/api", path) else self._front

    def _socket(self, path: str) -> ASGIApp:
        if path in SOCKETS:
            return self._relay
        return (self._bridge if of(EVENTS, path) else None) or no_socket

    async def _start(self) -> None:
        try:
            await self._relay.start()
        except Exception as error:
            self.failure = reason(error)
            raise
        await self._front.look()

    async def _stop(self) -> None:
        """Let what was cancelled at the last moment settle, then close the relay."""
        latest = time.monotonic() + DRAIN_SECONDS
        while self.running and time.monotonic() < latest:
            await asyncio.sleep(0.02)
        await self._relay.stop()


def of(root: str, path: str) -> bool:
    """True for ``root`` itself and what lies below it."""
    return path == root or path.startswith(root + "/")


def guarded(app: ASGIApp) -> ASGIApp:
    """``app`` with the security headers, where it does not set them itself."""

    async def with_headers(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                there = {key.lower() for key, _ in headers}
                message["headers"] = headers + [(key, value) for key, value in GUARDS if key not in there]
            await send(message)

        await app(scope, receive, sending)

    return with_headers


async def no_socket(_scope: Scope, receive: Receive, send: Send) -> None:
    """404 for a websocket where there is none."""
    await receive()
    await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})


async def lifespan(
    start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]], receive: Receive, send: Send
) -> None:
    """ASGI's lifespan protocol around two coroutines; a failing start is logged with its reason."""
    await receive()
    try:
        await start()
    except Exception as error:
        _log.exception("a relay worker can't start")
        return await send({"type": "lifespan.startup.failed", "message": type(error).__name__})
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await stop()
    await send({"type": "lifespan.shutdown.complete"})


def options_of(settings: Settings, relay: door.HotRelay) -> dict[str, Any]:
    """uvicorn's: chat requests take the short way, unless it is switched off."""
    return door.options(relay if settings.hot_path else None)


def run(listener_fd: int, dashboard_socket: Path, wire: Wire, seat: tuple[int, int]) -> None:
    """Serve on the inherited socket until told to stop, or to leave."""
    from openopen8.api.app import create_api
    from relay.app import Relay

    settings = load_settings()
    tools = open_tools(settings)
    front, bridge = _pages(tools, dashboard_socket) if settings.dashboard else (NoFront(), None)
    relay = Relay(tools)
    root = Worker(relay, create_api(tools), front, bridge)
    config = uvicorn.Config(root, loop=door.loop(), **options_of(settings, relay))
    # alone on the port the loop's own accept is quicker, and nobody is there to share with
    shared = Seat(*seat) if settings.workers > 1 else None
    server = RelayServer(config, root, wire, shared, settings.drain_timeout or settings.request_timeout)
    server.run(sockets=[socket.socket(fileno=listener_fd)])


def _pages(tools: Tools, dashboard_socket: Path) -> tuple[Front, Bridge]:
    place = here()
    return Front(place.client, place.stamp_file), Bridge(tools, dashboard_socket)
