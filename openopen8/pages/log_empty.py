"""The log without entries: nothing fits the filter, or nothing was called yet."""

from __future__ import annotations

import reflex as rx

from openopen8.components.empty import empty
from openopen8.components.first_call import first_call
from openopen8.components.text import t
from openopen8.state.logs import Logs


def nothing() -> rx.Component:
    """What to do next."""
    clear = rx.button(
        t("logs.clear"), on_click=Logs.clear, variant="soft", color_scheme="gray", high_contrast=True, type="button"
    )
    unmatched = empty(t("logs.none_title"), t("logs.none_help"), clear, icon="search_x")
    return rx.cond(Logs.narrowed, unmatched, _first())


def _first() -> rx.Component:
    add = rx.link(rx.button(t("logs.add_token"), type="button"), href="/tokens?new=1", underline="none")
    without = empty(t("logs.empty_title"), t("logs.empty_no_token"), add, icon="key_round")
    call = rx.el.div(
        empty(t("logs.empty_title"), t("logs.empty_help"), icon="terminal"),
        first_call(Logs.sample),
        class_name="empty-call",
    )
    return rx.cond(Logs.sample.hint != "", call, without)
