"""Cuts a span of time into whole days, hours, minutes and slots, and into what only the log itself can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

DAY, HOUR, MINUTE, SLOT = 86_400, 3_600, 60, 10
GRAINS = (DAY, HOUR, MINUTE, SLOT)
"""In seconds, coarse ones first; each is a multiple of the next."""

Finer = Callable[[int, int], bool]
"""Whether the cell of this grain that starts then (ms) can be told by cells of the next finer grain."""


@dataclass(frozen=True, slots=True)
class Part:
    """``since`` ≤ time < ``until``, both at the bounds of cells of ``grain``; grain 0 = read the log.

    A part of the log lies in the cell of grain ``within`` that starts at ``cell``.
    """

    grain: int
    since: int
    until: int
    within: int = 0
    cell: int = 0


def parts(since: int, until: int, ever: int, finer: Finer) -> tuple[Part, ...]:
    """``since`` to ``until``, in order and without gaps; ``until`` = ``ever`` has no end to cut."""
    return tuple(_cut(since, until, 0, ever, finer))


def _cut(since: int, until: int, level: int, ever: int, finer: Finer) -> Iterator[Part]:
    width = GRAINS[level] * 1_000
    first = -(-since // width) * width
    last = until if until >= ever else until // width * width
    if first > last:  # both ends in one cell
        yield from _inside(since, until, level, ever, finer)
        return
    yield from _inside(since, first, level, ever, finer)
    if first < last:
        yield Part(GRAINS[level], first, last)
    yield from _inside(last, until, level, ever, finer)


def _inside(since: int, until: int, level: int, ever: int, finer: Finer) -> Iterator[Part]:
    """A piece of one cell."""
    if since >= until:
        return
    grain = GRAINS[level]
    cell = since - since % (grain * 1_000)
    if level + 1 < len(GRAINS) and finer(grain, cell):
        yield from _cut(since, until, level + 1, ever, finer)
    else:
        yield Part(0, since, until, grain, cell)
