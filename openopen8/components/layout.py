"""The frame around every page: sidebar, top bar, content; and the plain card of set-up and login."""

from __future__ import annotations

from collections.abc import Sequence

import reflex as rx
from reflex.components.core.banner import has_connection_errors

from openopen8.components.dialog import sheet
from openopen8.components.form import NativeForm
from openopen8.components.notice import notice
from openopen8.components.page import Page
from openopen8.components.shortcuts import shortcuts
from openopen8.components.text import t
from openopen8.state.me import Me

READY = {"data-ready": rx.State.is_hydrated.to_string()}
"""Tests wait for it: clicks before hydration are lost."""
GROUPS = ("use", "admin")


def frame(page: Page, menu: Sequence[Page]) -> rx.Component:
    """``page`` with sidebar and top bar; for pages of the role ``public`` the plain card."""
    if page.role == "public":
        return plain(page)
    width = "content wide" if page.wide else "content"
    return rx.el.div(
        rx.el.a(t("common.skip"), href="#content", class_name="skip"),
        reconnecting(),
        rx.el.aside(brand(), _links(page, menu), class_name="sidebar"),
        rx.el.div(
            _top(page, menu),
            rx.el.main(page.body(), id="content", tab_index=-1, class_name=width),
            class_name="right-of-sidebar",
        ),
        shortcuts(menu),
        notice(page.undo),
        class_name="shell",
        custom_attrs=READY | {"lang": _lang()},
    )


def plain(page: Page) -> rx.Component:
    """A card in the middle, for those who are not logged in."""
    return rx.el.div(
        reconnecting(),
        rx.el.header(_language(), _theme(), class_name="plain-top"),
        rx.el.main(brand(), page.body(), class_name="plain-card", id="content"),
        notice(),
        class_name="plain-page",
        custom_attrs=READY | {"lang": _lang()},
    )


def brand() -> rx.Component:
    """The product's sign and name."""
    return rx.el.div(
        rx.el.span("∞", class_name="brand-sign", aria_hidden="true"), rx.el.span("OpenOpen8"), class_name="brand"
    )


def reconnecting() -> rx.Component:
    """A thin bar while the connection is lost."""
    bar = rx.el.div(t("common.reconnecting"), class_name="reconnecting")
    return rx.el.div(rx.cond(has_connection_errors, bar), role="status", aria_live="polite")


def _links(page: Page, menu: Sequence[Page], phone: bool = False) -> rx.Component:
    groups = [_group(name, [item for item in menu if item.group == name], page, phone) for name in GROUPS]
    return rx.el.nav(*groups, aria_label=t("common.menu"), class_name="menu")


def _group(name: str, items: Sequence[Page], page: Page, phone: bool) -> rx.Component:
    if not items:
        return rx.fragment()
    head = rx.el.p(t(f"common.group.{name}"), class_name="menu-head")
    links = rx.el.ul(*(rx.el.li(_link(item, page, phone)) for item in items))
    group = rx.el.div(head, links, class_name="menu-group")
    return rx.cond((Me.role == "admin") | (Me.role == "root"), group) if name == "admin" else group


def _link(item: Page, page: Page, phone: bool) -> rx.Component:
    here = page.route == item.route or (item.route != "/" and page.route.startswith(item.route + "/"))
    keys = {"data_keys": f"g {item.go}"} if item.go and not phone else {}
    return rx.link(
        rx.icon(item.icon, size=16, aria_hidden="true"),
        rx.el.span(t(item.title), class_name="menu-words"),
        href=item.route,
        underline="none",
        class_name="menu-link here" if here else "menu-link",
        aria_current="page" if here else None,
        title=t(item.title),
        **keys,
    )


def _top(page: Page, menu: Sequence[Page]) -> rx.Component:
    return rx.el.header(
        _drawer(page, menu),
        rx.el.h1(t(page.title)),
        rx.el.div(_balance(), _language(), _theme(), _user(menu), class_name="top-right"),
        class_name="top",
    )


def _drawer(page: Page, menu: Sequence[Page]) -> rx.Component:
    opener = rx.icon_button(
        rx.icon("menu", size=18),
        aria_label=t("common.menu"),
        variant="ghost",
        color_scheme="gray",
        type="button",
        on_click=Me.open_menu(True),
        class_name="only-phone",
    )
    links = rx.el.div(_links(page, menu, phone=True), on_click=Me.open_menu(False))
    box = sheet(
        t("common.product"), t("common.menu"), links, open=Me.menu_open, on_open_change=Me.open_menu, side="left"
    )
    return rx.fragment(opener, box)


def _balance() -> rx.Component:
    words = t("common.balance.label", credits=f"{Me.balance:,}", worth=Me.worth)
    figure = rx.el.span(f"{Me.balance:,}", key=Me.balance.to_string(), class_name="number arriving")
    worth = rx.el.span(Me.worth, class_name="muted number")
    pill = rx.el.div(
        rx.icon("wallet", size=14, aria_hidden="true"),
        figure,
        worth,
        class_name="balance",
        title=words,
        role="img",
        aria_label=words,
        data_negative=rx.cond(Me.balance < 0, "yes", "no"),
    )
    return rx.cond(Me.worth != "", pill)


def _language() -> rx.Component:
    return rx.el.button(
        t("common.language"),
        type="button",
        on_click=Me.switch_language,
        aria_label=t("common.language.label"),
        class_name="plain language",
    )


def _theme() -> rx.Component:
    return rx.icon_button(
        rx.color_mode_cond(rx.icon("moon", size=16), rx.icon("sun", size=16)),
        on_click=rx.toggle_color_mode,
        aria_label=t("common.theme"),
        variant="ghost",
        color_scheme="gray",
        type="button",
    )


def _user(menu: Sequence[Page]) -> rx.Component:
    opener = rx.popover.trigger(
        rx.el.button(
            rx.el.span(Me.name[:1], class_name="avatar", aria_hidden="true"),
            aria_label=t("common.user.menu"),
            type="button",
            class_name="plain",
        )
    )
    profile = [page for page in menu if page.route == "/profile"]
    links = [rx.link(t(page.title), href=page.route, underline="none", class_name="menu-link") for page in profile]
    leave = NativeForm.create(
        rx.el.button(t("common.logout"), type="submit", class_name="menu-link"),
        action="/api/session/end",
        method="post",
    )
    who = rx.el.p(rx.el.strong(Me.name), rx.el.span(Me.role, class_name="muted"), class_name="who")
    keys = rx.el.button(t("common.shortcuts"), type="button", on_click=Me.list_keys(True), class_name="menu-link")
    # on a phone the top bar has no room for it
    tongue = rx.el.button(
        t("common.language"), type="button", on_click=Me.switch_language, class_name="menu-link language-link"
    )
    parts = (who, *links, rx.popover.close(keys), tongue, leave)
    box = rx.popover.content(*parts, class_name="user-menu", align="end")
    return rx.popover.root(opener, box)


def _lang() -> rx.Var[str]:
    return rx.cond(Me.lang == "zh", "zh-CN", "en")
