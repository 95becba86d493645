"""Sliding windows of a minute, exact across workers: each worker writes down whom it admitted and hears the others.

A batch that admits under limits adds one row, whatever the limits are; a window is a list of times in memory,
so that a decision costs the same for a limit of 10 as for one of 100,000.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from openopen8.core.rules.limits import WINDOW, Limit, Window
from openopen8.core.services.ledger.rows import LAST_BITS, first_id

_NOTHING = Window()
_read = msgspec.json.Decoder(dict[str, int]).decode
_write = msgspec.json.Encoder().encode


class Sliding:
    """When the requests of one scope were admitted, for the last minute; older ones go as time passes."""

    __slots__ = ("_start", "_times")

    def __init__(self) -> None:
        self._times = array("q")
        self._start = 0

    def add(self, at: int, count: int = 1) -> None:
        """Remember ``count`` requests; other workers' may come late."""
        times = self._times
        for _ in range(count):
            if not times or at >= times[-1]:
                times.append(at)
            else:
                insort(times, at, self._start)

    def look(self, now: int) -> Window:
        """What counts at ``now``."""
        times = self._times
        start = self._start = bisect_right(times, now - WINDOW, self._start)
        if start == len(times):
            self._times, self._start = array("q"), 0
            return _NOTHING
        if start > 256 and start * 2 > len(times):
            del times[:start]
            start = self._start = 0
        return Window(len(times) - start, times[start])


class Windows:
    """All scopes that this worker has heard of."""

    def __init__(self, worker_id: int) -> None:
        self.version: int | None = None
        """Of the database, when the others were last heard."""
        self._own = first_id(worker_id)
        self._next = 1
        self._scopes: dict[str, Sliding] = {}
        self._heard: dict[int, int] = {}
        self._fresh: dict[str, int] = {}
        self._past: deque[tuple[int, int]] = deque()

    def clear(self) -> None:
        """Forget all that was heard; the next batch hears it again. Own numbers are never given twice."""
        self.version = None
        self._scopes.clear()
        self._heard.clear()
        self._fresh.clear()

    # -- deciding ----------------------------------------------------------------------------------

    def look(self, limit: Limit, now: int) -> Window:
        """What the scope of ``limit`` has used."""
        scope = self._scopes.get(limit.scope)
        return scope.look(now) if scope is not None else _NOTHING

    def admit(self, limits: Iterable[Limit], now: int) -> None:
        """One more request in each of these windows."""
        for limit in limits:
            self._scope(limit.scope).add(now)
            self._fresh[limit.scope] = self._fresh.get(limit.scope, 0) + 1

    # -- telling the others, hearing the others ----------------------------------------------------

    def heard(self) -> list[int]:
        """The last id of each worker that was heard."""
        return list(self._heard.values())

    def hear(self, rows: Sequence[Sequence[Any]]) -> None:
        """Rows of the others (after :meth:`clear` also own ones): id, time, counts by scope."""
        for id, at, counts in rows:
            worker = id >> LAST_BITS
            self._heard[worker] = max(id, self._heard.get(worker, 0))
            for name, count in _read(counts).items():
                self._scope(name).add(at, count)

    def told(self, now: int) -> tuple[int, int, str] | None:
        """The row for what this batch has admitted."""
        if not self._fresh:
            return None
        id = self._own + self._next
        self._next += 1
        self._heard[self._own >> LAST_BITS] = id
        counts = _write(self._fresh).decode()
        self._fresh.clear()
        return id, now, counts

    # -- staying small -----------------------------------------------------------------------------

    def outdated(self, now: int) -> tuple[int, int] | None:
        """Called now and then: the range of own rows that can go; drops windows that have become empty."""
        for scope in [name for name, sliding in self._scopes.items() if not sliding.look(now).count]:
            del self._scopes[scope]
        self._past.append((now, self._own + self._next - 1))
        gone = None
        while self._past and self._past[0][0] <= now - WINDOW:
            gone = self._past.popleft()[1]
        return None if gone is None else (self._own, gone)

    def _scope(self, name: str) -> Sliding:
        found = self._scopes.get(name)
        if found is None:
            found = self._scopes[name] = Sliding()
        return found
