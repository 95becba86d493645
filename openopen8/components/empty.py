"""What stands where rows will be: nothing yet, still loading, could not be loaded."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.text import t


def empty(title: rx.Var[str], about: rx.Var[str], *actions: rx.Component, icon: str = "inbox") -> rx.Component:
    """Nothing here; ``about`` says what to do next, ``actions`` do it."""
    return rx.el.div(
        rx.icon(icon, size=24, aria_hidden="true"),
        rx.el.p(title, class_name="empty-title"),
        rx.el.p(about, class_name="muted"),
        rx.el.div(*actions, class_name="buttons") if actions else rx.fragment(),
        class_name="empty",
    )


def broken(message: rx.Var[str], retry: Any) -> rx.Component:
    """A failed load with the reason and a way to try again."""
    return rx.el.div(
        rx.icon("triangle_alert", size=24, aria_hidden="true"),
        rx.el.p(t("common.failed"), class_name="empty-title"),
        rx.el.p(message, class_name="muted"),
        rx.button(t("common.retry"), on_click=retry, variant="soft", color_scheme="gray", high_contrast=True),
        class_name="empty",
        role="alert",
    )


def skeleton_rows(count: int, columns: int) -> list[rx.Component]:
    """Grey bars of a table's height while it loads."""
    bar = rx.el.div(class_name="skeleton")
    return [
        rx.el.tr(*(rx.el.td(bar) for _ in range(columns)), class_name="row", aria_hidden="true") for _ in range(count)
    ]
