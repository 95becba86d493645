"""States in a word with a colour and a sign: never colour alone."""

from __future__ import annotations

import reflex as rx

from openopen8.components.text import t


def badge(label: rx.Var[str] | str, tone: rx.Var[str] | str = "gray", icon: str | None = None) -> rx.Component:
    """A small label; ``tone`` is green, amber, red, gray or accent."""
    sign = rx.icon(icon, size=12, aria_hidden="true") if icon else rx.el.span(class_name="dot", aria_hidden="true")
    return rx.el.span(sign, label, class_name="badge", data_tone=tone)


def token_badge(status: rx.Var[str]) -> rx.Component:
    """enabled, disabled, expired or exhausted."""
    return rx.match(
        status,
        ("enabled", badge(t("common.status.enabled"), "green", "check")),
        ("disabled", badge(t("common.status.disabled"), "gray", "pause")),
        ("expired", badge(t("common.status.expired"), "amber", "clock")),
        badge(t("common.status.exhausted"), "red", "circle_alert"),
    )
