"""Dialogs: controlled by a state's variable, closed by Esc, focus inside while open."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.text import t


def dialog(
    title: rx.Var[str],
    about: rx.Var[str],
    *body: rx.Component,
    open: rx.Var[bool],
    on_open_change: Any,
    wide: bool = False,
) -> rx.Component:
    """A box in the middle. ``on_open_change`` gets the wish to close (False) by Esc or a click outside."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, size="4"),
            rx.dialog.description(about, size="2", class_name="muted"),
            *body,
            class_name="dialog",
            max_width="700px" if wide else "440px",
        ),
        open=open,
        on_open_change=on_open_change,
    )


def sheet(
    title: rx.Var[str],
    about: rx.Var[str],
    *body: rx.Component,
    open: rx.Var[bool],
    on_open_change: Any,
    side: str = "right",
) -> rx.Component:
    """A panel from the side, as high as the window; the whole screen on a phone."""
    head = rx.el.div(
        rx.dialog.title(title, size="4", margin="0"),
        rx.dialog.close(
            rx.icon_button(
                rx.icon("x", size=16), aria_label=t("common.close"), variant="ghost", color_scheme="gray", type="button"
            )
        ),
        class_name="sheet-head",
    )
    return rx.dialog.root(
        rx.dialog.content(
            head,
            rx.dialog.description(about, class_name="visually-hidden"),
            *body,
            class_name=f"sheet sheet-{side}",
        ),
        open=open,
        on_open_change=on_open_change,
    )


def confirm(
    title: rx.Var[str],
    about: rx.Var[str],
    action: rx.Var[str],
    open: rx.Var[bool],
    on_confirm: Any,
    on_open_change: Any,
    busy: rx.Var[bool] | bool = False,
    extra: rx.Component | None = None,
) -> rx.Component:
    """Asks before what can't be undone. ``on_open_change`` closes; the focus starts on Cancel."""
    buttons = rx.el.div(
        rx.alert_dialog.cancel(
            rx.button(t("common.cancel"), variant="soft", color_scheme="gray", high_contrast=True, type="button")
        ),
        rx.button(
            action,
            color_scheme="red",
            variant="soft",
            high_contrast=True,
            type="button",
            loading=busy,
            on_click=on_confirm,
        ),
        class_name="buttons",
    )
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, size="4"),
            rx.alert_dialog.description(about, size="2"),
            extra or rx.fragment(),
            buttons,
            class_name="dialog",
            max_width="440px",
        ),
        open=open,
        on_open_change=on_open_change,
    )
