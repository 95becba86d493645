"""The Logs page: filters, figures, the list that follows the log, and one opened entry."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.browser import run
from openopen8.components.datetime import datetime_input
from openopen8.components.moment import moment
from openopen8.components.page import Page
from openopen8.components.table import Column, table
from openopen8.components.text import t
from openopen8.pages.log_empty import nothing
from openopen8.pages.log_entry import entry_sheet, status_badge, why
from openopen8.state.log_filter import KINDS, SPANS, STATUSES, Wish
from openopen8.state.log_rows import LogRow
from openopen8.state.logs import Choice, Logs
from openopen8.state.me import Me

ADMIN = (Me.role == "admin") | (Me.role == "root")
DEFAULTS = {"span": Wish().span, "kind": Wish().kind}
DOWN = 160
"""Pixels from the top beyond which the reader is reading and nothing moves."""


def body() -> rx.Component:
    """What the page shows."""
    return rx.fragment(
        _filters(),
        rx.cond(Logs.wish.span == "custom", _times()),
        _figures(),
        _waiting(),
        rx.el.div(
            table(t("logs.title"), _columns(), Logs.rows, Logs, nothing(), _row_class, row_header="time"),
            class_name=rx.cond(ADMIN, "everyones", "own"),
        ),
        rx.cond(Logs.partly, _further()),
        rx.cond(Logs.kept > 0, rx.el.p(t("logs.kept", n=Logs.kept), class_name="muted")),
        entry_sheet(),
        rx.window_event_listener(on_scroll=lambda x, y: Logs.scroll(y.to(float) > DOWN).debounce(200)),
    )


def _filters() -> rx.Component:
    return rx.el.section(
        _select("token", t("logs.token"), t("logs.all_tokens"), Logs.wish.token, _choices(Logs.tokens)),
        _select("model", t("logs.model"), t("logs.all_models"), Logs.wish.model, _names(Logs.models)),
        _select("span", t("logs.time"), None, Logs.wish.span, _words("time", SPANS)),
        _select("status", t("logs.status"), t("logs.status_any"), Logs.wish.status, _words("status", STATUSES[1:])),
        _select("kind", t("logs.kind"), None, Logs.wish.kind, _words("kind", KINDS)),
        rx.cond(ADMIN, _select("user", t("logs.user"), t("logs.all_users"), Logs.wish.user, _choices(Logs.users))),
        _search(),
        class_name="filters",
        aria_label=t("logs.filters"),
    )


def _select(
    name: str, label: rx.Var[str], everything: rx.Var[str] | None, value: rx.Var[str], options: Any
) -> rx.Component:
    first = [] if everything is None else [rx.el.option(everything, value="")]
    return rx.el.div(
        rx.el.label(label, html_for=f"log-{name}"),
        rx.el.select(
            *first,
            *options,
            id=f"log-{name}",
            value=value,
            on_change=lambda chosen: Logs.choose(name, chosen),
            class_name=rx.cond(value != DEFAULTS.get(name, ""), "input chosen", "input"),
        ),
        class_name="filter",
    )


def _choices(items: rx.Var[list[Choice]]) -> list[rx.Component]:
    return [rx.foreach(items, lambda item: rx.el.option(item.label, value=item.value))]


def _names(items: rx.Var[list[str]]) -> list[rx.Component]:
    return [rx.foreach(items, lambda item: rx.el.option(item, value=item))]


def _words(kind: str, values: tuple[str, ...]) -> list[rx.Component]:
    return [rx.el.option(t(f"logs.{kind}_{value}"), value=value) for value in values]


def _search() -> rx.Component:
    return rx.el.div(
        rx.el.label(t("logs.search"), html_for="log-request"),
        rx.el.div(
            rx.icon("search", size=14, aria_hidden="true"),
            rx.el.input(
                id="log-request",
                value=Logs.search,
                on_change=Logs.search_for.debounce(250),
                type="search",
                placeholder="req_…",
                auto_complete="off",
                data_keys="/",
            ),
            rx.el.kbd("/", aria_hidden="true"),
            class_name="search",
        ),
        class_name="filter filter-search",
    )


def _times() -> rx.Component:
    """The custom span, typed in the reader's zone, sent in UTC."""
    return rx.el.div(
        _time("since", t("logs.from"), Logs.since, Logs.choose_since),
        _time("until", t("logs.to"), Logs.until, Logs.choose_until),
        rx.button(t("logs.apply"), on_click=Logs.choose_times, variant="soft", type="button"),
        rx.el.p(
            rx.match(
                Logs.time_error,
                ("bad_time", t("logs.bad_time")),
                ("half_time", t("logs.half_time")),
                "",
            ),
            id="log-times-error",
            role="alert",
            class_name="error",
        ),
        class_name="filters filter-times",
    )


def _time(name: str, label: rx.Var[str], value: rx.Var[str], change: Any) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=f"log-{name}"),
        datetime_input(
            value,
            change,
            id=f"log-{name}",
            custom_attrs={
                "aria-describedby": "log-times-error",
                "aria-invalid": rx.cond(Logs.time_error != "", "true", "false"),
            },
        ),
        class_name="filter",
    )


