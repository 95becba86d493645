"""Date and time, typed in the reader's zone, kept in UTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx


def datetime_input(value: rx.Var[str], on_change: Callable[[rx.Var[str]], Any], **props: Any) -> rx.Component:
    """An input for RFC 3339 ``value`` (empty = none); ``on_change`` gets RFC 3339 in UTC, or empty."""

    def utc(text: rx.Var[str]) -> rx.Var[str]:
        return rx.Var(f"(isNaN(Date.parse({text})) ? '' : new Date({text}).toISOString())").to(str)

    local = rx.Var(
        f"(isNaN(Date.parse({value})) ? '' : new Date(Date.parse({value}) - new Date({value}).getTimezoneOffset()"
        " * 60000).toISOString().slice(0, 16))"
    ).to(str)
    return rx.el.input(
        type="datetime-local",
        default_value=local,
        on_change=lambda text: on_change(utc(text)),
        **({"class_name": "input"} | props),
    )
