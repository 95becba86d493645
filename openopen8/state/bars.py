"""Bars by day, stacked, as components/chart.py draws them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A piece of a bar: ``share`` is its height in percent of the highest bar, ``tone`` 0–5 its colour."""

    name: str
    value: int
    share: float
    tone: int


@dataclass(frozen=True)
class Bar:
    """One day: ``day`` as 2026-01-31, its pieces and their sum."""

    day: str
    total: int
    parts: list[Part]


def stack(rows: list[tuple[str, str, int]], days: list[str]) -> tuple[list[Bar], list[Part]]:
    """(day, name, value) rows as bars over ``days``, and the legend: the five largest names and "…" for the rest."""
    sums: dict[str, int] = {}
    for _, name, value in rows:
        sums[name] = sums.get(name, 0) + value
    ranked = sorted(sums, key=lambda name: (-sums[name], name))
    tone = {name: min(place, 5) for place, name in enumerate(ranked)}
    totals = {day: sum(value for when, _, value in rows if when == day) for day in days}
    highest = max(totals.values(), default=0) or 1
    bars = [
        Bar(
            day,
            totals[day],
            [
                Part(name, value, round(100 * value / highest, 3), tone[name])
                for when, name, value in sorted(rows, key=lambda row: tone[row[1]])
                if when == day and value > 0
            ],
        )
        for day in days
    ]
    rest = sum(sums[name] for name in ranked[5:])
    names = [Part(name, sums[name], 0, tone[name]) for name in ranked[:5]]
    return bars, [*names, Part("…", rest, 0, 5)] if rest else names
