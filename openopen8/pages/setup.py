"""The first start: the root account."""

from __future__ import annotations

import reflex as rx

from openopen8.components.entrance import entrance, entry
from openopen8.components.page import Page
from openopen8.state.setup import Setup


def body() -> rx.Component:
    """What the page shows."""
    return entrance(
        Setup, "/api/setup", "setup.title", "setup.about", "setup.button",
        entry(Setup, "username", "login.username", auto_complete="username", auto_focus=True),
        entry(
            Setup, "password", "login.password", "setup.password.help", type="password", auto_complete="new-password"
        ),
        rx.cond(
            Setup.code_needed, entry(Setup, "code", "setup.code", "setup.code.help", auto_complete="one-time-code")
        ),
    )  # fmt: skip


PAGE = Page("/setup", "setup.title", "user_plus", "public", "", body, (Setup.load,))
