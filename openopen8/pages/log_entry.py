"""One opened entry of the log: receipt, timeline, request id."""

from __future__ import annotations

import reflex as rx

from openopen8.components.badge import badge
from openopen8.components.copy import copy_button
from openopen8.components.dialog import sheet
from openopen8.components.moment import exact
from openopen8.components.text import t
from openopen8.core.rules.rates import NAMES
from openopen8.state.log_rows import LogRow, ReceiptLine
from openopen8.state.logs import Logs

CODES = (
    "invalid_request",
    "model_not_priced",
    "token_disabled",
    "token_expired",
    "token_quota_exhausted",
    "model_not_allowed",
    "ip_not_allowed",
    "group_not_allowed",
    "user_disabled",
    "insufficient_user_quota",
    "insufficient_token_quota",
    "rate_limit_exceeded",
    "no_available_channel",
    "overloaded",
    "interrupted",
)
"""Refusals that the catalogue says in short words; others are shown in the log's own."""
BUCKETS = (*NAMES, "call", *(f"calls.{x}" for x in ("web_search", "file_search", "code_interpreter")),
           *(f"units.{x}" for x in ("seconds", "characters", "images", "pages", "search_units")))  # fmt: skip


def status_badge(row: rx.Var[LogRow]) -> rx.Component:
    """The status with a colour and a sign; for other kinds of entries their name."""
    return rx.match(
        row.tone,
        ("ok", badge(row.status, "green", "check")),
        ("refused", badge(row.status, "amber", "ban")),
        ("failed", badge(row.status, "red", "circle_alert")),
        ("left", badge(row.status, "gray", "log_out")),
        _kind_badge(row),
    )


def _kind_badge(row: rx.Var[LogRow]) -> rx.Component:
    return rx.match(
        row.kind,
        ("correction", badge(t("logs.is_correction"), "accent", "undo_2")),
        ("credit", badge(t("logs.is_credit"), "accent", "coins")),
        ("admin", badge(t("logs.is_admin"), "gray", "pencil")),
        ("login", badge(t("logs.is_login"), "gray", "log_in")),
        badge(t("logs.is_request"), "gray", "arrow_right"),
    )


def why(row: rx.Var[LogRow]) -> rx.Var[str]:
    """Why it was refused, in a few words."""
    return rx.match(row.code, *((code, t(f"logs.why_{code}")) for code in CODES), row.why)


def entry_sheet() -> rx.Component:
    """The opened entry, from the right."""
    row = Logs.entry.row
    is_request = row.kind == "request"
    return sheet(
        t("logs.entry"),
        t("logs.entry_help"),
        rx.el.div(
            _head(),
            rx.cond(row.why != "", _reason()),
            rx.cond(is_request, _receipt()),
            rx.cond(is_request, _timeline()),
            _facts(),
            class_name="entry",
        ),
        open=Logs.opened,
        on_open_change=Logs.close,
    )


def _head() -> rx.Component:
    row = Logs.entry.row
    spent = rx.el.span(
        rx.el.span(t("common.credits", n=row.credits), class_name="number entry-credits"),
        rx.el.span(row.worth, class_name="muted number"),
        class_name="credits",
    )
    return rx.el.div(
        rx.el.div(status_badge(row), rx.el.span(exact(row.time), class_name="muted"), class_name="entry-line"),
        rx.cond(row.credits != "", spent),
        class_name="entry-head",
    )


def _reason() -> rx.Component:
    row = Logs.entry.row
    return rx.el.div(
        rx.cond(row.code != "", rx.el.p(rx.el.strong(why(row)), rx.el.code(row.code), class_name="entry-line")),
        rx.el.p(row.why),
        class_name="entry-why",
        data_tone=row.tone,
    )


def _receipt() -> rx.Component:
    entry = Logs.entry
    head = rx.el.tr(
        rx.el.th(t("logs.bucket"), scope="col", class_name="left"),
        rx.el.th(t("logs.count"), scope="col", class_name="right"),
        rx.el.th(t("logs.ratio"), scope="col", class_name="right"),
        rx.el.th(t("logs.sum"), scope="col", class_name="right"),
    )
    foot = rx.el.tfoot(
        _total(t("logs.group_ratio"), f"× {entry.group_ratio}"),
        rx.cond(entry.exact != entry.row.credits, _total(t("logs.before_rounding"), entry.exact)),
        _total(t("logs.charged"), entry.row.credits, strong=True),
    )
    grid = rx.el.table(
        rx.el.thead(head),
        rx.el.tbody(rx.foreach(entry.lines, _line)),
        foot,
        class_name="receipt",
        aria_label=t("logs.receipt"),
    )
    notes = rx.el.ul(rx.foreach(entry.notes, lambda note: rx.el.li(_note(note))), class_name="help")
    none = rx.el.p(t("logs.receipt_none"), class_name="muted")
    return _part(t("logs.receipt"), rx.cond(entry.lines.length() > 0, rx.fragment(grid, notes), none))


