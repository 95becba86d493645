"""Reflex's configuration, for `rxconfig.py` at build time and for the dashboard process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import reflex as rx

BACKEND = "http://localhost:8000"
"""Where `reflex run` serves events. Compiled pages call back to where they were loaded from instead."""


class SameOrigin(rx.plugins.Plugin):
    """Replaces the backend address that Reflex writes into the bundle by the page's own origin.

    Reflex would keep the port 8000, or drop the port behind TLS; so a served dashboard works on any
    port and behind any proxy.
    """

    def post_build(self, **context: Any) -> None:
        changed = 0
        for script in Path(context["static_dir"]).rglob("*.js"):
            old = script.read_text()
            new = re.sub(r'(["`])(?:http|ws)://localhost:8000/', r"globalThis.location.origin+\1/", old)
            new = re.sub(r'\[(["`])localhost\1,[^\]]*\]', "[]", new)  # hosts that Reflex would rewrite itself
            if new != old:
                script.write_text(new)
                changed += 1
        if changed < 2:
            raise RuntimeError("Reflex changed its bundle: no backend address to replace")


config = rx.Config(
    app_name="openopen8",
    api_url=BACKEND,
    backend_host="127.0.0.1",  # of `reflex run`
    deploy_url=None,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    state_manager_mode=rx.constants.StateManagerMode.MEMORY,
    redis_token_expiration=12 * 3600,  # the memory manager obeys it too: how long a left page keeps its state
    plugins=[
        rx.plugins.RadixThemesPlugin(theme=rx.theme(accent_color="indigo", gray_color="slate", radius="medium")),
        SameOrigin(),
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
