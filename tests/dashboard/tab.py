"""A tab without a browser: guard, locks, order of events and what is sent are the real ones."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from reflex_base.event import Event
from reflex_base.utils.format import format_event_handler

from openopen8.core.tools import Tools
from openopen8.openopen8 import app
from openopen8.state.guard import needed

SUFFIX = "_rx_state_"
LONGEST = 20.0


class Tab:
    """One browser tab of whoever holds the session ``login`` (its hash; "" = nobody).

    It stands on /login, whose page load ends: the first event of a tab runs the loads of its page, and those
    of live pages never do.
    """

    def __init__(self, login: str = "") -> None:
        self.token = str(uuid4())
        self.login = login
        self.deltas: list[dict[str, Any]] = []
        self.events: list[Any] = []

    async def send(self, name: str, /, path: str = "/login", query: str = "", **payload: Any) -> Any:
        """Send one event by its wire name; returns its future."""
        address = f"{path}?{query}" if query else path
        data = {"pathname": path, "asPath": address, "query": {}, "headers": {"authorization": self.login}}
        return await app.event_processor.enqueue(self.token, Event(name=name, payload=payload, router_data=data))

    async def run(self, handler: Any, /, **payload: Any) -> None:
        """Send one event and wait until it and what it caused have ended."""
        future = await self.send(format_event_handler(handler), **payload)
        await asyncio.wait_for(future.wait_all(), LONGEST)

    def shown(self, state: Any, name: str) -> Any:
        """The value of a variable that the browser saw last, or None."""
        found = None
        for delta in self.deltas:
            found = delta.get(state.get_full_name(), {}).get(name + SUFFIX, found)
        return found

    def sent_away(self) -> bool:
        """True when the tab was led to the login page."""
        return any(event.name == "_redirect" and event.payload.get("path") == "/login" for event in self.events)


class Tabs:
    """All tabs of a test, on one database."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._tabs: dict[str, Tab] = {}

    def open(self, login: str = "") -> Tab:
        tab = Tab(login)
        self._tabs[tab.token] = tab
        return tab

    async def emit(self, update: Any, token: str) -> None:
        """Stands where the websocket would be."""
        tab = self._tabs.get(token)
        if tab is not None:
            if update.delta:
                tab.deltas.append(update.delta)
            tab.events += update.events


def handlers() -> dict[str, str]:
    """Wire name → role that it needs, of every handler that is registered."""
    from reflex_base.registry import RegistrationContext

    return {name: needed(found) for name, found in RegistrationContext.get().event_handlers.items()}
