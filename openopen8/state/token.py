"""One token: its settings, this period's use, its days and its last requests, live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import reflex as rx

from openopen8.core.clock import DAY, to_datetime
from openopen8.core.errors import Problem
from openopen8.core.rules.roles import Actor
from openopen8.core.services import charts, logs, options, tokens
from openopen8.state.bars import Bar, Part, stack
from openopen8.state.log_rows import LogRow
from openopen8.state.log_rows import row_of as log_row_of
from openopen8.state.me import UserPage
from openopen8.state.pulse import rounds
from openopen8.state.token_row import TokenRow, row_of
from openopen8.state.token_value import TokenValue
from openopen8.state.tools import tools
from openopen8.state.worth import dollars

DAYS = 30
LAST = 50


@dataclass(frozen=True)
class Whole:
    """All that the page shows of a token, read in one go."""

    user_id: int
    row: TokenRow
    user: str
    bars: list[Bar]
    names: list[Part]
    entries: list[LogRow]
    addresses: list[str]
    used_worth: str
    total_worth: str


class TokenPage(UserPage):
    """What the page /tokens/[token_number] shows and does."""

    PARAMETER: ClassVar[str] = "token_number"

    row: TokenRow = TokenRow()
    user: str = ""
    bars: list[Bar] = []
    names: list[Part] = []
    entries: list[LogRow] = []
    addresses: list[str] = []
    used_worth: str = ""
    total_worth: str = ""
    ready: bool = False
    missing: bool = False
    failure: str = ""
    _foreign: bool = False

    @rx.event
    async def load(self) -> None:
        """The token that the address names."""
        value = await self.get_state(TokenValue)
        value._forget()
        if self.row.id != self._number():
            self.row, self.bars, self.names, self.entries, self.ready = TokenRow(), [], [], [], False
        await self._refresh()

    @rx.event(background=True)
    async def live(self) -> None:
        """Follow the token while the page is open."""
        number = self._number()
        async for actor in rounds(self, everyone=self._foreign):
            try:
                whole = await asyncio.to_thread(_read, actor, number)
            except Problem:
                async with self:
                    self.missing = True
                continue
            async with self:
                if number == self._number():
                    self._take(whole, actor)

    @rx.event
    async def set_enabled(self, enabled: bool) -> None:
        """Enable or disable the token; offers to take it back."""
        await self._switch(bool(enabled), True)

    @rx.event
    async def undo(self) -> None:
        """Take the last switch back."""
        await self._switch(not self.row.enabled, False)

    @rx.event
    async def retry(self) -> None:
        """Load again after a failure."""
        await self._refresh()

    async def _switch(self, enabled: bool, undo: bool) -> None:
        if await self._do(tokens.set_enabled, (self.row.id,), enabled) is not None:
            word = "enabled" if enabled else "disabled"
            self._say("success", f"tokens.{word}.one", undo=undo, name=self.row.name)
            await self._refresh()

    def _number(self) -> int:
        text = str(getattr(self, self.PARAMETER, ""))
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

    async def _refresh(self) -> None:
        actor = self._actor
        if actor is None:
            return
        try:
            self._take(await asyncio.to_thread(_read, actor, self._number()), actor)
            self.missing, self.failure = False, ""
        except Problem as problem:
            self.missing = problem.status == 404
            self.failure = "" if self.missing else self._words(problem)
        self.ready = True

    def _take(self, whole: Whole, actor: Actor) -> None:
        self._foreign = whole.user_id != actor.user_id
        shown: dict[str, Any] = {
            name: getattr(whole, name) for name in ("row", "bars", "names", "entries", "addresses")
        }
        shown |= {"used_worth": whole.used_worth, "total_worth": whole.total_worth}
        self._show(**shown, user=whole.user if self._foreign else "", now=tools().now())


def _read(actor: Actor, number: int) -> Whole:
    token = tokens.get(tools(), actor, number)
    rate = options.public(tools()).credits_per_usd
    days = [(x.day, x.model, x.credits) for x in charts.token_days(tools(), actor, number, DAYS)]
    bars, names = stack(days, _days(tools().now()))
    entries = logs.find(tools(), actor, logs.LogFilter(token_id=number), page_size=LAST, brief=True).items
    addresses = list(dict.fromkeys(entry.ip for entry in entries if entry.ip))[:5]
    return Whole(
        user_id=token.user_id,
        row=row_of(token),
        user=token.user,
        bars=bars,
        names=names,
        entries=[log_row_of(entry, rate) for entry in entries],
        addresses=addresses,
        used_worth=dollars(token.used, rate),
        total_worth=dollars(token.used_total, rate),
    )


def _days(now: int) -> list[str]:
    """The last DAYS days in UTC, today last."""
    return [f"{to_datetime(now - (DAYS - 1 - back) * DAY):%Y-%m-%d}" for back in range(DAYS)]
