"""How a token is drawn, on the list and on its own page."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.credits import meter, number
from openopen8.components.moment import moment
from openopen8.components.text import t


def usage(row: Any) -> rx.Component:
    """``12,500 / 100,000`` over a thin bar; ``12,500 used`` where there is no quota."""
    limited = rx.el.div(
        rx.el.div(
            rx.el.span(
                number(row.used), " ", rx.el.span(f"/ {row.quota:,}", class_name="muted number"), class_name="joined"
            ),
            rx.el.span(f"{row.percent} %", class_name="muted number"),
            class_name="usage-figures",
        ),
        meter(row.percent, t("tokens.used.percent", n=row.percent)),
        class_name="usage",
    )
    free = rx.el.div(
        rx.el.span(number(row.used), " ", rx.el.span(t("tokens.unlimited"), class_name="muted"), class_name="joined"),
        class_name="usage",
    )
    return rx.cond(row.quota > 0, limited, free)


def models(row: Any) -> rx.Component:
    """ "all", or how many with the names behind a click."""
    count = row.models.length()
    words = rx.cond(count == 1, t("tokens.models.one"), t("tokens.models.many", n=count))
    names = rx.el.ul(rx.foreach(row.models, lambda name: rx.el.li(name, class_name="mono")), class_name="names")
    box = rx.popover.root(
        rx.popover.trigger(rx.el.button(words, type="button", class_name="plain underlined")),
        rx.popover.content(names, max_height="280px", overflow_y="auto"),
    )
    return rx.cond(count > 0, box, rx.el.span(t("tokens.models.all"), class_name="muted"))


def group(row: Any) -> rx.Component:
    """The group whose ratio counts, with the ratio."""
    return rx.el.span(row.group, " ", rx.el.span(f"×{row.ratio}", class_name="muted number"), class_name="joined")


def expiry(row: Any) -> rx.Component:
    """When the token stops working."""
    return moment(row.expires_at, t("common.never"))
