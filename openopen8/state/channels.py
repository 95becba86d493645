"""The Channels page: the list with each channel's state, priority and weight changed in place."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import reflex as rx

from openopen8.core.errors import Problem
from openopen8.core.rules.roles import Actor
from openopen8.core.services import channels
from openopen8.core.services.channel_fields import ChannelPatch
from openopen8.core.tools import Tools
from openopen8.i18n import text
from openopen8.state.channel_rows import ChannelRow, row_of
from openopen8.state.listing import Listing
from openopen8.state.me import AdminPage
from openopen8.state.pulse import rounds
from openopen8.state.tools import tools

IN_PLACE = ("priority", "weight")


def look(tools: Tools, actor: Actor, search: str, sort: str, page: int, size: int) -> tuple[list[ChannelRow], int]:
    """A page of channels and how many there are."""
    found = channels.find(tools, actor, search, sort=sort, page=page, page_size=size)
    return [row_of(view) for view in found.items], found.total


def renumber(tools: Tools, actor: Actor, id: int, name: str, value: int) -> None:
    """Another priority or weight."""
    channels.update(tools, actor, id, ChannelPatch(**{name: value}))


class Channels(Listing, AdminPage):
    """The list and the question before a channel goes."""

    PATH: ClassVar[str] = "/channels"
    SORTS: ClassVar[tuple[str, ...]] = ("name", "type", "priority")
    SIZE: ClassVar[int] = 50

    rows: list[ChannelRow] = []
    doomed: ChannelRow = ChannelRow()
    revision: int = 0
    """Moves on when a number was refused, so that its field shows the old one again."""
    _disabled: int = 0

    @rx.event
    async def load(self) -> Any:
        """The list; ``?new=1`` opens the form."""
        query = dict(self.router.url.query_parameters)
        await self._open()
        if query.get("new"):
            from openopen8.state.channel_form import ChannelForm

            return ChannelForm.add
        return None

    @rx.event(background=True)
    async def live(self) -> None:
        """States change by themselves: rests, keys switched off, tests."""
        async for actor in rounds(self, everyone=True):
            view = self._view()
            rows, total = await asyncio.to_thread(look, tools(), actor, *view)
            async with self:
                if view == self._view():
                    self._show(rows=rows, total=total)

    @rx.event
    async def renumber(self, id: int, name: str, value: str) -> None:
        """Priority or weight, typed in its place in the list: the field was left."""
        row = next((row for row in self.rows if row.id == int(id)), None)
        if row is None or name not in IN_PLACE or str(value).strip() == str(getattr(row, name)):
            return
        try:
            await self._call(renumber, row.id, name, _whole(str(value), self.lang))
            self._say("success", "channels.saved")
        except Problem as problem:
            self._complain(problem)
            self.revision += 1
        except ValueError:
            self._say("error", "channels.bad_number")
            self.revision += 1
        await self._refresh()

    @rx.event
    async def switch(self, id: int, on: bool) -> None:
        """Enable or disable; disabling offers Undo."""
        if await self._do(channels.set_enabled, [int(id)], bool(on)) is not None:
            self._disabled = 0 if on else int(id)
            self._say("success", "channels.enabled" if on else "channels.disabled", undo=not on)
        await self._refresh()

    @rx.event
    async def undo(self) -> None:
        """Enable again what was just disabled."""
        if self._disabled:
            await self._do(channels.set_enabled, [self._disabled], True)
            self._disabled = 0
            self._say("success", "channels.enabled")
            await self._refresh()

    @rx.event
    def ask_delete(self, id: int) -> None:
        """Ask before a channel goes; 0 closes the question."""
        self.doomed = next((row for row in self.rows if row.id == int(id)), ChannelRow())

    @rx.event
    async def delete(self) -> None:
        """Delete the channel that was asked about."""
        id, self.doomed = self.doomed.id, ChannelRow()
        try:
            await self._call(channels.delete, id)
            self._say("success", "channels.deleted")
        except Problem as problem:
            self._complain(problem)
        await self._refresh()

    def _view(self) -> tuple[str, str, int, int]:
        return self.search, "-priority" if self.sort == "-created_at" else self.sort, self.page, self.SIZE

    async def _fetch(self) -> None:
        rows, total = await self._call(look, *self._view())
        self._show(rows=rows, total=total)


def _whole(value: str, lang: str) -> int:
    number = int(value.strip())
    if abs(number) > 1_000_000:
        raise ValueError(text("channels.bad_number", lang))
    return number