def _figures() -> rx.Component:
    csv = rx.el.a(
        rx.icon("download", size=14, aria_hidden="true"),
        t("logs.csv"),
        href=Logs.csv,
        download=True,
        class_name="quiet-link",
    )
    return rx.el.div(
        rx.el.dl(
            _figure(t("logs.requests"), Logs.sums.requests),
            _figure(t("logs.tokens"), f"{Logs.sums.tokens_in} + {Logs.sums.tokens_out}"),
            _figure(t("logs.credits"), Logs.sums.credits, Logs.sums.worth),
            _figure(t("logs.rpm"), Logs.sums.rpm),
            class_name="figures",
        ),
        rx.el.div(
            _clear(),
            rx.el.label(
                rx.switch(checked=Logs.is_live, on_change=Logs.switch_live, id="log-live"),
                t("logs.live"),
                html_for="log-live",
                title=t("logs.live_help"),
                class_name="switch-label",
            ),
            csv,
            class_name="figures-side",
        ),
        class_name="figures-row",
    )


def _clear() -> rx.Component:
    button = rx.el.button(
        rx.icon("x", size=14, aria_hidden="true"),
        t("logs.clear"),
        on_click=Logs.clear,
        type="button",
        class_name="quiet-link",
    )
    return rx.cond(Logs.narrowed, button)


def _figure(label: rx.Var[str], value: rx.Var[str] | str, beside: rx.Var[str] | None = None) -> rx.Component:
    muted = [] if beside is None else [rx.el.span(beside, class_name="muted number")]
    shown = rx.cond(Logs.ready, value, "–")
    number = rx.el.span(shown, key=rx.Var.create(value).to_string(), class_name="number arriving")
    return rx.el.div(rx.el.dt(label), rx.el.dd(number, *muted))


def _waiting() -> rx.Component:
    """What came while the reader was further down."""
    button = rx.el.button(
        rx.icon("arrow_up", size=14, aria_hidden="true"),
        t("logs.new_entries", n=Logs.waiting),
        type="button",
        on_click=[Logs.newest, run("globalThis.scrollTo(0, 0)")],
        class_name="waiting",
    )
    return rx.el.div(rx.cond(Logs.is_live & (Logs.waiting > 0), button), role="status", class_name="waiting-box")


def _further() -> rx.Component:
    """A search that took its time: what came so far is shown, the rest on demand."""
    button = rx.button(t("logs.further"), on_click=Logs.further, variant="soft", type="button")
    return rx.el.div(rx.el.p(t("logs.partly"), class_name="muted"), button, role="status", class_name="tools")


def _columns() -> tuple[Column, ...]:
    return (
        Column("time", t("logs.col_time"), _time_cell, phone="head"),
        Column("user", t("logs.col_user"), lambda row: rx.el.span(row.user, class_name="cut"), phone="hide"),
        Column("token", t("logs.col_token"), lambda row: rx.el.span(row.token, class_name="cut", title=row.token)),
        Column("model", t("logs.col_model"), _model_cell, phone="half"),
        Column("tokens", t("logs.col_in_out"), _tokens_cell, align="right"),
        Column("credits", t("logs.col_credits"), _credits_cell, align="right"),
        Column("latency", t("logs.col_latency"), _latency_cell, align="right", phone="hide"),
        Column("status", t("logs.col_status"), _status_cell, phone="full"),
    )


def _row_class(row: rx.Var[LogRow]) -> rx.Var[str]:
    return rx.cond(row.fresh, "opens fresh", "opens")


def _time_cell(row: rx.Var[LogRow]) -> rx.Component:
    return rx.el.button(moment(row.time), type="button", on_click=Logs.open(row.id), class_name="opener")


def _model_cell(row: rx.Var[LogRow]) -> rx.Component:
    return rx.el.span(row.model, class_name="cut mono", title=row.model)


def _tokens_cell(row: rx.Var[LogRow]) -> rx.Component:
    return rx.cond(row.tokens_in != "", rx.el.span(f"{row.tokens_in} / {row.tokens_out}", class_name="number"))


def _credits_cell(row: rx.Var[LogRow]) -> rx.Component:
    worth = rx.cond(row.worth != "", rx.el.span(row.worth, class_name="muted number"))
    return rx.cond(
        row.credits != "", rx.el.span(rx.el.span(row.credits, class_name="number"), worth, class_name="credits")
    )


def _latency_cell(row: rx.Var[LogRow]) -> rx.Component:
    first = rx.cond(row.first != "", rx.el.span(f" ({row.first})", class_name="muted"))
    return rx.cond(row.latency != "", rx.el.span(row.latency, first, class_name="number"))


def _status_cell(row: rx.Var[LogRow]) -> rx.Component:
    more = rx.cond(row.suppressed > 0, rx.el.span(t("logs.suppressed", n=row.suppressed), class_name="muted"))
    return rx.el.span(
        status_badge(row), rx.el.span(why(row), class_name="why", title=row.why), more, class_name="status-cell"
    )


PAGE = Page(
    "/logs", "logs.title", "scroll_text", "user", "use", body, on_load=(Logs.load, Logs.live), wide=True, go="l"
)