def _line(line: rx.Var[ReceiptLine]) -> rx.Component:
    words = ((bucket, t(f"logs.bucket_{bucket.replace('.', '_')}")) for bucket in BUCKETS)
    name = rx.match(line.bucket, *words, line.bucket)
    return rx.el.tr(
        rx.el.th(name, scope="row", class_name="left"),
        rx.el.td(line.count, class_name="right number-cell"),
        rx.el.td(f"× {line.ratio}", class_name="right number-cell"),
        rx.el.td(line.credits, class_name="right number-cell"),
    )


def _total(label: rx.Var[str], value: rx.Var[str] | str, strong: bool = False) -> rx.Component:
    return rx.el.tr(
        rx.el.th(label, scope="row", col_span=3, class_name="left"),
        rx.el.td(value, class_name="right number-cell"),
        class_name="receipt-sum" if strong else "",
    )


def _note(note: rx.Var[str]) -> rx.Var[str]:
    return rx.match(
        note,
        ("counted locally", t("logs.note_counted")),
        ("usage contradicted itself", t("logs.note_clamped")),
        ("long context", t("logs.note_long")),
        note,
    )


def _timeline() -> rx.Component:
    entry = Logs.entry
    streamed = entry.streamed != ""
    bar = rx.el.div(
        rx.el.div(class_name="timeline-wait", style={"width": f"{entry.waited_percent}%"}),
        rx.cond(streamed, rx.el.div(class_name="timeline-stream")),
        class_name="timeline",
        aria_hidden="true",
    )
    steps = rx.el.dl(
        _step("wait", rx.cond(streamed, t("logs.waited"), t("logs.worked")), entry.waited),
        rx.cond(streamed, _step("stream", t("logs.streamed"), entry.streamed)),
        _step("", t("logs.total"), entry.row.latency),
        class_name="timeline-steps",
    )
    none = rx.el.p(t("logs.no_timeline"), class_name="muted")
    return _part(t("logs.timeline"), rx.cond(entry.row.latency != "", rx.fragment(bar, steps), none))


def _step(swatch: str, label: rx.Var[str], value: rx.Var[str]) -> rx.Component:
    sign = rx.el.span(class_name=f"swatch timeline-{swatch}", aria_hidden="true") if swatch else rx.fragment()
    return rx.el.div(rx.el.dt(sign, label), rx.el.dd(value, class_name="number"))


def _facts() -> rx.Component:
    entry, row = Logs.entry, Logs.entry.row
    copied = rx.el.span(
        rx.el.code(entry.request_id, class_name="entry-id"),
        copy_button(entry.request_id, size="1", aria_label=t("logs.copy_id")),
        class_name="entry-line",
    )
    mode = rx.cond(entry.stream, t("logs.mode_stream"), t("logs.mode_whole"))
    is_request = row.kind == "request"
    return rx.el.section(
        rx.el.dl(
            _fact(t("logs.request_id"), copied, entry.request_id != ""),
            _fact(t("logs.token"), rx.link(row.token, href=f"/tokens/{row.token_id}"), row.token_id > 0),
            _fact(t("logs.user"), row.user, row.user != ""),
            _fact(t("logs.model"), rx.el.code(row.model), row.model != ""),
            _fact(t("logs.upstream_model"), rx.el.code(entry.upstream_model), entry.upstream_model != ""),
            _fact(t("logs.in_tokens"), _with(row.tokens_in, t("logs.cached"), entry.cached), row.tokens_in != ""),
            _fact(
                t("logs.out_tokens"), _with(row.tokens_out, t("logs.reasoning"), entry.reasoning), row.tokens_in != ""
            ),
            _fact(t("logs.endpoint"), rx.el.code(entry.endpoint), entry.endpoint != ""),
            _fact(t("logs.mode"), mode, is_request),
            _fact(t("logs.channel"), entry.channel, entry.channel != ""),
            _fact(t("logs.retries"), entry.retries.to_string(), entry.retries > 0),
            _fact(t("logs.address"), rx.el.code(entry.address), entry.address != ""),
            class_name="facts",
        ),
        class_name="entry-part",
    )


def _with(value: rx.Var[str], words: rx.Var[str], part: rx.Var[str]) -> rx.Component:
    rest = rx.cond(part != "", rx.el.span(words, " ", part, class_name="muted"))
    return rx.el.span(rx.el.span(value, class_name="number"), rest, class_name="entry-line")


def _fact(label: rx.Var[str], value: rx.Component | rx.Var[str], shown: rx.Var[bool]) -> rx.Component:
    return rx.cond(shown, rx.el.div(rx.el.dt(label), rx.el.dd(value)))


def _part(title: rx.Var[str], *content: rx.Component) -> rx.Component:
    return rx.el.section(rx.el.h2(title), *content, class_name="entry-part")
