"""The sheet for a new token and for a change, in the order and words of the manual."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.dialog import sheet
from openopen8.components.field import described, field, picks
from openopen8.components.text import t
from openopen8.components.typed import typed, typed_lines
from openopen8.state.token_form import TokenForm

_LOCAL = "({ms} > 0 ? new Date({ms} - new Date({ms}).getTimezoneOffset() * 60000).toISOString().slice(0, 16) : '')"
"""Milliseconds UTC as the text of a datetime-local input, in the reader's zone."""


def token_sheet() -> rx.Component:
    """Put once on each page that adds or edits tokens; opened by TokenForm.add and TokenForm.edit."""
    form = rx.form(
        rx.el.div(
            rx.el.p(TokenForm.failure, role="alert", class_name="form-error"),
            _name(),
            _quota(),
            _expiry(),
            _models(),
            _whitelist(),
            _group(),
            _more(),
            class_name="form",
        ),
        rx.el.div(
            rx.button(
                t("common.cancel"), type="button", variant="soft", color_scheme="gray", high_contrast=True,
                on_click=TokenForm.close(False),
            ),
            rx.button(t("common.save"), type="submit", loading=TokenForm.saving),
            class_name="sheet-foot",
        ),
        on_submit=TokenForm.save,
        reset_on_submit=False,
        custom_attrs={"noValidate": True},
    )  # fmt: skip
    title = rx.cond(TokenForm.editing > 0, t("tokens.edit"), t("tokens.add"))
    return sheet(title, t("tokens.form.about"), form, open=TokenForm.open, on_open_change=TokenForm.close)


def _field(name: str, key: str, control: rx.Component, beside: rx.Component | None = None) -> rx.Component:
    words = t(f"tokens.form.{key}")
    return field(name, words, control, TokenForm.errors, t(f"tokens.form.{key}.help"), beside)


def _about(name: str) -> dict[str, Any]:
    return described(name, TokenForm.errors)


def _name() -> rx.Component:
    control = typed(TokenForm.form_name, TokenForm.set_form_name, max_length=100, auto_focus=True, **_about("name"))
    return _field("name", "name", control)


def _quota() -> rx.Component:
    control = typed(TokenForm.quota, TokenForm.set_quota, wait=80, input_mode="numeric", **_about("quota"))
    worth = rx.el.span(TokenForm.quota_worth, class_name="beside-words", aria_live="polite")
    amounts = ((t("tokens.pick.unlimited"), "0"), ("100,000", "100,000"), ("1,000,000", "1,000,000"))
    quick = picks(*((words, TokenForm.set_quota(value)) for words, value in amounts), label=t("tokens.picks"))
    return _field("quota", "quota", rx.el.div(control, worth, class_name="beside"), quick)


def _expiry() -> rx.Component:
    control = rx.el.input(
        type="datetime-local",
        value=rx.Var(_LOCAL.replace("{ms}", f"{TokenForm.expires}")).to(str),
        on_change=lambda value: TokenForm.set_expires(rx.Var(f"(Date.parse({value}) || 0)").to(float)),
        class_name="input",
        **_about("expires_at"),
    )
    days = [(t("tokens.pick.days", n=n), TokenForm.expire_in(n)) for n in (7, 30, 90)]
    quick = picks((t("tokens.pick.never"), TokenForm.expire_in(0)), *days, label=t("tokens.picks"))
    return _field("expires_at", "expires", control, quick)


def _models() -> rx.Component:
    chosen = rx.el.ul(rx.foreach(TokenForm.models, _chip), class_name="chips")
    box = typed(
        TokenForm.typed_model,
        TokenForm.set_typed_model,
        placeholder=t("tokens.form.models.search"),
        on_key_down=lambda key: rx.cond(key == "Enter", TokenForm.add_typed(), rx.noop()),
        form="none",  # Enter adds the name instead of saving
        **_about("allowed_models"),
    )
    adds = rx.cond(
        TokenForm.typed_model.strip() != "",
        rx.el.p(t("tokens.form.models.adds", names=TokenForm.typed_model), class_name="help", aria_live="polite"),
    )
    choices = rx.cond(
        TokenForm.options.length() > 0,
        rx.el.ul(
            rx.foreach(TokenForm.options, _choice), class_name="choices", aria_label=t("tokens.form.models.choices")
        ),
    )
    control = rx.el.div(rx.cond(TokenForm.models.length() > 0, chosen), box, adds, choices, class_name="model-field")
    return _field("allowed_models", "models", control)


def _chip(name: rx.Var[str]) -> rx.Component:
    remove = rx.el.button(
        rx.icon("x", size=12), type="button", on_click=TokenForm.tick_model(name),
        aria_label=t("tokens.form.models.remove", name=name),
    )  # fmt: skip
    return rx.el.li(rx.el.span(name, class_name="mono"), remove, class_name="chip")


def _choice(option: Any) -> rx.Component:
    sign = rx.cond(option.ticked, rx.icon("check", size=14, aria_hidden="true"), rx.fragment())
    return rx.el.li(
        rx.el.button(
            rx.el.span(sign, class_name="choice-sign"),
            rx.el.span(option.name, class_name="choice-name mono"),
            rx.el.span(option.price, class_name="muted number"),
            type="button",
            role="checkbox",
            aria_checked=rx.cond(option.ticked, "true", "false"),
            on_click=TokenForm.tick_model(option.name),
        ),
        key=option.name,
    )


def _whitelist() -> rx.Component:
    area = typed_lines(TokenForm.ranges, TokenForm.set_ranges, rows="3", placeholder="203.0.113.7\n10.0.0.0/8",
                       **_about("ip_whitelist"))  # fmt: skip
    notes = rx.el.ul(
        rx.foreach(
            TokenForm.entries,
            lambda entry: rx.el.li(entry.words, class_name=rx.cond(entry.wrong, "error", "help")),
        ),
        aria_live="polite",
    )
    mine = picks((t("tokens.form.ips.mine"), TokenForm.add_my_address), label=t("tokens.picks"))
    return _field("ip_whitelist", "ips", rx.el.div(area, notes), mine)


def _group() -> rx.Component:
    control = rx.el.select(
        rx.foreach(TokenForm.groups, lambda group: rx.el.option(group.words, value=group.value)),
        value=TokenForm.group,
        on_change=TokenForm.set_group,
        class_name="input",
        **_about("group"),
    )
    return _field("group", "group", control)


def _more() -> rx.Component:
    rate = typed(TokenForm.rate, TokenForm.set_rate, input_mode="numeric", **_about("rate_limit"))
    periods = [rx.el.option(t(f"tokens.period.{name}"), value=name) for name in ("none", "daily", "weekly", "monthly")]
    period = rx.el.select(
        *periods, value=TokenForm.period, on_change=TokenForm.set_period, class_name="input", **_about("quota_period")
    )
    sign = rx.cond(TokenForm.more, rx.icon("chevron_down", size=14), rx.icon("chevron_right", size=14))
    opener = rx.el.button(
        sign, t("tokens.form.more"), type="button", on_click=TokenForm.show_more, class_name="plain more",
        aria_expanded=rx.cond(TokenForm.more, "true", "false"),
    )  # fmt: skip
    fields = rx.el.div(_field("rate_limit", "rate", rate), _field("quota_period", "period", period), class_name="form")
    return rx.el.div(opener, rx.cond(TokenForm.more, fields))
