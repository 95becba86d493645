"""Logging in."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx

from openopen8.core.services import setup
from openopen8.state.entrance import Entrance
from openopen8.state.me import Me
from openopen8.state.tools import tools


class Login(Entrance, Me):
    """The login page; the first start leads to set-up, who is logged in already to the start page."""

    @rx.event
    async def load(self) -> Any:
        """Where the caller belongs."""
        self.begin()
        self.busy = False
        if self._actor is not None:
            return rx.redirect("/")
        return rx.redirect("/setup") if await asyncio.to_thread(setup.needed, tools()) else None
