"""Importing prices from the public list, seen before they are applied."""

from __future__ import annotations

import reflex as rx

from openopen8.components.badge import badge
from openopen8.components.dialog import sheet
from openopen8.components.moment import exact
from openopen8.components.text import t
from openopen8.components.typed import typed
from openopen8.state.price_catalogue import PriceCatalogue, ProposalLine


def catalogue_sheet() -> rx.Component:
    """Opens from the right: whose prices, what would change, and the button that does it."""
    body = rx.el.div(
        rx.el.p(t("prices.import_help"), class_name="help"),
        _choice(),
        rx.cond(PriceCatalogue.lines.length() > 0, _found(), rx.el.p(t("prices.import_none"), class_name="muted")),
        _foot(),
        class_name="form import",
    )
    return sheet(
        t("prices.import"),
        t("prices.import_help"),
        body,
        open=PriceCatalogue.opened,
        on_open_change=PriceCatalogue.close,
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
    every = rx.el.label(
        rx.el.input(type="checkbox", checked=PriceCatalogue.ticked > 0, on_change=PriceCatalogue.tick_all),
        t("prices.import_all"),
        class_name="check",
    )
    more = rx.el.p(t("prices.import_more", n=PriceCatalogue.total), class_name="muted")
    return rx.el.div(
        rx.el.div(every, rx.el.span(t("prices.unit_usd"), class_name="muted push"), class_name="proposal-head"),
        rx.el.ul(rx.foreach(PriceCatalogue.lines, _line), class_name="proposals"),
        rx.cond(PriceCatalogue.total > PriceCatalogue.lines.length(), more),
    )


def _line(line: rx.Var[ProposalLine]) -> rx.Component:
    tick = rx.el.input(
        type="checkbox",
        checked=line.ticked,
        disabled=line.state == "unchanged",
        on_change=lambda on: PriceCatalogue.tick(line.model, on),
    )
    state = rx.match(
        line.state,
        ("new", badge(t("prices.import_new"), "green", "plus")),
        ("changed", badge(t("prices.import_changed"), "amber", "pencil")),
        badge(t("prices.import_same"), "gray", "check"),
    )
    name = rx.el.label(
        tick, rx.el.span(line.model, class_name="mono", title=line.listed_as), class_name="check proposal-name"
    )
    before = rx.el.span(t("prices.import_before", price=line.before), class_name="muted number")
    facts = rx.el.div(
        rx.cond(line.before != "", before),
        rx.cond(line.differs != "", rx.el.p(t("prices.import_differs", what=line.differs))),
        rx.cond(line.rest != "", rx.el.p(t("prices.import_rest", what=line.rest))),
        rx.cond(line.later > 0, rx.el.p(t("prices.import_later"), " ", exact(line.later))),
        rx.cond(line.left_out != "", rx.el.p(t("prices.import_left_out", what=line.left_out))),
        class_name="help",
    )
    return rx.el.li(name, rx.el.span(line.price, class_name="number"), state, facts, key=line.model)


def _foot() -> rx.Component:
    close = rx.button(
        t("common.cancel"),
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
    return rx.el.div(close, go, class_name="sheet-foot")
