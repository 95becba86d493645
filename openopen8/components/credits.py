"""Amounts of credits: ``12,500`` with its worth beside it, and how much of a quota is used."""

from __future__ import annotations

import reflex as rx


def number(value: rx.Var[int], label: str | None = None) -> rx.Component:
    """A whole number with thousands separators; it slides in anew when it changes."""
    return rx.el.span(f"{value:,}", key=value.to_string(), class_name="number arriving", aria_label=label)


def credits(value: rx.Var[int], worth: rx.Var[str] | None = None) -> rx.Component:
    """``12,500`` and muted beside it ``$0.025``."""
    beside = [rx.el.span(worth, class_name="muted number")] if worth is not None else []
    return rx.el.span(number(value), *beside, class_name="credits")


def meter(percent: rx.Var[int], label: rx.Var[str] | str) -> rx.Component:
    """A thin bar; amber from 80 %, red from 100 %. ``label`` says in words what it shows."""
    tone = rx.cond(percent >= 100, "meter full", rx.cond(percent >= 80, "meter near", "meter"))
    shown = rx.cond(percent > 100, 100, percent)
    return rx.el.div(
        rx.el.div(class_name="meter-fill", style={"width": f"{shown}%"}),
        class_name=tone,
        role="progressbar",
        aria_label=label,
        aria_valuenow=shown.to_string(),
        aria_valuemin="0",
        aria_valuemax="100",
    )
