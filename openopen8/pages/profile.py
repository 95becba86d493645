"""The Profile page: access tokens, language and look, password, sessions."""

from __future__ import annotations

import reflex as rx
from reflex.style import color_mode, set_color_mode

from openopen8.components.badge import badge
from openopen8.components.copy import copy_button
from openopen8.components.dialog import confirm, dialog
from openopen8.components.empty import broken
from openopen8.components.field import described, field
from openopen8.components.moment import moment
from openopen8.components.page import Page
from openopen8.components.search import segments
from openopen8.components.text import t
from openopen8.state.me import Me
from openopen8.state.profile import AccessRow, Profile, SessionRow


def body() -> rx.Component:
    """What the page shows."""
    sections = rx.el.div(_tokens(), _look(), _password(), _sessions(), class_name="profile")
    return rx.fragment(
        rx.cond(Profile.failure != "", broken(Profile.failure, Profile.retry), sections), _value(), _question()
    )


def _section(name: str, *content: rx.Component) -> rx.Component:
    head = rx.el.div(
        rx.el.h2(t(f"profile.{name}"), id=f"profile-{name}"), rx.el.p(t(f"profile.{name}_help"), class_name="muted")
    )
    return rx.el.section(
        head, rx.el.div(*content, class_name="setting-body"), class_name="setting", aria_labelledby=f"profile-{name}"
    )


def _tokens() -> rx.Component:
    control = rx.el.input(
        class_name="input", max_length=100, auto_complete="off", **described("token_name", Profile.errors)
    )
    form = rx.form(
        field("token_name", t("profile.token_name"), control, Profile.errors, t("profile.token_name_help")),
        rx.button(t("profile.token_add"), type="submit"),
        on_submit=Profile.create,
        reset_on_submit=False,
        class_name="form-line",
        key=Profile.changes.to_string(),
        no_validate=True,
    )
    rows = rx.el.ul(rx.foreach(Profile.tokens, _token), class_name="lines")
    none = rx.el.p(t("profile.token_none"), class_name="muted")
    return _section("tokens", form, rx.cond(Profile.tokens.length() > 0, rows, rx.cond(Profile.ready, none, _wait())))


def _token(row: rx.Var[AccessRow]) -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.p(row.name, class_name="line-name"), rx.el.code(row.hint, class_name="muted")),
        rx.el.p(
            t("profile.token_created"),
            " ",
            moment(row.created_at),
            " · ",
            t("profile.token_used"),
            " ",
            moment(row.last_used_at, t("profile.token_never")),
            class_name="muted line-facts",
        ),
        rx.icon_button(
            rx.icon("trash_2", size=16),
            on_click=Profile.ask_delete(row.id),
            variant="ghost",
            color_scheme="gray",
            aria_label=t("profile.token_delete_name", name=row.name),
            type="button",
        ),
        key=row.id.to_string(),
    )


def _look() -> rx.Component:
    languages = (("en", rx.Var.create("English")), ("zh", rx.Var.create("中文")))
    themes = rx.el.div(
        *(
            rx.el.button(
                rx.icon(icon, size=14, aria_hidden="true"),
                t(f"profile.theme_{name}"),
                type="button",
                on_click=set_color_mode(name),
                aria_pressed=rx.cond(color_mode == name, "true", "false"),
            )
            for name, icon in (("light", "sun"), ("dark", "moon"), ("system", "monitor"))
        ),
        class_name="segments",
        role="group",
        aria_label=t("profile.theme"),
    )
    language = segments(t("profile.language"), languages, Me.lang, Profile.choose_language)
    return _section(
        "look",
        rx.el.div(
            rx.el.span(t("profile.language"), class_name="field-words", aria_hidden="true"),
            language,
            class_name="field",
        ),
        rx.el.div(
            rx.el.span(t("profile.theme"), class_name="field-words", aria_hidden="true"), themes, class_name="field"
        ),
    )


def _password() -> rx.Component:
    form = rx.form(
        _secret("old_password", "password_old", "current-password"),
        _secret("new_password", "password_new", "new-password"),
        _secret("again", "password_again", "new-password"),
        rx.el.div(rx.button(t("profile.password_save"), type="submit")),
        on_submit=Profile.change_password,
        reset_on_submit=False,
        class_name="form",
        key=Profile.changes.to_string(),
        no_validate=True,
    )
    return _section("password", form)


def _secret(name: str, key: str, complete: str) -> rx.Component:
    control = rx.el.input(
        type="password",
        auto_complete=complete,
        max_length=1024,
        class_name="input",
        **described(name, Profile.errors, False),
    )
    return field(name, t(f"profile.{key}"), control, Profile.errors)


def _sessions() -> rx.Component:
    others = rx.button(
        t("profile.session_end_all"),
        on_click=Profile.end_others,
        variant="soft",
        color_scheme="gray",
        high_contrast=True,
        type="button",
        size="2",
    )
    rows = rx.el.ul(rx.foreach(Profile.sessions, _session), class_name="lines")
    return _section(
        "sessions", rx.cond(Profile.ready, rows, _wait()), rx.cond(Profile.sessions.length() > 1, rx.el.div(others))
    )


def _session(row: rx.Var[SessionRow]) -> rx.Component:
    end = rx.button(
        t("profile.session_end"),
        on_click=Profile.end(row.id),
        variant="ghost",
        color_scheme="gray",
        type="button",
        high_contrast=True,
        size="1",
        aria_label=t("profile.session_end_name", name=row.browser),
    )
    return rx.el.li(
        rx.el.div(rx.el.p(row.browser, class_name="line-name"), rx.el.code(row.address, class_name="muted")),
        rx.el.p(
            t("profile.session_since"),
            " ",
            moment(row.created_at),
            " · ",
            t("profile.session_seen"),
            " ",
            moment(row.last_seen_at),
            class_name="muted line-facts",
        ),
        rx.cond(row.current, badge(t("profile.session_this"), "green", "check"), end),
        key=row.id,
    )


def _wait() -> rx.Component:
    return rx.el.div(
        rx.el.div(class_name="skeleton"), rx.el.div(class_name="skeleton"), class_name="form", aria_hidden="true"
    )


def _value() -> rx.Component:
    box = rx.el.div(
        rx.el.code(Profile.value, aria_label=t("profile.value"), tab_index=0),
        copy_button(Profile.value),
        class_name="secret",
    )
    done = rx.el.div(
        rx.button(t("profile.stored"), on_click=Profile.stored(False), type="button"), class_name="buttons"
    )
    return dialog(
        t("profile.value_title"),
        t("profile.value_help"),
        rx.el.div(box, class_name="dialog-body"),
        done,
        open=Profile.value != "",
        on_open_change=Profile.stored,
    )


def _question() -> rx.Component:
    return confirm(
        t("profile.token_delete_title", name=Profile.doomed.name),
        t("profile.token_delete_help"),
        t("profile.token_delete"),
        Profile.doomed.id > 0,
        Profile.delete,
        lambda _open: Profile.ask_delete(0),
    )


PAGE = Page("/profile", "profile.title", "user", "user", "", body, on_load=(Profile.load, Profile.live))
