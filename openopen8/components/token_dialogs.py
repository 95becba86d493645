"""The dialogs around a token: its value once, delete, top up, rotate."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.copy import copy_button
from openopen8.components.dialog import confirm, dialog
from openopen8.components.field import picks
from openopen8.components.text import t
from openopen8.components.typed import typed
from openopen8.state.token_deeds import GRACES, TokenDeeds
from openopen8.state.token_value import TokenValue


def token_dialogs() -> rx.Component:
    """Put once on each page that works on tokens."""
    return rx.fragment(value_dialog(), _delete(), _top_up(), _rotate())


def value_dialog() -> rx.Component:
    """The value once, with ready calls; leaving without "I have stored it" is asked first."""
    secret = rx.el.div(rx.el.code(TokenValue.value), copy_button(TokenValue.value), class_name="secret")
    tabs = rx.tabs.root(
        rx.tabs.list(
            rx.foreach(TokenValue.calls, lambda call: rx.tabs.trigger(call.title, value=call.key)),
            aria_label=t("tokens.value.calls"),
            size="1",
        ),
        rx.foreach(TokenValue.calls, _call),
        default_value="curl",
        class_name="calls",
    )
    stored = rx.el.div(
        rx.button(t("tokens.value.stored"), on_click=TokenValue.stored, type="button"), class_name="buttons"
    )
    leaving = rx.el.div(
        rx.el.p(t("tokens.value.leaving"), role="alert"),
        rx.el.div(
            rx.button(t("tokens.value.stay"), on_click=TokenValue.stay, type="button", auto_focus=True),
            rx.button(
                t("tokens.value.leave"), on_click=TokenValue.stored, type="button", variant="soft", color_scheme="red",
                high_contrast=True,
            ),
            class_name="buttons",
        ),
        class_name="leaving",
    )  # fmt: skip
    return dialog(
        t("tokens.value.title"),
        t("tokens.value.about", name=TokenValue.token_name),
        secret,
        rx.el.p(t("tokens.value.keep"), class_name="help spaced"),
        tabs,
        rx.cond(TokenValue.leaving, leaving, stored),
        open=TokenValue.value != "",
        on_open_change=TokenValue.leave,
        wide=True,
    )


def _call(call: Any) -> rx.Component:
    return rx.tabs.content(
        rx.el.div(
            rx.el.pre(call.code, class_name="code", tab_index=0, aria_label=call.title),
            copy_button(call.code, size="1", aria_label=t("common.copy")),
            class_name="code-box",
        ),
        value=call.key,
    )


def _delete() -> rx.Component:
    busy = rx.match(
        TokenDeeds.recent,
        (0, t("tokens.delete.quiet")),
        (1, t("tokens.delete.one")),
        t("tokens.delete.busy", n=f"{TokenDeeds.recent:,}"),
    )
    tone = rx.cond(TokenDeeds.recent > 0, "fact warn", "fact")
    return confirm(
        t("tokens.delete.title", name=TokenDeeds.token_name),
        t("tokens.delete.about"),
        t("tokens.delete.action"),
        open=TokenDeeds.deed == "delete",
        on_confirm=TokenDeeds.delete,
        on_open_change=TokenDeeds.close,
        extra=rx.el.p(busy, class_name=tone),
    )


def _top_up() -> rx.Component:
    control = typed(
        TokenDeeds.amount, TokenDeeds.set_amount, wait=80, id="amount", name="amount", input_mode="numeric",
        auto_focus=True, custom_attrs={"aria-describedby": "amount-error"},
    )  # fmt: skip
    amounts = ("100,000", "1,000,000", "10,000,000")
    quick = picks(*((f"+{value}", TokenDeeds.set_amount(value)) for value in amounts), label=t("tokens.picks"))
    form = rx.form(
        rx.el.div(
            rx.el.div(rx.el.label(t("tokens.topup.amount"), html_for="amount"), quick, class_name="field-head"),
            rx.el.div(control, rx.el.span(TokenDeeds.amount_worth, class_name="beside-words"), class_name="beside"),
            rx.el.p(TokenDeeds.error, id="amount-error", role="alert", class_name="error"),
            class_name="field spaced",
        ),
        rx.el.div(_cancel(), rx.button(t("tokens.topup.action"), type="submit"), class_name="buttons"),
        on_submit=TokenDeeds.top_up,
        reset_on_submit=False,
    )
    return dialog(
        t("tokens.topup.title", name=TokenDeeds.token_name),
        t("tokens.topup.about", quota=f"{TokenDeeds.quota:,}"),
        form,
        open=TokenDeeds.deed == "topup",
        on_open_change=TokenDeeds.close,
    )


def _rotate() -> rx.Component:
    names = ("now", "hour", "day", "week")
    choices = [
        rx.el.button(
            t(f"tokens.rotate.{name}"), type="button", class_name="pick", on_click=TokenDeeds.set_grace(seconds),
            aria_pressed=rx.cond(TokenDeeds.grace == seconds, "true", "false"),
        )
        for name, seconds in zip(names, GRACES, strict=True)
    ]  # fmt: skip
    return dialog(
        t("tokens.rotate.title", name=TokenDeeds.token_name),
        t("tokens.rotate.about"),
        rx.el.div(*choices, class_name="picks spaced", role="group", aria_label=t("tokens.picks")),
        rx.el.div(
            _cancel(),
            rx.button(t("tokens.rotate.action"), type="button", on_click=TokenDeeds.rotate),
            class_name="buttons",
        ),
        open=TokenDeeds.deed == "rotate",
        on_open_change=TokenDeeds.close,
    )


def _cancel() -> rx.Component:
    return rx.button(
        t("common.cancel"), type="button", variant="soft", color_scheme="gray", high_contrast=True,
        on_click=TokenDeeds.close(False),
    )  # fmt: skip
