"""The first start."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx

from openopen8.core.services import setup
from openopen8.state.entrance import Entrance
from openopen8.state.me import Me
from openopen8.state.tools import tools


class Setup(Entrance, Me):
    """The set-up page; ``code_needed`` when the server listens to others than this machine."""

    code_needed: bool = False

    @rx.event
    async def load(self) -> Any:
        """Nothing to set up: to the login."""
        self.begin()
        self.busy = False
        if not await asyncio.to_thread(setup.needed, tools()):
            return rx.redirect("/login")
        self.code_needed = setup.code_needed(tools())
        return None
