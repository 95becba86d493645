"""How many bytes of requests a worker keeps, in memory and on disk: a count of requests would bound neither."""

from __future__ import annotations

from openopen8.core.errors import Problem


class Room:
    """A budget of bytes. What does not fit is refused at once, never queued."""

    def __init__(self, size: int, of: str = "memory") -> None:
        self.free = size
        self._of = of
        self._size = size

    def take(self, size: int, own: int = 0) -> None:
        """Reserve ``size`` bytes; 503 when they are not to be had. A request that is alone may have any size.

        ``own`` is what the same request has taken already.
        """
        if size > self.free and self.free + own < self._size:
            raise Problem(
                503,
                "overloaded",
                f"Requests in flight fill the gateway's {self._of}. Try again.",
                headers={"retry-after": "1", "connection": "close"},
            )
        self.free -= size

    def give(self, size: int) -> None:
        """Return what was taken."""
        self.free += size


class Kept:
    """What one request has taken of the room."""

    __slots__ = ("_room", "_size")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0

    def take(self, size: int) -> None:
        """As ``Room.take``."""
        self._room.take(size, self._size)
        self._size += size

    def give_back(self) -> None:
        """Return all of it; the second time nothing."""
        self._room.give(self._size)
        self._size = 0
