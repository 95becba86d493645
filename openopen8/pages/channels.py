"""The Channels page: the list, the form, the test."""

from __future__ import annotations

import reflex as rx

from openopen8.components.badge import badge
from openopen8.components.browser import run
from openopen8.components.dialog import confirm
from openopen8.components.empty import empty
from openopen8.components.moment import moment
from openopen8.components.page import Page
from openopen8.components.search import search
from openopen8.components.table import Column, table
from openopen8.components.text import t
from openopen8.pages.channel_form import form_sheet
from openopen8.pages.channel_test import test_dialog
from openopen8.state.channel_form import ChannelForm
from openopen8.state.channel_rows import ChannelRow
from openopen8.state.channel_test import ChannelTest
from openopen8.state.channels import Channels
from openopen8.state.me import Me

LEAVE = "globalThis.document?.activeElement?.blur()"


def body() -> rx.Component:
    """What the page shows."""
    add = rx.button(
        rx.icon("plus", size=16, aria_hidden="true"),
        t("channels.add"),
        on_click=ChannelForm.add,
        data_keys="n",
        type="button",
        class_name="push",
    )
    return rx.fragment(
        rx.el.div(search(Channels, t("channels.search")), add, class_name="tools"),
        table(t("channels.title"), _columns(), Channels.rows, Channels, _nothing()),
        form_sheet(),
        test_dialog(),
        _question(),
    )


def _columns() -> tuple[Column, ...]:
    return (
        Column("name", t("channels.col_name"), _name, sort="name", phone="head"),
        Column("state", t("channels.col_state"), _state, phone="full"),
        Column("test", t("channels.col_test"), _test, phone="full"),
        Column("models", t("channels.col_models"), _models),
        Column("groups", t("channels.col_groups"), lambda row: rx.el.span(row.groups, class_name="cut"), wide=True),
        Column(
            "priority", t("channels.col_priority"), lambda row: _number(row, "priority"), sort="priority", align="right"
        ),
        Column("weight", t("channels.col_weight"), lambda row: _number(row, "weight"), align="right"),
        Column("menu", t("channels.menu"), _menu, phone="end", control=_no_label),
    )


def _no_label() -> rx.Component:
    return rx.el.span(t("channels.menu"), class_name="visually-hidden")


def _name(row: rx.Var[ChannelRow]) -> rx.Component:
    return rx.el.div(
        rx.el.button(row.name, type="button", on_click=ChannelForm.edit(row.id), class_name="name-button"),
        rx.el.span(row.type, " · ", row.base_url, class_name="muted cut under", title=row.base_url),
        class_name="stack",
    )


def _state(row: rx.Var[ChannelRow]) -> rx.Component:
    until = clock(row.until)
    sign = rx.match(
        row.state,
        ("on", badge(t("channels.state_on"), "green", "check")),
        ("off", badge(t("channels.state_off"), "gray", "pause")),
        ("switched", badge(t("channels.state_switched"), "red", "circle_alert")),
        ("rest", badge(t("channels.state_rest", time=until), "amber", "clock")),
        ("key_rest", badge(t("channels.state_key_rest", time=until), "amber", "clock")),
        badge(t("channels.state_no_key"), "red", "key_round"),
    )
    reason = rx.cond(row.reason != "", rx.el.span(row.reason, class_name="muted under clamp", title=row.reason))
    some = rx.cond(
        (row.state == "on") & (row.keys_well < row.keys_all),
        rx.el.span(t("channels.keys_some", well=row.keys_well, all=row.keys_all), class_name="muted under"),
    )
    return rx.el.div(rx.el.span(sign), reason, some, class_name="stack")


def clock(ms: rx.Var[int]) -> rx.Var[str]:
    """``14:02`` in the reader's zone."""
    zone = f"{Me.lang} === 'zh' ? 'zh-CN' : 'en-GB'"
    return rx.Var(f"new Date({ms}).toLocaleTimeString({zone}, {{hour: '2-digit', minute: '2-digit'}})").to(str)


def _test(row: rx.Var[ChannelRow]) -> rx.Component:
    passed = rx.el.span(rx.icon("check", size=14, aria_hidden="true"), t("channels.test_ok"), class_name="sign green")
    failed = rx.el.span(
        rx.icon("circle_alert", size=14, aria_hidden="true"), t("channels.test_failed"), class_name="sign red"
    )
    facts = rx.el.span(
        rx.cond(row.test_ok, rx.el.span(row.test_latency, class_name="number dotted"), ""),
        moment(row.tested_at),
        class_name="muted under",
    )
    tested = rx.el.div(rx.cond(row.test_ok, passed, failed), facts, class_name="stack", title=row.test_words)
    return rx.cond(row.tested_at > 0, tested, rx.el.span(t("channels.test_never"), class_name="muted"))


def _models(row: rx.Var[ChannelRow]) -> rx.Component:
    words = rx.cond(row.models == 1, row.model_names, t("channels.models_n", n=row.models))
    return rx.el.span(words, title=row.model_names, class_name="cut")


def _number(row: rx.Var[ChannelRow], name: str) -> rx.Component:
    """A number that is changed where it stands: Enter or leaving the field saves."""
    value = getattr(row, name).to_string()
    return rx.el.input(
        key=f"{value}-{Channels.revision}",
        type="number",
        default_value=value,
        step=1,
        class_name="in-place number",
        aria_label=t(f"channels.{name}_of", name=row.name),
        on_blur=lambda typed: Channels.renumber(row.id, name, typed),
        on_key_down=lambda key, _info: rx.cond(key == "Enter", run(LEAVE), rx.noop()),
    )


def _menu(row: rx.Var[ChannelRow]) -> rx.Component:
    opener = rx.dropdown_menu.trigger(
        rx.icon_button(
            rx.icon("ellipsis", size=16),
            aria_label=t("common.row.menu", name=row.name),
            variant="ghost",
            color_scheme="gray",
            type="button",
        )
    )
    switch = rx.cond(
        row.enabled,
        rx.dropdown_menu.item(t("channels.disable"), on_select=Channels.switch(row.id, False)),
        rx.dropdown_menu.item(t("channels.enable"), on_select=Channels.switch(row.id, True)),
    )
    return rx.dropdown_menu.root(
        opener,
        rx.dropdown_menu.content(
            rx.dropdown_menu.item(t("channels.test"), on_select=ChannelTest.ask(row.id)),
            rx.dropdown_menu.item(t("channels.edit_item"), on_select=ChannelForm.edit(row.id)),
            switch,
            rx.dropdown_menu.separator(),
            rx.dropdown_menu.item(t("channels.delete"), on_select=Channels.ask_delete(row.id), color="red"),
        ),
    )


def _nothing() -> rx.Component:
    add = rx.button(t("channels.add"), on_click=ChannelForm.add, type="button")
    none = empty(t("channels.empty_title"), t("channels.empty_help"), add, icon="plug")
    unmatched = empty(t("channels.none_title"), t("channels.none"), icon="search_x")
    return rx.cond(Channels.search != "", unmatched, none)


def _question() -> rx.Component:
    return confirm(
        t("channels.delete_title", name=Channels.doomed.name),
        t("channels.delete_help"),
        t("channels.delete"),
        Channels.doomed.id > 0,
        Channels.delete,
        lambda _open: Channels.ask_delete(0),
    )


PAGE = Page(
    "/channels",
    "channels.title",
    "plug",
    "admin",
    "admin",
    body,
    on_load=(Channels.load, Channels.live),
    go="c",
    undo=Channels.undo,
)
