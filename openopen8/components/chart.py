"""A chart of bars by day, stacked: plain boxes, so that it follows the theme, moves when live, and can be read out."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx


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


def stacked(bars: rx.Var[list[Bar]], names: rx.Var[list[Part]], label: rx.Var[str]) -> rx.Component:
    """Bars with a legend; ``names`` has one part per colour. Every bar says its day and sum in its tooltip."""

    def piece(part: rx.Var[Part]) -> rx.Component:
        return rx.el.div(class_name="chart-part", data_tone=part.tone.to_string(), style={"height": f"{part.share}%"})

    def bar(item: rx.Var[Bar]) -> rx.Component:
        words = f"{item.day}: {item.total:,}"
        return rx.el.li(rx.foreach(item.parts, piece), title=words, class_name="chart-bar", aria_label=words)

    legend = rx.el.ul(
        rx.foreach(
            names,
            lambda part: rx.el.li(
                rx.el.span(class_name="swatch", data_tone=part.tone.to_string()),
                part.name,
                rx.el.span(f"{part.value:,}", class_name="muted number"),
            ),
        ),
        class_name="legend",
    )
    return rx.el.figure(
        rx.el.ol(rx.foreach(bars, bar), class_name="chart", aria_label=label),
        rx.el.figcaption(legend),
        class_name="figure",
    )


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
