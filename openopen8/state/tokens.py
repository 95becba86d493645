"""The list of the caller's tokens: filters, ticks, live numbers, enable and disable."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import reflex as rx

from openopen8.core.rules.roles import Actor
from openopen8.core.services import tokens
from openopen8.core.services.page import Page
from openopen8.state.listing import Listing
from openopen8.state.me import UserPage
from openopen8.state.pulse import rounds
from openopen8.state.token_row import TokenRow, glowing, row_of
from openopen8.state.token_value import TokenValue
from openopen8.state.tools import tools

View = tuple[str, str, str, int]
Found = tuple[Page[tokens.TokenView], dict[str, int]]


class Tokens(Listing, UserPage):
    """What the page /tokens shows and does."""

    PATH: ClassVar[str] = "/tokens"
    SORTS: ClassVar[tuple[str, ...]] = ("created_at", "name", "used", "expires_at", "last_used_at")

    rows: list[TokenRow] = []
    counts: dict[str, int] = {}
    ticked: list[int] = []
    deleting: bool = False
    _undo: tuple[tuple[int, ...], bool] = ((), True)

    @rx.event
    async def load(self) -> Any:
        """The list as the address describes it, ``?new=1`` opens the sheet; a value that is still on show goes."""
        wanted = dict(self.router.url.query_parameters).get("new")
        value = await self.get_state(TokenValue)
        value._forget()
        self.ticked, self.deleting = [], False
        await self._open()
        if wanted:
            from openopen8.state.token_form import TokenForm

            return TokenForm.add
        return None

    @rx.event(background=True)
    async def live(self) -> None:
        """Follow every change of the caller's tokens while the page is open."""
        async for actor in rounds(self):
            view = self._view()
            found = await asyncio.to_thread(_ask, actor, view)
            async with self:
                if view == self._view():
                    self._take(found)

    @rx.event
    def tick(self, token_id: int) -> None:
        """Tick or untick a row."""
        here = {row.id for row in self.rows}
        if token_id in here:
            self.ticked = [id for id in self.ticked if id != token_id] + [token_id] * (token_id not in self.ticked)

    @rx.event
    def tick_all(self, on: bool) -> None:
        """All rows of this page, or none."""
        self.ticked = [row.id for row in self.rows] if on else []

    @rx.var
    def all_ticked(self) -> bool:
        """True when every row on show is ticked."""
        return bool(self.rows) and len(self.ticked) == len(self.rows)

    @rx.event
    async def set_enabled(self, token_id: int, enabled: bool) -> None:
        """Enable or disable one token; offers to take it back."""
        await self._switch((token_id,), enabled)

    @rx.event
    async def switch_ticked(self, enabled: bool) -> None:
        """Enable or disable the ticked tokens."""
        await self._switch(tuple(self.ticked), enabled)

    @rx.event
    async def undo(self) -> None:
        """Take the last switch back."""
        ids, enabled = self._undo
        if ids:
            self._undo = ((), True)
            await self._switch(ids, enabled, undo=False)

    @rx.event
    async def show_all(self) -> None:
        """Drop search and status."""
        self.search, self.status, self.page = "", "", 1
        await self._refresh()

    @rx.event
    def example_copied(self) -> None:
        """Say that the clipboard holds a ready call."""
        self._say("info", "tokens.copied")

    @rx.event
    def ask_delete(self, on: bool) -> None:
        """Ask before the ticked tokens go."""
        self.deleting = bool(on) and bool(self.ticked)

    @rx.event
    async def delete_ticked(self) -> None:
        """Delete the ticked tokens, all or none."""
        count = await self._do(tokens.delete_many, tuple(self.ticked))
        self.deleting = False
        if count is not None:
            self.ticked = []
            self._say("success", "tokens.deleted.many", n=count)
        await self._refresh()

    async def _switch(self, ids: tuple[int, ...], enabled: bool, undo: bool = True) -> None:
        changed = tuple(row.id for row in self.rows if row.id in ids and row.enabled != enabled) or ids
        count = await self._do(tokens.set_enabled, changed, enabled)
        if count is None:
            return
        self._undo = (changed, not enabled) if undo else ((), True)
        self.ticked = []
        word = "enabled" if enabled else "disabled"
        names = [row.name for row in self.rows if row.id in changed]
        if len(names) == 1:
            self._say("success", f"tokens.{word}.one", undo=undo, name=names[0])
        else:
            self._say("success", f"tokens.{word}.many", undo=undo, n=count)
        await self._refresh()

    def _view(self) -> View:
        return (self.search, self.status, self.sort, self.page)

    async def _fetch(self) -> None:
        view = self._view()
        found = await asyncio.to_thread(_ask, self._actor, view)
        if self.page > 1 and not found[0].items:
            self.page = max(1, -(-found[0].total // self.SIZE))
            found = await asyncio.to_thread(_ask, self._actor, self._view())
        self._take(found)

    def _take(self, found: Found) -> None:
        page, counts = found
        rows = glowing(self.rows, map(row_of, page.items))
        here = {row.id for row in rows}
        ticked = [id for id in self.ticked if id in here]
        self._show(rows=rows, counts=counts, total=page.total, ticked=ticked, now=tools().now())


def _ask(actor: Actor | None, view: View) -> Found:
    search, status, sort, page = view
    known = actor if actor is not None else Actor(0, "", "")
    status = status if status in tokens.STATUSES else ""
    found = tokens.find(tools(), known, search, status, sort, page, Tokens.SIZE)
    counts = tokens.status_counts(tools(), known, search)
    return found, {"" if name == "all" else name: count for name, count in counts.items()}
