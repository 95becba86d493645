"""How many connections each relay worker has, in memory that all of them see.

The workers share one listening socket, and a burst of connections goes to whoever wakes first: measured,
often all 48 of 48 to one of two workers. Seeing each other's counts, they take turns (`acceptor.py`).
"""

from __future__ import annotations

import mmap
import os
import tempfile

SEATS = 192
"""Workers that accept at once: 64, twice that while they are replaced, and some to spare."""
EMPTY = 2**62
"""More than anybody has: an empty seat is never the one with the fewest."""
WIDTH = 8


class Seats:
    """The supervisor's side: gives each process a place of its own, and clears those of the dead."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (open for as long as we are; nobody else can open it)
        self._file.truncate(SEATS * WIDTH)
        os.set_inheritable(self._file.fileno(), True)
        self._counts = memoryview(mmap.mmap(self._file.fileno(), SEATS * WIDTH)).cast("q")
        self._free = list(range(SEATS))[::-1]
        for number in range(SEATS):
            self._counts[number] = EMPTY

    def fileno(self) -> int:
        return self._file.fileno()

    def take(self) -> int:
        """A free seat."""
        return self._free.pop()

    def give_back(self, number: int) -> None:
        """Its process has ended."""
        self._counts[number] = EMPTY
        self._free.append(number)


class Seat:
    """A worker's own place, and a view of the others'."""

    def __init__(self, fd: int, number: int) -> None:
        self._counts = memoryview(mmap.mmap(fd, SEATS * WIDTH)).cast("q")
        self._number = number

    def have(self, connections: int) -> None:
        """So many connections are here now."""
        self._counts[self._number] = connections

    def leave(self) -> None:
        """This worker accepts no more."""
        self._counts[self._number] = EMPTY

    def fewest_of_others(self) -> int:
        """The smallest count among the other workers; EMPTY without any."""
        counts = self._counts.tolist()
        counts[self._number] = EMPTY
        return min(counts)
