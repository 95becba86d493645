"""Finds the newest entries: down from days over hours and minutes to the ids that their sums name.

A cell of the sums knows how many entries match and between which ids they are. The heap always opens the cell with
the largest id, so ids come out in order even where clocks were wrong, and what holds no match is never read.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlmodel import Session, select

from openopen8.core.models import LogEntry
from openopen8.core.models.usage_sum import DAY, HOUR, MINUTE, SLOT
from openopen8.core.services.log_sought import EVER, Entry, Sought, Sum, digested, ids, indexed
from openopen8.core.services.log_sums import has_finer

MANY = 1_000
"""An hour with more matches than this is opened by minutes."""
WIDE = 300_000
"""Ids between the first and the last match of a day that is read at once."""


@dataclass(frozen=True, slots=True)
class Found:
    """Ids, newest first. ``next``: go on with what is older than this id; None = that was all.

    Fewer ids than asked for, with a ``next``: time was up, what is older has not been searched yet.
    """

    ids: tuple[int, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Cell:
    """Entries of one grain and time that match ``it``: how many, between which ids."""

    it: Sought
    grain: int
    start: int
    first: int
    last: int
    entries: int

    @property
    def end(self) -> int:
        return self.start + self.grain * 1_000


def newest(
    session: Session, its: Sequence[Sought], before: int, limit: int, late: Callable[[], bool] = lambda: False
) -> Found:
    """The ``limit`` newest entries that match one of ``its`` and are older than the id ``before``.

    Call it in a snapshot. ``late`` is asked between two readings: True ends the search.
    """
    its = [it for it in its if not it.impossible]
    mark = digested(session)
    young = sorted((id for it in its for id in _head(session, it, mark, before, limit)), reverse=True)[:limit]
    if len(young) == limit:
        return Found(tuple(young), young[-1])
    before = min(before, mark + 1)
    if all(it.request_id for it in its) or (len(its) == 1 and its[0].plain):
        rest = {id for it in its for id in _straight(session, it, before, limit - len(young))}
        young += sorted(rest, reverse=True)[: limit - len(young)]
        return Found(tuple(young), young[-1] if len(young) == limit else None)
    search = _Search(session, before, limit - len(young), late)
    for it in its:
        search.add(_cells(session, it, DAY, it.since, it.until))
        search.add(_cells(session, it, SLOT, it.since, it.until))
    found = search.run()
    return Found((*young, *found.ids), found.next)


def of_request(session: Session, request_id: str) -> list[LogEntry]:
    """The entries of one request, newest first: itself and its corrections."""
    ids = newest(session, [Sought(request_id=request_id)], EVER, 1_000).ids if request_id else ()
    entries = session.exec(select(LogEntry).where(Entry.id.in_(ids)))
    return sorted(entries, key=lambda entry: entry.id or 0, reverse=True)


def _head(session: Session, it: Sought, mark: int, before: int, limit: int) -> Sequence[int]:
    """What is younger than the sums."""
    span = (Entry.id > mark, Entry.id < before)
    query = sql_select(Entry.id).where(*span, *it.entries()).order_by(Entry.id.desc()).limit(limit)
    return session.execute(query).scalars().all()


def _straight(session: Session, it: Sought, before: int, limit: int) -> Sequence[int]:
    """Along the index of the one thing that is sought."""
    if it.plain:
        query, id = ids(session, it)
    else:
        query, id = indexed(session, it, Entry.id)
        query = query.where(*it.entries())
    return session.execute(query.where(id < before).order_by(id.desc()).limit(limit)).scalars().all()


def _cells(session: Session, it: Sought, grain: int, since: int, until: int) -> Iterator[Cell]:
    """Cells of one grain that touch the span and hold a match."""
    start = Sum.start
    span = (start > max(since, it.since) - grain * 1_000, start < min(until, it.until))
    sums: tuple[Any, ...] = (func.min(Sum.first_id), func.max(Sum.last_id), func.sum(Sum.entries))
    query = sql_select(start, *sums).where(*it.sums(grain), *span).group_by(start)
    for row in session.execute(query):
        yield Cell(it, grain, row[0], row[1], row[2], int(row[3]))


@dataclass(slots=True)
class _Search:
    """A heap of cells and ids, largest id first."""

    session: Session
    before: int
    limit: int
    late: Callable[[], bool]
    found: list[int] = field(default_factory=list)
    _heap: list[tuple[int, int, Cell | None]] = field(default_factory=list)
    _turn: Iterator[int] = field(default_factory=count)

    def add(self, cells: Iterator[Cell]) -> None:
        for cell in cells:
            if cell.first < self.before:
                self._push(min(cell.last, self.before - 1), cell)

    def _push(self, id: int, cell: Cell | None) -> None:
        heapq.heappush(self._heap, (-id, next(self._turn), cell))

    def run(self) -> Found:
        while self._heap and len(self.found) < self.limit:
            id, _, cell = self._heap[0]
            # at least as far as the next search begins further down than this one
            if cell is not None and 1 - id < self.before and self.late():
                return Found(tuple(self.found), 1 - id)
            heapq.heappop(self._heap)
            if cell is not None:
                self._open(cell)
            elif not self.found or self.found[-1] != -id:
                self.found.append(-id)  # a slot and an hour may both name it
        return Found(tuple(self.found), self.found[-1] if len(self.found) == self.limit else None)

    def _open(self, cell: Cell) -> None:
        if cell.entries == 1 and cell.it.since <= cell.start and cell.end <= cell.it.until:
            self._push(cell.last, None)
            return
        inner = self._inner(cell)
        if inner:
            self.add(_cells(self.session, cell.it, inner, cell.start, cell.end))
            return
        query, id = indexed(self.session, cell.it, Entry.id)
        conditions = cell.it.within(cell.start, cell.end).entries()
        last = min(cell.last, self.before - 1)
        query = query.where(id >= cell.first, id <= last, *conditions).order_by(id.desc())
        for found in self.session.execute(query.limit(self.limit - len(self.found))).scalars():
            self._push(found, None)

    def _inner(self, cell: Cell) -> int:
        """The finer grain to open a cell by; 0 = read the log."""
        if cell.grain == DAY:
            # all of a day that has matches in most of its hours, and not too much in between: in one reading
            whole = 2 * 24 <= cell.entries <= self.limit - len(self.found)
            return 0 if whole and cell.last - cell.first < WIDE else HOUR
        if cell.grain == HOUR and cell.entries > MANY and has_finer(self.session, cell.it, HOUR, cell.start):
            return MINUTE
        return 0
