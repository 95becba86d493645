"""The Prices page: what models cost."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.badge import badge
from openopen8.components.dialog import confirm, dialog
from openopen8.components.empty import empty
from openopen8.components.moment import exact, moment
from openopen8.components.page import Page
from openopen8.components.search import search
from openopen8.components.table import Column, table
from openopen8.components.text import t
from openopen8.pages.price_catalogue import catalogue_sheet
from openopen8.pages.price_form import form_sheet
from openopen8.state.price_catalogue import PriceCatalogue
from openopen8.state.price_rows import PriceLine
from openopen8.state.prices import Prices


def body() -> rx.Component:
    """What the page shows."""
    add = rx.button(
        rx.icon("plus", size=16, aria_hidden="true"),
        t("prices.set"),
        on_click=Prices.add(""),
        data_keys="n",
        type="button",
    )
    listed = rx.button(
        rx.icon("download", size=16, aria_hidden="true"),
        t("prices.import"),
        on_click=PriceCatalogue.show,
        variant="soft",
        color_scheme="gray",
        high_contrast=True,
        type="button",
    )
    unit = rx.el.p(t("prices.unit", rate=f"{Prices.rate:,}"), class_name="muted push")
    return rx.fragment(
        rx.el.div(search(Prices, t("prices.search")), rx.cond(Prices.rate > 0, unit), listed, add, class_name="tools"),
        _unpriced(),
        table(t("prices.title"), _columns(), Prices.rows, Prices, _nothing(), row_header="model"),
        form_sheet(),
        catalogue_sheet(),
        _history(),
        _question(),
    )


def _unpriced() -> rx.Component:
    """Models that are served and refused for want of a price."""
    chips = rx.foreach(
        Prices.unpriced,
        lambda model: rx.el.li(
            rx.el.button(
                rx.icon("plus", size=12, aria_hidden="true"),
                model,
                type="button",
                on_click=Prices.add(model),
                class_name="pick mono",
                aria_label=t("prices.set_for", model=model),
            )
        ),
    )
    box = rx.el.section(
        rx.icon("triangle_alert", size=16, aria_hidden="true"),
        rx.el.div(
            rx.el.h2(t("prices.unpriced")),
            rx.el.p(t("prices.unpriced_help"), class_name="muted"),
            rx.el.ul(chips, class_name="picks"),
        ),
        class_name="callout",
    )
    return rx.cond(Prices.unpriced.length() > 0, box)


def _columns() -> tuple[Column, ...]:
    return (
        Column("model", t("prices.col_model"), _model, sort="model", phone="head"),
        Column("input", t("prices.col_input"), _input, align="right"),
        Column("output", t("prices.col_output"), _output, align="right"),
        Column("cache", t("prices.col_cache"), _cache, align="right", wide=True, phone="hide"),
        Column("usd", t("prices.col_usd"), _usd, align="right"),
        Column("example", t("prices.col_example"), _example, align="right"),
        Column("from", t("prices.col_from"), _from, sort="valid_from"),
        Column("menu", t("prices.menu"), _menu, phone="end", control=_no_label),
    )


def _no_label() -> rx.Component:
    return rx.el.span(t("prices.menu"), class_name="visually-hidden")


def _model(row: rx.Var[PriceLine]) -> rx.Component:
    soon = rx.cond(row.status == "upcoming", badge(t("prices.later"), "accent", "clock"))
    extras = (
        rx.cond(row.long, badge(t("prices.has_long"), "gray", "arrow_up_right")),
        rx.cond(row.tiers, badge(t("prices.has_tiers"), "gray", "layers")),
        rx.cond(row.tools, badge(t("prices.has_tools"), "gray", "wrench")),
    )
    name = rx.el.span(row.model, class_name="mono cut", title=row.model)
    return rx.el.span(name, soon, *extras, class_name="entry-line")


def _input(row: rx.Var[PriceLine]) -> rx.Component:
    by_call = rx.el.span(row.input, " ", rx.el.span(t("prices.per_call_row"), class_name="muted"), class_name="number")
    return rx.cond(row.per_call, by_call, rx.el.span(row.input, class_name="number"))


def _output(row: rx.Var[PriceLine]) -> rx.Component:
    return rx.cond(row.per_call, rx.el.span("–", class_name="muted"), rx.el.span(row.output, class_name="number"))


def _cache(row: rx.Var[PriceLine]) -> rx.Component:
    same = rx.el.span(rx.cond(row.per_call, "–", t("prices.same_as_input")), class_name="muted")
    return rx.cond(row.cache_read != "", rx.el.span(row.cache_read, class_name="number"), same)


def _usd(row: rx.Var[PriceLine]) -> rx.Component:
    both = rx.el.span(f"{row.usd_in} / {row.usd_out}", class_name="number")
    return rx.cond(row.per_call, rx.el.span("–", class_name="muted"), both)


def _example(row: rx.Var[PriceLine]) -> rx.Component:
    return rx.el.span(
        rx.el.span(row.example, class_name="number"),
        rx.el.span(row.worth, class_name="muted number"),
        class_name="credits",
    )


def _from(row: rx.Var[PriceLine]) -> rx.Component:
    return moment(row.valid_from)


def _menu(row: rx.Var[PriceLine]) -> rx.Component:
    opener = rx.dropdown_menu.trigger(
        rx.icon_button(
            rx.icon("ellipsis", size=16),
            aria_label=t("common.row.menu", name=row.model),
            variant="ghost",
            color_scheme="gray",
            type="button",
        )
    )
    return rx.dropdown_menu.root(
        opener,
        rx.dropdown_menu.content(
            rx.dropdown_menu.item(t("prices.change"), on_select=Prices.change(row.id)),
            rx.dropdown_menu.item(t("prices.history"), on_select=Prices.look_back(row.model)),
            rx.dropdown_menu.separator(),
            rx.dropdown_menu.item(t("prices.delete"), on_select=Prices.ask_delete(row.id), color="red"),
        ),
    )


def _nothing() -> rx.Component:
    add = rx.button(t("prices.set"), on_click=Prices.add(""), type="button")
    none = empty(t("prices.empty_title"), t("prices.empty_help"), add, icon="tag")
    unmatched = empty(t("prices.none_title"), t("prices.none"), icon="search_x")
    return rx.cond(Prices.search != "", unmatched, none)


def _history() -> rx.Component:
    head = rx.el.tr(
        *(
            rx.el.th(words, scope="col", class_name=side)
            for words, side in (
                (t("prices.col_from"), "left"),
                (t("prices.col_input"), "right"),
                (t("prices.col_output"), "right"),
                (t("prices.col_example"), "right"),
                (t("prices.col_state"), "left"),
            )
        )
    )
    grid = rx.el.table(
        rx.el.thead(head),
        rx.el.tbody(rx.foreach(Prices.history, _past)),
        class_name="receipt",
        aria_label=t("prices.history"),
    )
    return dialog(
        f"{Prices.history_of}",
        t("prices.history_help"),
        rx.el.div(grid, class_name="scroll-x dialog-body", tab_index=0, role="region", aria_label=t("prices.history")),
        _close(),
        open=Prices.history_of != "",
        on_open_change=Prices.close_history,
        wide=True,
    )


def _past(row: rx.Var[PriceLine]) -> rx.Component:
    state = rx.match(
        row.status,
        ("current", badge(t("prices.now"), "green", "check")),
        ("upcoming", badge(t("prices.later"), "accent", "clock")),
        badge(t("prices.past"), "gray", "history"),
    )
    return rx.el.tr(
        rx.el.th(exact(row.valid_from), scope="row", class_name="left nowrap"),
        rx.el.td(_input(row), class_name="right"),
        rx.el.td(_output(row), class_name="right"),
        rx.el.td(_example(row), class_name="right"),
        rx.el.td(state),
        key=row.id.to_string(),
    )


def _close() -> rx.Component:
    button = rx.button(
        t("common.close"), variant="soft", color_scheme="gray", high_contrast=True, type="button", auto_focus=True
    )
    return rx.el.div(rx.dialog.close(button), class_name="buttons")


def _question() -> rx.Component:
    about = rx.cond(
        Prices.doomed.status == "upcoming",
        t("prices.delete_upcoming", model=Prices.doomed.model),
        t("prices.delete_current", model=Prices.doomed.model),
    )
    gone: Any = Prices.ask_delete(0)
    return confirm(
        t("prices.delete_title"), about, t("prices.delete"), Prices.doomed.id > 0, Prices.delete, lambda _open: gone
    )


PAGE = Page("/prices", "prices.title", "tag", "admin", "admin", body, on_load=(Prices.load, Prices.live), go="p")
