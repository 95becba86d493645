"""All pages, in menu order: one line each. Pages of installed packages come after them (docs/extending.md)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Final

from openopen8.components.page import Page
from openopen8.pages import channels, home, login, logs, prices, profile, setup, token, tokens

PAGES: Final[tuple[Page, ...]] = (
    setup.PAGE,
    login.PAGE,
    home.PAGE,
    tokens.PAGE,
    token.PAGE,
    logs.PAGE,
    channels.PAGE,
    prices.PAGE,
    profile.PAGE,
)


def installed() -> Iterator[Page]:
    """Pages of other packages, by the entry point group ``openopen8.pages``."""
    for entry in sorted(entry_points(group="openopen8.pages"), key=lambda entry: entry.name):
        yield from entry.load()
