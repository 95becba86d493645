"""A relay worker's uvicorn: shares the port evenly with the others, and can leave without losing a request."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import time
from collections.abc import Coroutine
from typing import Any, Protocol

import uvicorn

from openopen8.server.acceptor import Acceptor
from openopen8.server.seats import Seat
from openopen8.server.wire import CLOSE_TABS, FAILED, LEAVE, READY, RECOVER, Wire

CLOSE = (b"connection", b"close")
LOOK_SECONDS = 0.1
LOOKS = 16
"""So many connections are taken in a turn of the loop. uvloop takes one for each descriptor that it watches, and a turn
may take milliseconds: a burst of callers would wait for each other, so the listening socket is watched by so many."""
AFTER_PATIENCE = 1
"""Seconds for what has not ended in its time; then it is cancelled, which settles it."""

_log = logging.getLogger(__name__)


class Root(Protocol):
    """What the server needs to know of the application."""

    failure: str
    """Why it could not start."""

    @property
    def running(self) -> int:
        """Requests that have not ended."""
        ...

    def close_tabs(self) -> None: ...
    async def recover(self) -> None: ...


class RelayServer(uvicorn.Server):
    """``seat`` is given where several workers share the port; ``patience`` bounds how long requests may keep it."""

    def __init__(self, config: uvicorn.Config, root: Root, wire: Wire, seat: Seat | None, patience: float) -> None:
        super().__init__(config)
        self._root = root
        self._wire = wire
        self._seat = seat
        self._patience = patience
        self._acceptor: Acceptor | None = None
        self._listeners: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._listeners = list(sockets or [])
        if self._seat is None:
            for listener in sockets or []:
                # first: a copy of a blocking one would block them all, those of the worker too that this one replaces,
                # and its loop would stop in an accept
                listener.setblocking(False)
                self._listeners += [listener.dup() for _ in range(LOOKS - 1)]
        try:
            await super().startup([] if self._seat is not None else self._listeners)
        except SystemExit:
            self._wire.say(FAILED, self._root.failure or "it could not be started; its log says why")
            raise
        if self._seat is not None:
            (listener,) = self._listeners
            self._acceptor = Acceptor(listener, self._protocol, lambda: len(self.server_state.connections), self._seat)
            self._acceptor.open()
        # what has been made until now stays: the collector need not look at it again, which would take a tenth of a
        # second now and then
        gc.collect()
        gc.freeze()
        self._wire.listen(self._hear)
        self._wire.say(READY)

    async def on_tick(self, counter: int) -> bool:
        if self._acceptor is not None:
            self._acceptor.tell()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._close_door()
        await super().shutdown(sockets)

    async def leave(self) -> None:
        """Accept nothing more, answer what comes on the connections that are there, end when the last has gone.

        Every answer from now on says `connection: close`. A connection that is idle stays until its next request
        or until the usual time for idle ones is over: closed earlier, the request that is just on its way would be
        lost.
        """
        self._close_door()
        self.config.encoded_headers.append(CLOSE)
        await self.on_tick(0)  # renews the headers that all answers get
        for connection in self.server_state.connections:
            _last_answer(connection)
        latest = time.monotonic() + self._patience
        await asyncio.sleep(LOOK_SECONDS)  # a connection that was accepted just now is not in the set yet
        while (self.server_state.connections or self._root.running) and time.monotonic() < latest:
            await asyncio.sleep(LOOK_SECONDS)
        self.config.timeout_graceful_shutdown = AFTER_PATIENCE
        self.should_exit = True

    def _close_door(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
        for server in self.servers:
            server.close()
        for listener in self._listeners:
            listener.close()

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes it for the loop's own accept."""
        kind = self.config.http_protocol_class
        return kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[call-arg]

    def _hear(self, word: str) -> None:
        if word == LEAVE:
            self._start(self.leave())
        elif word == CLOSE_TABS:
            self._root.close_tabs()
        elif word == RECOVER:
            self._start(self._root.recover())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("what the supervisor asked for failed", exc_info=task.exception())


def _last_answer(connection: object) -> None:
    """Have the answer that is being prepared on this connection be its last, unless others are asked for already."""
    cycle = getattr(connection, "cycle", None)
    begun = getattr(cycle, "response_started", True)
    if cycle is not None and not begun and not getattr(connection, "pipeline", None):
        cycle.keep_alive = False
