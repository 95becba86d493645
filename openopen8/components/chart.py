"""A chart of bars by day, stacked: plain boxes, so that it follows the theme, moves when live, and can be read out."""

from __future__ import annotations

import reflex as rx

from openopen8.state.bars import Bar, Part


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
    ends = rx.cond(
        bars.length() > 0,
        rx.el.div(rx.el.span(bars[0].day), rx.el.span(bars[-1].day), class_name="chart-ends", aria_hidden="true"),
    )
    return rx.el.figure(
        rx.el.ol(rx.foreach(bars, bar), class_name="chart", aria_label=label),
        ends,
        rx.el.figcaption(legend),
        class_name="figure",
    )
