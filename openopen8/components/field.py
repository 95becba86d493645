"""One form field: real label, help, error in words. The error is read out and the field is marked."""

from __future__ import annotations

from typing import Any

import reflex as rx


def field(
    name: str,
    label: rx.Var[str],
    control: rx.Component,
    errors: rx.Var[dict[str, str]] | None = None,
    help: rx.Var[str] | None = None,
    beside: rx.Component | None = None,
) -> rx.Component:
    """A labelled control. Make ``control`` with :func:`described`, so that label, help and error belong to it.

    ``errors`` is the state's dict from field name to sentence; ``beside`` stands at the label's right (quick picks).
    """
    error = [] if errors is None else [_error(name, errors)]
    hint = [] if help is None else [rx.el.p(help, id=f"{name}-help", class_name="help")]
    head = rx.el.div(rx.el.label(label, html_for=name), beside or rx.fragment(), class_name="field-head")
    return rx.el.div(head, control, *hint, *error, class_name="field")


def described(name: str, errors: rx.Var[dict[str, str]] | None = None, help: bool = True) -> dict[str, Any]:
    """Properties for the control of field ``name``: id, name and what describes it."""
    about = f"{name}-help {name}-error" if help else f"{name}-error"
    wrong = "false" if errors is None else rx.cond(errors.contains(name), "true", "false")
    return {"id": name, "name": name, "custom_attrs": {"aria-describedby": about, "aria-invalid": wrong}}


def _error(name: str, errors: rx.Var[dict[str, str]]) -> rx.Component:
    return rx.el.p(errors.get(name, ""), id=f"{name}-error", role="alert", class_name="error")


def picks(*choices: tuple[rx.Var[str] | str, Any], label: rx.Var[str]) -> rx.Component:
    """Small buttons that fill a field: (words, handler) each."""
    buttons = [rx.el.button(words, type="button", on_click=handler, class_name="pick") for words, handler in choices]
    return rx.el.div(*buttons, class_name="picks", role="group", aria_label=label)
