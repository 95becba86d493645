"""Importing prices from the public list, seen before they are applied."""

from __future__ import annotations

import reflex as rx

from openopen8.components.badge import badge
from openopen8.components.dialog import dialog
from openopen8.components.moment import exact
from openopen8.components.text import t
from openopen8.components.typed import typed
from openopen8.state.price_catalogue import PriceCatalogue, ProposalLine


def catalogue_dialog() -> rx.Component:
    """Whose prices, what would change, and the button that does it."""
    return dialog(
        t("prices.import"),
        t("prices.import_help"),
        _choice(),
        rx.cond(PriceCatalogue.lines.length() > 0, _found(), rx.el.p(t("prices.import_none"), class_name="muted")),
        _buttons(),
        open=PriceCatalogue.opened,
        on_open_change=PriceCatalogue.close,
        wide=True,
    )


def _choice() -> rx.Component:
    whose = rx.el.select(
        rx.el.option(t("prices.import_served"), value=""),
        rx.foreach(PriceCatalogue.providers, lambda name: rx.el.option(name, value=name)),
        id="catalogue-provider",
        value=PriceCatalogue.provider,
        on_change=PriceCatalogue.choose,
        class_name="input",
    )
    word = typed(PriceCatalogue.search, PriceCatalogue.search_for, id="catalogue-search", type="search")
    return rx.el.div(
        _field("catalogue-provider", t("prices.import_whose"), whose),
        _field("catalogue-search", t("prices.search"), word),
        class_name="pair",
    )


def _field(id: str, label: rx.Var[str], control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.label(label, html_for=id), control, class_name="field")


def _found() -> rx.Component:
    every = rx.el.input(
        type="checkbox",
        checked=PriceCatalogue.ticked > 0,
        on_change=PriceCatalogue.tick_all,
        aria_label=t("prices.import_all"),
    )
    head = rx.el.tr(
        rx.el.th(every, scope="col", class_name="left"),
        *(
            rx.el.th(words, scope="col", class_name=side)
            for words, side in (
                (t("prices.col_model"), "left"),
                (t("prices.col_usd"), "right"),
                (t("prices.import_before"), "right"),
                (t("prices.col_state"), "left"),
            )
        ),
    )
    grid = rx.el.table(
        rx.el.thead(head),
        rx.el.tbody(rx.foreach(PriceCatalogue.lines, _line)),
        class_name="receipt",
        aria_label=t("prices.import"),
    )
    more = rx.el.p(t("prices.import_more", n=PriceCatalogue.total), class_name="muted")
    return rx.fragment(
        rx.el.div(grid, class_name="scroll-x dialog-body", tab_index=0, role="region", aria_label=t("prices.import")),
        rx.cond(PriceCatalogue.total > PriceCatalogue.lines.length(), more),
    )


def _line(line: rx.Var[ProposalLine]) -> rx.Component:
    tick = rx.el.input(
        type="checkbox",
        checked=line.ticked,
        disabled=line.state == "unchanged",
        on_change=lambda on: PriceCatalogue.tick(line.model, on),
        aria_label=line.model,
    )
    state = rx.match(
        line.state,
        ("new", badge(t("prices.import_new"), "green", "plus")),
        ("changed", badge(t("prices.import_changed"), "amber", "pencil")),
        badge(t("prices.import_same"), "gray", "check"),
    )
    later = rx.cond(line.later > 0, rx.el.p(t("prices.import_later"), " ", exact(line.later), class_name="help"))
    left_out = rx.cond(line.left_out != "", rx.el.p(t("prices.import_left_out", what=line.left_out), class_name="help"))
    rest = rx.cond(line.rest != "", rx.el.p(t("prices.import_rest", what=line.rest), class_name="help"))
    return rx.el.tr(
        rx.el.td(tick, class_name="left"),
        rx.el.th(
            rx.el.span(line.model, class_name="mono", title=line.listed_as), rest, later, left_out,
            scope="row", class_name="left",
        ),
        rx.el.td(line.price, class_name="right number-cell"),
        rx.el.td(line.before, class_name="right number-cell muted"),
        rx.el.td(state),
        key=line.model,
    )  # fmt: skip


def _buttons() -> rx.Component:
    close = rx.button(
        t("common.close"),
        on_click=PriceCatalogue.close(False),
        variant="soft",
        color_scheme="gray",
        high_contrast=True,
        type="button",
    )
    go = rx.button(
        t("prices.import_do", n=PriceCatalogue.ticked),
        on_click=PriceCatalogue.fill,
        loading=PriceCatalogue.busy,
        disabled=PriceCatalogue.ticked == 0,
        type="button",
    )
    return rx.el.div(close, go, class_name="buttons")
