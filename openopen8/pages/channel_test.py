"""The dialog that tests a channel."""

from __future__ import annotations

import reflex as rx

from openopen8.components.badge import badge
from openopen8.components.dialog import dialog
from openopen8.components.text import t
from openopen8.state.channel_test import ChannelTest

OUTCOME = ChannelTest.outcome


def test_dialog() -> rx.Component:
    """Which model to ask, and what came back."""
    models = rx.el.div(
        rx.el.label(t("channels.test_with"), html_for="channel-test-with"),
        rx.el.select(
            rx.foreach(ChannelTest.models, lambda name: rx.el.option(name, value=name)),
            id="channel-test-with",
            value=ChannelTest.model,
            on_change=ChannelTest.choose,
            disabled=ChannelTest.running,
            class_name="input",
        ),
        class_name="field",
    )
    run = rx.button(t("channels.test_run"), on_click=ChannelTest.run, loading=ChannelTest.running, type="button")
    close = rx.button(
        t("common.close"),
        on_click=ChannelTest.close(False),
        variant="soft",
        color_scheme="gray",
        high_contrast=True,
        type="button",
    )
    return dialog(
        t("channels.test_title", name=ChannelTest.name),
        t("channels.test_help"),
        rx.el.div(models, _outcome(), class_name="form dialog-body"),
        rx.el.div(close, run, class_name="buttons"),
        open=ChannelTest.opened,
        on_open_change=ChannelTest.close,
    )


def _outcome() -> rx.Component:
    wait = rx.el.p(t("channels.testing"), class_name="muted breathing")
    shown = rx.cond(ChannelTest.running, wait, rx.cond(OUTCOME.done, _result()))
    return rx.el.div(shown, role="status", aria_live="polite", class_name="test-outcome")


def _result() -> rx.Component:
    verdict = rx.cond(
        OUTCOME.ok,
        badge(t("channels.test_ok"), "green", "check"),
        badge(t("channels.test_failed"), "red", "circle_alert"),
    )
    facts = rx.el.dl(
        _fact(t("channels.latency"), OUTCOME.latency),
        _fact(t("channels.first_token"), OUTCOME.first),
        class_name="facts",
    )
    answer = rx.cond(
        OUTCOME.answer != "",
        rx.el.figure(rx.el.figcaption(t("channels.answer"), class_name="muted"), rx.el.blockquote(OUTCOME.answer)),
    )
    error = rx.cond(OUTCOME.error != "", rx.el.p(OUTCOME.error, class_name="form-error"))
    return rx.el.div(rx.el.div(verdict), facts, answer, error, class_name="stack-wide")


def _fact(label: rx.Var[str], value: rx.Var[str]) -> rx.Component:
    return rx.cond(value != "", rx.el.div(rx.el.dt(label), rx.el.dd(value, class_name="number")))
