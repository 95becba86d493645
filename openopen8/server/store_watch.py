"""While Redis does not answer, no tab of the dashboard is connected: tabs show that they reconnect, and do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

AGAIN = 1012
EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 3.0

_log = logging.getLogger(__name__)


class StoreWatch:
    """An ASGI callable around ``app``. ``ping`` asks Redis, ``break_off`` ends calls to it that hang."""

    def __init__(
        self, app: ASGIApp, ping: Callable[[], Awaitable[object]], break_off: Callable[[], Awaitable[None]]
    ) -> None:
        self._app = app
        self._ping = ping
        self._break_off = break_off
        self._answers = False
        self._tabs: set[Tab] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return await self._app(scope, receive, send)
        if not self._answers:
            await receive()
            return await send({"type": "websocket.close", "code": AGAIN})
        tab = Tab(send)
        self._tabs.add(tab)
        try:
            await self._app(scope, receive, tab.send)
        finally:
            self._tabs.discard(tab)

    async def keep_looking(self, every: float = EVERY_SECONDS) -> None:
        """For as long as the process lives."""
        while True:
            await asyncio.sleep(every)
            await self.look()

    async def look(self, patience: float = PATIENCE_SECONDS) -> None:
        """Does it answer now?"""
        try:
            await asyncio.wait_for(self._ping(), patience)
        except Exception as error:  # whatever it is, it does not answer
            if self._answers:
                _log.warning("Redis does not answer (%s); tabs wait until it does", type(error).__name__)
            await self._lost()
        else:
            if not self._answers:
                _log.info("Redis answers; tabs may connect")
            self._answers = True

    async def _lost(self) -> None:
        self._answers = False
        for tab in list(self._tabs):
            await tab.close()
        with contextlib.suppress(Exception):
            await self._break_off()


class Tab:
    """One tab's connection; after :meth:`close` nothing more is sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._closed = False

    async def send(self, message: Message) -> None:
        if not self._closed:
            await self._send(message)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(Exception):  # it may just be closing by itself
            await self._send({"type": "websocket.close", "code": AGAIN})
