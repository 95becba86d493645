"""Log in."""

from __future__ import annotations

import reflex as rx

from openopen8.components.entrance import entrance, entry
from openopen8.components.page import Page
from openopen8.state.login import Login


def body() -> rx.Component:
    """What the page shows."""
    return entrance(
        Login, "/api/session", "login.title", "login.about", "login.button",
        entry(Login, "username", "login.username", auto_complete="username", auto_focus=True),
        entry(Login, "password", "login.password", type="password", auto_complete="current-password"),
    )  # fmt: skip


PAGE = Page("/login", "login.title", "log_in", "public", "", body, (Login.load,))
