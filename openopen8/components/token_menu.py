"""What can be done to one token, as the menu at the end of its row."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.text import t
from openopen8.state.token_deeds import TokenDeeds
from openopen8.state.token_form import TokenForm
from openopen8.state.tokens import Tokens

_EXAMPLE = (
    "'curl ' + globalThis.location?.origin + '/v1/chat/completions"
    ' \\\\\\n  -H "Authorization: Bearer sk-…" \\\\\\n  -H "Content-Type: application/json"'
    ' \\\\\\n  -d \\\'{"model": \' + JSON.stringify(%s) + \', "messages": [{"role": "user", "content": "Hello"}]}\\\'\''
)


def token_menu(row: Any) -> rx.Component:
    """The menu of ``row`` (a TokenRow)."""
    items = rx.dropdown_menu.content(
        rx.dropdown_menu.item(t("tokens.menu.details"), on_select=rx.redirect(f"/tokens/{row.id}")),
        rx.dropdown_menu.item(t("tokens.menu.edit"), on_select=TokenForm.edit(row.id)),
        rx.dropdown_menu.item(
            t("tokens.menu.copy"), on_select=[rx.set_clipboard(example_call(row)), Tokens.example_copied]
        ),
        rx.dropdown_menu.separator(),
        rx.cond(
            row.quota > 0, rx.dropdown_menu.item(t("tokens.menu.topup"), on_select=TokenDeeds.ask("topup", row.id))
        ),
        rx.dropdown_menu.item(t("tokens.menu.rotate"), on_select=TokenDeeds.ask("rotate", row.id)),
        rx.dropdown_menu.item(
            rx.cond(row.enabled, t("tokens.menu.disable"), t("tokens.menu.enable")),
            on_select=Tokens.set_enabled(row.id, ~row.enabled),
        ),
        rx.dropdown_menu.separator(),
        rx.dropdown_menu.item(
            t("tokens.menu.delete"), on_select=TokenDeeds.ask("delete", row.id), class_name="menu-danger"
        ),
        size="1",
        align="end",
    )
    opener = rx.icon_button(
        rx.icon("ellipsis", size=16),
        aria_label=t("common.row.menu", name=row.name),
        variant="ghost",
        color_scheme="gray",
        type="button",
    )
    return rx.dropdown_menu.root(rx.dropdown_menu.trigger(opener), items)


def example_call(row: Any) -> rx.Var[str]:
    """The curl line of a token whose value is not known any more."""
    model = rx.cond(row.models.length() > 0, row.models[0], "gpt-4o")
    return rx.Var(_EXAMPLE % f"{model}").to(str)
