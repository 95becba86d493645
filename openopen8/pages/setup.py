"""The setup page."""

from __future__ import annotations

import reflex as rx

from openopen8.components.page import Page
from openopen8.components.text import t


def body() -> rx.Component:
    """What the page shows."""
    return rx.el.p(t("setup.title"))


PAGE = Page("/setup", "setup.title", "user_plus", "public", "", body)
