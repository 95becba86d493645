"""The search field and the row of filters above a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from openopen8.components.text import t
from openopen8.components.typed import typed


def search(state: Any, label: rx.Var[str]) -> rx.Component:
    """A list's search field; ``/`` leads to it. ``state`` is a Listing."""
    return rx.el.div(
        rx.icon("search", size=14, aria_hidden="true"),
        typed(
            state.search,
            state.search_for,
            class_name="",
            type="search",
            placeholder=label,
            aria_label=label,
            data_keys="/",
        ),
        rx.el.kbd("/", aria_hidden="true"),
        class_name="search",
    )


def segments(
    label: rx.Var[str],
    choices: Sequence[tuple[str, rx.Var[str]]],
    chosen: rx.Var[str],
    choose: Any,
    counts: rx.Var[dict[str, int]] | None = None,
) -> rx.Component:
    """One choice of a few, each with its count: (value, words); ``choose`` is a handler that takes the value."""

    def one(value: str, words: rx.Var[str]) -> rx.Component:
        count = [] if counts is None else [rx.el.span(counts.get(value, 0), class_name="muted number")]
        return rx.el.button(
            words, *count, type="button", on_click=choose(value), aria_pressed=rx.cond(chosen == value, "true", "false")
        )

    return rx.el.div(*(one(*choice) for choice in choices), class_name="segments", role="group", aria_label=label)


def bulk(count: rx.Var[int], *actions: rx.Component) -> rx.Component:
    """The bar that appears when rows are ticked."""
    return rx.cond(count > 0, rx.el.div(rx.el.span(t("common.ticked", n=count)), *actions, class_name="bulk"))
