"""The start page: checklist or figures."""

from __future__ import annotations

import reflex as rx

from openopen8.components.credits import meter
from openopen8.components.empty import broken
from openopen8.components.first_call import first_call
from openopen8.components.moment import moment
from openopen8.components.page import Page
from openopen8.components.search import segments
from openopen8.components.text import t
from openopen8.pages.log_entry import status_badge
from openopen8.state.home import Home, Part, Period
from openopen8.state.log_rows import LogRow
from openopen8.state.me import Me

ADMIN = (Me.role == "admin") | (Me.role == "root")


def body() -> rx.Component:
    """What the page shows."""
    content = rx.cond(Home.finished, _figures(), _checklist())
    return rx.cond(Home.failure != "", broken(Home.failure, Home.retry), rx.cond(Home.ready, content, _wait()))


def _wait() -> rx.Component:
    card = rx.el.div(*(rx.el.div(class_name="skeleton") for _ in range(3)), class_name="panel form")
    return rx.el.div(card, card, card, class_name="trio", aria_hidden="true")


def _checklist() -> rx.Component:
    count = rx.cond(ADMIN, 4, 2)
    head = rx.el.div(
        rx.el.h2(t("home.start"), class_name="checklist-title"),
        rx.el.p(rx.cond(ADMIN, t("home.start_help"), t("home.start_help_user")), class_name="muted"),
        meter(Home.done * 100 / count, t("home.progress", done=Home.done, all=count)),
        rx.el.p(t("home.progress", done=Home.done, all=count), class_name="muted number"),
        class_name="checklist-head",
    )
    owner = rx.fragment(
        _step("channel", Home.steps.channel, "/channels?new=1"),
        _step("price", Home.steps.price, "/prices?new=1", Home.steps.channel),
    )
    return rx.el.section(
        head,
        rx.el.ol(
            rx.cond(ADMIN, owner),
            _step("token", Home.steps.token, "/tokens?new=1", rx.cond(ADMIN, Home.steps.price, True)),
            _step("call", Home.steps.call, "/logs", Home.steps.token, _call()),
            class_name="steps",
        ),
        class_name="checklist",
    )


def _step(
    name: str, done: rx.Var[bool], href: str, due: rx.Var[bool] | None = None, more: rx.Component | None = None
) -> rx.Component:
    """One step; the button of the one that is due is the page's main action."""
    sign = rx.cond(
        done,
        rx.el.span(rx.icon("check", size=14, aria_hidden="true"), class_name="step-sign done"),
        rx.el.span(class_name="step-sign"),
    )
    state = rx.el.span(rx.cond(done, t("home.step_done"), t("home.step_open")), class_name="visually-hidden")
    now = True if due is None else due
    words = t(f"home.step_{name}_do")
    main = rx.link(words, href=href, underline="none", class_name="button-link main")
    later = rx.link(words, href=href, underline="none", class_name="button-link")
    return rx.el.li(
        sign,
        rx.el.div(
            rx.el.p(t(f"home.step_{name}"), state, class_name="step-name"),
            more or rx.cond(done, rx.fragment(), rx.el.p(t(f"home.step_{name}_help"), class_name="muted")),
            class_name="step-words",
        ),
        rx.cond(done, rx.fragment(), rx.cond(now, main, later)),
        class_name=rx.cond(done, "step done", "step"),
    )


def _call() -> rx.Component:
    wait = rx.el.p(t("home.step_call_wait"), class_name="muted")
    paste = rx.fragment(rx.el.p(t("home.step_call_help"), class_name="muted"), first_call(Home.sample))
    return rx.cond(Home.steps.call, rx.fragment(), rx.cond(Home.sample.hint != "", paste, wait))


def _figures() -> rx.Component:
    scopes = (("mine", t("home.mine")), ("everyone", t("home.everyone")))
    chosen = rx.cond(Home.everyone, "everyone", "mine")
    tools = rx.el.div(
        rx.cond(ADMIN, segments(t("home.scope"), scopes, chosen, Home.choose_scope)),
        rx.el.p(t("home.utc"), class_name="muted push"),
        class_name="tools",
    )
    shares = rx.el.div(
        _shares(t("home.by_model"), Home.models), _shares(t("home.by_token"), Home.tokens), class_name="duo"
    )
    return rx.fragment(tools, rx.el.div(rx.foreach(Home.periods, _period), class_name="trio"), shares, _latest())


def _period(period: rx.Var[Period]) -> rx.Component:
    name = rx.match(period.name, ("today", t("home.today")), ("week", t("home.week")), t("home.month"))
    return rx.el.section(
        rx.el.h2(name),
        rx.el.p(
            rx.el.span(period.credits, key=period.credits, class_name="number arriving big"),
            rx.el.span(period.worth, class_name="muted number"),
            class_name="credits",
        ),
        rx.el.dl(
            _fact(t("home.requests"), period.requests),
            _fact(t("home.tokens"), f"{period.tokens_in} + {period.tokens_out}"),
            _fact(t("home.errors"), period.errors),
            class_name="facts",
        ),
        class_name="panel",
        key=period.name,
    )


def _fact(label: rx.Var[str], value: rx.Var[str] | str) -> rx.Component:
    number = rx.el.span(value, key=rx.Var.create(value).to_string(), class_name="number arriving")
    return rx.el.div(rx.el.dt(label), rx.el.dd(number))


def _shares(title: rx.Var[str], parts: rx.Var[list[Part]]) -> rx.Component:
    none = rx.el.p(t("home.nothing"), class_name="muted")
    rows = rx.el.ul(rx.foreach(parts, _share), class_name="shares")
    return rx.el.section(rx.el.h2(title), rx.cond(parts.length() > 0, rows, none), class_name="panel")


def _share(part: rx.Var[Part]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(part.name, class_name="cut", title=part.name),
            rx.el.span(
                rx.el.span(part.credits, class_name="number"),
                rx.el.span(part.worth, class_name="muted number"),
                class_name="credits",
            ),
            class_name="share-words",
        ),
        rx.el.div(rx.el.div(class_name="meter-fill", style={"width": f"{part.share}%"}), class_name="meter"),
        key=part.name,
    )


def _latest() -> rx.Component:
    head = rx.el.div(
        rx.el.h2(t("home.recent")),
        rx.link(t("home.all_logs"), href="/logs", class_name="quiet-link"),
        class_name="panel-head",
    )
    return rx.el.section(head, rx.el.ul(rx.foreach(Home.latest, _entry), class_name="lines"), class_name="panel")


def _entry(row: rx.Var[LogRow]) -> rx.Component:
    return rx.el.li(
        rx.el.span(moment(row.time), class_name="latest-time muted"),
        rx.el.span(row.token, class_name="cut latest-token"),
        rx.el.span(row.model, class_name="cut mono latest-model"),
        rx.el.span(row.credits, class_name="number latest-credits"),
        status_badge(row),
        key=row.id.to_string(),
    )


PAGE = Page("/", "home.title", "layout_dashboard", "user", "use", body, on_load=(Home.load, Home.live), go="d")
