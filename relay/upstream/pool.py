"""Connections that are open: idle ones by origin, the youngest first, and one slow clock for all of them."""

from __future__ import annotations

import asyncio
import math

from relay.upstream.http1 import Connection
from relay.upstream.outgoing import Origin

IDLE_SECONDS = 20.0
"""An idle connection is closed after so long, before most providers would."""

IDLE_MOST = 256
"""Idle connections that an origin keeps."""

Shelf = list[Connection]


class Pool:
    """Every connection of a client. One tick a second for all, so that no request needs a timer."""

    def __init__(self, most: int, patience: float, idle_seconds: float = IDLE_SECONDS) -> None:
        self.shelves: dict[Origin, Shelf] = {}
        self.closed = False
        self.making = 0
        """Connections that are being made."""
        self._most = most
        self._all: set[Connection] = set()
        self._beat = min(1.0, patience / 4, idle_seconds / 4)
        self._patience = math.ceil(patience / self._beat)
        self._idle = math.ceil(idle_seconds / self._beat)
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._all) + self.making

    def youngest(self, shelf: Shelf) -> Connection | None:
        """The connection that was used last: the others may grow old and go."""
        while shelf:
            connection = shelf.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def room(self) -> bool:
        """True when one more connection may be made; an idle one gives way."""
        if self.closed:
            return False
        while len(self) >= self._most:
            shelf = next((shelf for shelf in self.shelves.values() if shelf), None)
            if shelf is None:
                return False
            oldest = shelf.pop(0)
            self._all.discard(oldest)
            oldest.transport.abort()
        return True

    def add(self, connection: Connection) -> None:
        """A connection was made; the provider may have closed it in the same moment."""
        if self.closed:
            connection.cut()
        if connection.gone:
            return
        self._all.add(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._beat, self._tick)

    def release(self, connection: Connection) -> None:
        """It has nothing to do."""
        if self.closed or len(connection.shelf) >= IDLE_MOST:
            connection.transport.abort()
        else:
            connection.quiet = 0
            connection.shelf.append(connection)

    def lost(self, connection: Connection) -> None:
        """It is closed."""
        self._all.discard(connection)
        if connection in connection.shelf:
            connection.shelf.remove(connection)

    def close(self) -> None:
        """Cut all; answers under way end with a failure."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        for connection in tuple(self._all):
            connection.transport.abort()

    def _tick(self) -> None:
        for connection in tuple(self._all):
            connection.tick(self._patience, self._idle)
        self._timer = None
        if self._all:
            self._timer = asyncio.get_running_loop().call_later(self._beat, self._tick)
        elif not self.making:
            self.shelves.clear()  # origins that nobody calls any more
