"""Takes connections from the listening socket that several workers share: evenly, a few at a time."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from openopen8.server.seats import Seat

AT_ONCE = 16
"""Connections in a turn of the loop."""
PAUSE_SECONDS = 0.001
"""How long a worker that is ahead of another leaves a waiting connection to it."""
TURNS = 20
"""So often in a row; then somebody must be busy, and connections are taken as they come for a while."""
HASTE_SECONDS = 1.0
FULL_SECONDS = 1.0
"""Pause when this process can open no more files."""

_log = logging.getLogger(__name__)


class Acceptor:
    """``make`` gives the protocol for a connection, ``connections`` tells how many there are now.

    A connection costs 35 µs more than with the loop's own accept: so this is used where there are several workers.
    """

    def __init__(
        self, listener: socket.socket, make: Callable[[], asyncio.Protocol], connections: Callable[[], int], seat: Seat
    ) -> None:
        self._listener = listener
        self._make = make
        self._connections = connections
        self._seat = seat
        self._loop = asyncio.get_running_loop()
        self._joining: set[asyncio.Task[object]] = set()
        self._turns = 0
        self._haste_until = 0.0
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def count(self) -> int:
        """Connections of this worker, those included that have just been taken."""
        return self._connections() + len(self._joining)

    def open(self) -> None:
        self._listener.setblocking(False)
        self.tell()
        self._watch()

    def tell(self) -> None:
        """Show the others how many connections are here."""
        if not self._closed:
            self._seat.have(self.count)

    def close(self) -> None:
        """Take none any more; those that wait in the queue are for the others."""
        if self._closed:
            return
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        self._seat.leave()

    def _watch(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._knock)

    def _unwatch(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._pause = self._loop.call_later(seconds, self._watch)

    def _knock(self) -> None:
        """Somebody waits, or several."""
        for _ in range(AT_ONCE):
            self.tell()
            if self._is_anothers_turn():
                return self._unwatch(PAUSE_SECONDS)
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another worker has it, or it has gone
            except OSError as error:
                _log.error("no connection can be taken: %s", error.strerror)
                return self._unwatch(FULL_SECONDS)
            self._join(connection)
            if self._haste_until > self._loop.time():
                break  # the others may have become free meanwhile
        self.tell()

    def _is_anothers_turn(self) -> bool:
        now = self._loop.time()
        if now < self._haste_until:
            return False
        if self.count <= self._seat.fewest_of_others():
            self._turns = 0
            return False
        self._turns += 1
        if self._turns <= TURNS:
            return True
        self._turns, self._haste_until = 0, now + HASTE_SECONDS
        return False

    def _join(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        task = self._loop.create_task(self._connect(connection))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection)
        except OSError as error:  # gone before it was looked at
            _log.debug("a connection could not be taken: %s", error.strerror)
            connection.close()
