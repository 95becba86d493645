"""The dashboard put together: the app, the guard before every event, each of PAGES in its frame."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import Any

import reflex as rx

from openopen8.components.layout import frame
from openopen8.components.page import Page
from openopen8.i18n import text
from openopen8.pages import PAGES, installed
from openopen8.state.guard import Guard
from openopen8.state.me import Me
from openopen8.styles import STYLESHEETS

log = logging.getLogger("openopen8.dashboard")


def on_error(exception: Exception) -> None:
    """A handler failed: into the log. Reflex's own answer, a toast, needs eval in the browser."""
    log.error("event handler failed", exc_info=exception)


def mount(app: rx.App, page: Page, menu: tuple[Page, ...]) -> None:
    """Add ``page`` in its frame; pages for the logged in also watch balance and session."""
    watch = () if page.role == "public" else (Me.watch,)
    title = text(page.title, "en")
    app.add_page(
        partial(frame, page, menu), route=page.route, title=f"{title} · OpenOpen8", on_load=[*watch, *page.on_load]
    )


def build(pages: tuple[Page, ...], **options: Any) -> rx.App:
    """The app of ``pages``."""
    app = rx.App(
        stylesheets=list(STYLESHEETS),
        backend_exception_handler=on_error,
        toaster=None,
        head_components=[rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml")],
        **options,
    )
    app.app_wraps.pop((5, "Overlay"), None)  # Reflex's own sign of a lost connection: the frame has one
    app.add_middleware(Guard())
    for page in pages:
        mount(app, page, pages)
    return app


def _development() -> dict[str, Any]:
    """Under plain `reflex run` relay and API are mounted here; `openopen8 serve` has them in its workers."""
    if os.environ.get("REFLEX_ENV_MODE") == "prod":
        return {}
    from openopen8.server.dev import api

    return {"api_transformer": api}


app = build((*PAGES, *installed()), **_development())
