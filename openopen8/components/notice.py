"""The short message at the lower edge: what just happened, with Undo where it can be taken back."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.text import t
from openopen8.state.me import Me


def notice(undo: Any = None) -> rx.Component:
    """Shows ``Me.notice``; fades after eight seconds, stays while the pointer or the focus is on it."""
    again = rx.fragment() if undo is None else rx.cond(Me.notice.undo, _button(t("common.undo"), undo))
    sign = rx.match(
        Me.notice.kind,
        ("success", rx.icon("circle_check", size=16, aria_hidden="true")),
        ("error", rx.icon("circle_alert", size=16, aria_hidden="true")),
        rx.icon("info", size=16, aria_hidden="true"),
    )
    close = rx.el.button(
        rx.icon("x", size=14), aria_label=t("common.dismiss"), type="button", on_click=Me.dismiss, class_name="plain"
    )
    box = rx.el.div(
        sign,
        rx.el.span(Me.notice.text, class_name="notice-text"),
        again,
        close,
        key=Me.notice.id.to_string(),
        class_name="notice",
        data_kind=Me.notice.kind,
    )
    return rx.el.div(rx.cond(Me.notice.id > 0, box), role="status", aria_live="polite", class_name="notices")


def _button(words: rx.Var[str], handler: Any) -> rx.Component:
    return rx.el.button(words, type="button", on_click=handler, class_name="notice-undo")
