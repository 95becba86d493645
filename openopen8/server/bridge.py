"""The dashboard's websocket: from the browser through a relay worker to the dashboard process."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from openopen8.core.tools import Tools
from openopen8.server.handshake import passed_on, same_origin

FOREIGN = 1008
"""Close code for a page of another site."""
AGAIN = 1012
"""Close code when the dashboard process went away: the browser tries again. 1006, which the other
side shows then, may not be sent; trying would leave the tab hanging for ever."""
TOO_BIG = 1009
"""Close code (RFC 6455) for a message beyond ``LARGEST``."""
LARGEST = 1024 * 1024
"""Characters or bytes of a tab's message; the door lets more in, for the relay's sockets."""
OPEN_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Bridge:
    """An ASGI callable for the websocket scopes of ``/_event``."""

    def __init__(self, tools: Tools, socket_path: Path) -> None:
        self._tools = tools
        self._path = str(socket_path)
        self._closed = asyncio.Event()

    def close(self) -> None:
        """Close the tabs, those to come too, so that they join another worker."""
        self._closed.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not same_origin(scope["headers"]):
            return await send({"type": "websocket.close", "code": FOREIGN})
        try:
            dashboard = await self._join(scope)
        except (OSError, TimeoutError, WebSocketException) as error:
            _log.debug("the dashboard process can't be reached: %s", type(error).__name__)
            return await _refuse(send, 503, b"The dashboard is starting.")
        try:
            await send({"type": "websocket.accept", "subprotocol": dashboard.subprotocol})
            await _pump_both(receive, send, dashboard, self._closed)
        finally:
            await dashboard.close()

    async def _join(self, scope: Scope) -> ClientConnection:
        client = scope.get("client") or ("", 0)
        tools = self._tools
        headers = passed_on(scope["headers"], client[0], tools.keyring, tools.settings.trusted_proxies)
        query = scope.get("query_string", b"").decode("latin-1")
        return await unix_connect(
            self._path,
            f"ws://dashboard{scope['path']}" + (f"?{query}" if query else ""),
            additional_headers=[(key.decode("latin-1"), value.decode("latin-1")) for key, value in headers],
            subprotocols=scope.get("subprotocols") or None,
            compression=None,
            ping_interval=None,  # socket.io pings by itself
            max_size=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=1,
            user_agent_header=None,
            proxy=None,
        )


async def _pump_both(receive: Receive, send: Send, dashboard: ClientConnection, closed: asyncio.Event) -> None:
    """Pass messages both ways until either side leaves, or this worker does."""
    up = asyncio.create_task(_up(receive, dashboard))
    down = asyncio.create_task(_down(send, dashboard))
    here = asyncio.create_task(closed.wait())
    try:
        await asyncio.wait((up, down, here), return_when=asyncio.FIRST_COMPLETED)
        code = up.result() if up.done() and up.exception() is None else AGAIN
        if code is not None:
            await send({"type": "websocket.close", "code": code})
    finally:
        for task in (up, down, here):
            task.cancel()
        await asyncio.gather(up, down, here, return_exceptions=True)


async def _up(receive: Receive, dashboard: ClientConnection) -> int | None:
    """With which code the tab is to be closed; None when the browser left."""
    while True:
        message: Any = await receive()
        if message["type"] == "websocket.disconnect":
            return None
        text = message.get("text")
        told = text if text is not None else message["bytes"]
        if len(told) > LARGEST:
            return TOO_BIG
        try:
            await dashboard.send(told)
        except ConnectionClosed:
            return AGAIN


async def _down(send: Send, dashboard: ClientConnection) -> None:
    try:
        async for message in dashboard:
            key = "text" if isinstance(message, str) else "bytes"
            await send({"type": "websocket.send", key: message})
    except ConnectionClosed:
        return


async def _refuse(send: Send, status: int, text: bytes) -> None:
    """Answer the handshake with an HTTP status instead of a connection."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"1")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": text})
