"""Tokens: the list with its live numbers, the sheet, the dialogs."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.badge import token_badge
from openopen8.components.dialog import confirm
from openopen8.components.empty import empty
from openopen8.components.moment import moment
from openopen8.components.page import Page
from openopen8.components.search import bulk, search, segments
from openopen8.components.table import Column, table
from openopen8.components.text import t
from openopen8.components.token_dialogs import token_dialogs
from openopen8.components.token_menu import token_menu
from openopen8.components.token_parts import expiry, group, models, usage
from openopen8.components.token_sheet import token_sheet
from openopen8.state.token_form import TokenForm
from openopen8.state.tokens import Tokens

STATUSES = ("enabled", "disabled", "expired", "exhausted")


def body() -> rx.Component:
    """What the page shows."""
    return rx.fragment(
        _head(), _filters(), _bulk(), table(t("tokens.title"), COLUMNS, Tokens.rows, Tokens, _nothing(), _row_class),
        token_sheet(), token_dialogs(), _delete_ticked(),
    )  # fmt: skip


def _head() -> rx.Component:
    count = Tokens.counts.get("", 0)
    words = rx.cond(count == 1, t("tokens.count.one"), t("tokens.count", n=f"{count:,}"))
    add = rx.button(
        rx.icon("plus", size=16, aria_hidden="true"), t("tokens.add"), on_click=TokenForm.add, data_keys="n",
        type="button", disabled=~rx.State.is_hydrated, class_name="push",
    )  # fmt: skip
    return rx.el.div(rx.el.span(rx.cond(Tokens.ready, words, ""), class_name="muted"), add, class_name="tools")


def _filters() -> rx.Component:
    choices = [("", t("tokens.all")), *((status, t(f"tokens.{status}")) for status in STATUSES)]
    return rx.el.div(
        search(Tokens, t("tokens.search")),
        segments(t("tokens.filter"), choices, Tokens.status, Tokens.filter_by, Tokens.counts),
        class_name="tools",
    )


def _bulk() -> rx.Component:
    def button(words: str, handler: Any, red: bool = False) -> rx.Component:
        color = "red" if red else "gray"
        return rx.button(
            t(words), on_click=handler, size="1", variant="soft", color_scheme=color, high_contrast=True, type="button"
        )

    return bulk(
        Tokens.ticked.length(),
        button("tokens.menu.disable", Tokens.switch_ticked(False)),
        button("tokens.menu.enable", Tokens.switch_ticked(True)),
        button("tokens.menu.delete", Tokens.ask_delete(True), red=True),
    )


def _delete_ticked() -> rx.Component:
    return confirm(
        t("tokens.delete.many.title", n=Tokens.ticked.length()),
        t("tokens.delete.about"),
        t("tokens.delete.action"),
        open=Tokens.deleting,
        on_confirm=Tokens.delete_ticked,
        on_open_change=Tokens.ask_delete,
    )


def _nothing() -> rx.Component:
    first = empty(
        t("tokens.empty"), t("tokens.empty.about"),
        rx.button(t("tokens.empty.make"), on_click=TokenForm.add, type="button"), icon="key_round",
    )  # fmt: skip
    clear = rx.button(
        t("tokens.none.clear"), on_click=Tokens.show_all, type="button", variant="soft", color_scheme="gray",
        high_contrast=True,
    )  # fmt: skip
    none = empty(t("tokens.none"), t("tokens.none.about"), clear, icon="search_x")
    return rx.cond((Tokens.search == "") & (Tokens.status == ""), first, none)


def _tick(row: Any) -> rx.Component:
    return rx.el.input(
        type="checkbox", checked=Tokens.ticked.contains(row.id), on_change=lambda _: Tokens.tick(row.id),
        aria_label=t("common.select.row", name=row.name), class_name="tick",
    )  # fmt: skip


def _tick_all() -> rx.Component:
    return rx.el.input(
        type="checkbox", checked=Tokens.all_ticked, on_change=Tokens.tick_all, aria_label=t("common.select.all"),
        class_name="tick",
    )  # fmt: skip


def _name(row: Any) -> rx.Component:
    return rx.el.div(
        rx.link(row.name, href=f"/tokens/{row.id}", class_name="row-name", underline="hover", title=row.name),
        rx.el.span(row.hint, class_name="mono muted"),
        class_name="two-lines",
    )


def _row_class(row: Any) -> Any:
    return row.glow


COLUMNS = (
    Column("tick", t("common.select.all"), _tick, phone="hide", control=_tick_all),
    Column("name", t("tokens.column.name"), _name, sort="name", phone="head"),
    Column("status", t("tokens.column.status"), lambda row: token_badge(row.status), phone="line"),
    Column("used", t("tokens.column.used"), usage, sort="used", phone="line"),
    Column("models", t("tokens.column.models"), models, wide=True),
    Column("group", t("tokens.column.group"), group, wide=True),
    Column("expires", t("tokens.column.expires"), expiry, sort="expires_at"),
    Column(
        "last", t("tokens.column.last"), lambda row: moment(row.last_used_at, t("common.never")), sort="last_used_at"
    ),
    Column(
        "menu",
        t("tokens.column.menu"),
        token_menu,
        phone="end",
        control=lambda: rx.el.span(t("tokens.column.menu"), class_name="visually-hidden"),
    ),
)

PAGE = Page(
    "/tokens", "tokens.title", "key_round", "user", "use", body, (Tokens.load, Tokens.live), go="t", undo=Tokens.undo
)
