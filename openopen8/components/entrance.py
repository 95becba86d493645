"""The form of set-up and login: the browser posts it to the API and, when that agrees, loads the page anew."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.browser import ask
from openopen8.components.field import described, field
from openopen8.components.text import t

# a field that is not on the page comes as null: left out
_POST = (
    "fetch('%s', {method: 'POST', headers: {'content-type': 'application/json'},"
    " body: JSON.stringify(%s, (_, v) => v ?? undefined)})"
    ".then(async (r) => { if (r.ok) { location.assign('/'); return {}; }"
    " return (await r.json()).error ?? {code: 'unreachable', message: r.statusText}; })"
    ".catch(() => ({code: 'unreachable', message: %s}))"
)


def entrance(state: Any, url: str, title: str, about: str, button: str, *fields: rx.Component) -> rx.Component:
    """``state`` is an Entrance; ``title``, ``about`` and ``button`` are keys of the catalogue."""
    form = rx.el.form(
        rx.el.p(state.failure, role="alert", class_name="form-error"),
        *fields,
        rx.button(t(button), type="submit", loading=state.busy, disabled=~rx.State.is_hydrated, size="3"),
        on_submit=lambda form: [
            state.begin,
            ask(_POST % (url, f"{form}", f"{t('login.unreachable')}"), state.answered),
        ],
        reset_on_submit=False,
        method="post",  # should a script be missing, the password must not end in the address
        class_name="form",
        no_validate=True,
    )
    return rx.fragment(rx.el.h1(t(title)), rx.el.p(t(about), class_name="muted entrance-about"), form)


def entry(state: Any, name: str, label: str, help: str = "", **props: Any) -> rx.Component:
    """One field of the form; the browser keeps what is typed."""
    control = rx.el.input(class_name="input", **described(name, state.errors, bool(help)), **props)
    return field(name, t(label), control, state.errors, t(help) if help else None)
