"""One token: numbers, chart, settings, its last requests."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.badge import token_badge
from openopen8.components.chart import stacked
from openopen8.components.credits import meter, number
from openopen8.components.empty import broken, empty
from openopen8.components.moment import moment
from openopen8.components.page import Page
from openopen8.components.text import t
from openopen8.components.token_dialogs import token_dialogs
from openopen8.components.token_parts import expiry, group
from openopen8.components.token_sheet import token_sheet
from openopen8.pages.log_entry import status_badge, why
from openopen8.state.token import TokenPage
from openopen8.state.token_deeds import TokenDeeds
from openopen8.state.token_form import TokenForm

ROW = TokenPage.row


def body() -> rx.Component:
    """What the page shows."""
    back = rx.link(
        rx.icon("arrow_left", size=14, aria_hidden="true"), t("token.back"), href="/tokens", class_name="crumb"
    )
    missing = empty(t("token.missing"), t("token.missing.about"), icon="search_x")
    shown = rx.cond(TokenPage.missing, missing, rx.cond(TokenPage.ready, _whole(), _waiting()))
    return rx.fragment(
        back,
        rx.cond(TokenPage.failure != "", broken(TokenPage.failure, TokenPage.retry), shown),
        token_sheet(),
        token_dialogs(),
    )


def _whole() -> rx.Component:
    return rx.fragment(
        _head(),
        rx.el.div(rx.el.div(_use(), _days(), class_name="pile"), _settings(), class_name="columns"),
        _log(),
    )


def _waiting() -> rx.Component:
    bars = [rx.el.div(class_name="skeleton") for _ in range(3)]
    return rx.el.div(rx.el.div(*bars, class_name="panel pile"), aria_hidden="true")


def _head() -> rx.Component:
    actions = rx.el.div(
        _button("tokens.menu.edit", TokenForm.edit(ROW.id), "pencil"),
        rx.cond(ROW.quota > 0, _button("tokens.menu.topup", TokenDeeds.ask("topup", ROW.id), "plus")),
        _button("tokens.menu.rotate", TokenDeeds.ask("rotate", ROW.id), "refresh_cw"),
        rx.cond(
            ROW.enabled,
            _button("tokens.menu.disable", TokenPage.set_enabled(False), "pause"),
            _button("tokens.menu.enable", TokenPage.set_enabled(True), "play"),
        ),
        _button("tokens.menu.delete", TokenDeeds.ask("delete", ROW.id), "trash_2", "red"),
        class_name="push",
    )
    return rx.el.div(
        rx.el.div(rx.el.h2(ROW.name), rx.el.span(ROW.hint, class_name="mono muted"), class_name="two-lines"),
        token_badge(ROW.status),
        actions,
        class_name="subject",
    )


def _button(words: str, handler: Any, icon: str, color: str = "gray") -> rx.Component:
    return rx.button(
        rx.icon(icon, size=14, aria_hidden="true"), t(words), on_click=handler, variant="soft", color_scheme=color,
        high_contrast=True, size="2", type="button",
    )  # fmt: skip


def _use() -> rx.Component:
    title = rx.cond(ROW.quota_period == "none", t("token.period.all"), t("token.period"))
    limited = rx.el.div(
        rx.el.div(
            _sum("token.used", ROW.used, TokenPage.used_worth),
            _sum("token.left", ROW.remaining),
            _sum("tokens.form.quota", ROW.quota),
            rx.cond(ROW.held > 0, _sum("token.held", ROW.held)),
            rx.cond(ROW.quota_period != "none", _sum("token.total", ROW.used_total, TokenPage.total_worth)),
            class_name="sums",
        ),
        meter(ROW.percent, t("tokens.used.percent", n=ROW.percent)),
    )
    free = rx.el.div(
        rx.el.div(
            _sum("token.used", ROW.used, TokenPage.used_worth),
            rx.cond(ROW.held > 0, _sum("token.held", ROW.held)),
            rx.cond(ROW.quota_period != "none", _sum("token.total", ROW.used_total, TokenPage.total_worth)),
            class_name="sums",
        ),
        rx.el.p(t("token.unlimited"), class_name="muted"),
    )
    return rx.el.section(rx.el.h2(title), rx.cond(ROW.quota > 0, limited, free), class_name="panel")


def _sum(label: str, value: Any, worth: Any = None) -> rx.Component:
    beside = [] if worth is None else [rx.el.span(" · ", worth)]
    return rx.el.div(number(value), rx.el.span(t(label), *beside, class_name="muted"), class_name="sum")


def _days() -> rx.Component:
    chart = stacked(TokenPage.bars, TokenPage.names, t("token.chart"))
    nothing = rx.el.p(t("token.chart.empty"), class_name="muted")
    shown = rx.cond(TokenPage.names.length() > 0, chart, nothing)
    return rx.el.section(rx.el.h2(t("token.chart")), shown, class_name="panel")


def _settings() -> rx.Component:
    own = rx.cond(ROW.own_group, rx.el.span(f" ({t('token.group.own')})", class_name="muted"))
    limit = rx.cond(ROW.rate_limit > 0, t("tokens.per_minute", n=f"{ROW.rate_limit:,}"), t("token.rate.none"))
    periods = [(name, t(f"tokens.period.{name}")) for name in ("daily", "weekly", "monthly")]
    facts = [
        ("token.models", _names(ROW.models, "token.models.all")),
        ("token.ips", _names(ROW.ranges, "token.ips.all")),
        ("token.group", rx.el.span(group(ROW), own)),
        ("token.expires", expiry(ROW)),
        ("token.rate", limit),
        ("token.renews", rx.match(ROW.quota_period, *periods, t("tokens.period.none"))),
        ("token.created", moment(ROW.created_at)),
        ("token.last", moment(ROW.last_used_at, t("common.never"))),
        ("token.addresses", _names(TokenPage.addresses, "token.addresses.none")),
    ]
    rows = [part for words, value in facts for part in (rx.el.dt(t(words)), rx.el.dd(value))]
    owner = rx.cond(
        TokenPage.user != "", rx.el.dl(rx.el.dt(t("token.owner")), rx.el.dd(TokenPage.user), class_name="about")
    )
    return rx.el.section(rx.el.h2(t("token.settings")), owner, rx.el.dl(*rows, class_name="about"), class_name="panel")


def _names(names: Any, none: str) -> rx.Component:
    listed = rx.el.ul(rx.foreach(names, lambda name: rx.el.li(name, class_name="mono")))
    return rx.cond(names.length() > 0, listed, rx.el.span(t(none), class_name="muted"))


def _log() -> rx.Component:
    link = rx.link(t("token.log.all"), href=f"/logs?token={ROW.id}", class_name="push")
    columns = ("time", "model", "tokens", "credits", "latency", "status")
    heads = [
        rx.el.th(t(f"token.column.{name}"), scope="col", role="columnheader", class_name=_side(name))
        for name in columns
    ]
    grid = rx.el.table(
        rx.el.thead(rx.el.tr(*heads, role="row"), role="rowgroup"),
        rx.el.tbody(rx.foreach(TokenPage.entries, _entry), role="rowgroup"),
        class_name="table",
        aria_label=t("token.log"),
        role="table",
    )
    box = rx.el.div(grid, class_name="table-box", tab_index=0, role="region", aria_label=t("token.log"))
    nothing = empty(t("token.log.empty"), t("token.log.empty.about"), icon="scroll_text")
    return rx.el.section(
        rx.el.div(rx.el.h2(t("token.log")), link, class_name="tools"),
        rx.cond(TokenPage.entries.length() > 0, box, nothing),
    )


def _entry(entry: Any) -> rx.Component:
    both = rx.el.span(entry.tokens_in, " / ", entry.tokens_out, class_name="number")
    cells = (
        ("time", moment(entry.time), "line"),
        ("model", rx.el.span(entry.model, class_name="mono"), "half"),
        ("tokens", rx.cond(entry.tokens_in != "", both), "hide"),
        ("credits", rx.el.span(entry.credits, class_name="number"), "half"),
        ("latency", rx.el.span(entry.latency, class_name="number"), "hide"),
        (
            "status",
            rx.el.span(status_badge(entry), rx.el.span(why(entry), class_name="why"), class_name="status-cell"),
            "line",
        ),
    )
    drawn = [
        rx.el.td(
            cell, role="cell", class_name=f"cell {_side(name)} phone-{phone}", data_label=t(f"token.column.{name}")
        )
        for name, cell, phone in cells
    ]
    return rx.el.tr(*drawn, key=entry.id.to_string(), role="row", class_name="row")


def _side(column: str) -> str:
    return "right" if column in ("tokens", "credits", "latency") else "left"


PAGE = Page(
    "/tokens/[token_number]", "token.title", "key_round", "user", "", body, (TokenPage.load, TokenPage.live),
    undo=TokenPage.undo,
)  # fmt: skip
