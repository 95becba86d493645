"""Inputs whose text a state follows while it is typed: the newest text wins, nothing typed is lost on the way."""

from __future__ import annotations

from typing import Any

import reflex as rx

WAIT_MS = 200
"""Pause after the last key before the state is told; leaving the field or Enter tells it at once."""


def typed(value: rx.Var[str], on_change: Any, wait: int = WAIT_MS, **props: Any) -> rx.Component:
    """A one-line input; ``props`` are those of ``<input>``."""
    props = {"class_name": "input", "auto_complete": "off"} | props
    return rx.debounce_input(rx.el.input(value=value, on_change=on_change, **props), debounce_timeout=wait)


def typed_lines(value: rx.Var[str], on_change: Any, wait: int = WAIT_MS, **props: Any) -> rx.Component:
    """A text area; ``props`` are those of ``<textarea>``."""
    area = rx.el.textarea(value=value, on_change=on_change, class_name="input", spell_check=False, **props)
    return rx.debounce_input(area, debounce_timeout=wait)
