"""The Logs page: the filter lives in the address, the newest entries come by themselves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import reflex as rx

from openopen8.core.rules.roles import Actor
from openopen8.core.services import logs, options
from openopen8.core.services.log_choices import Named, log_choices
from openopen8.core.services.page import LARGEST_ID
from openopen8.core.tools import Tools
from openopen8.state import log_filter
from openopen8.state.first_call import Sample, sample
from openopen8.state.listing import Listing
from openopen8.state.log_filter import Wish
from openopen8.state.log_rows import LogDetail, LogRow, LogSums, detail_of, row_of, sums_of
from openopen8.state.me import UserPage
from openopen8.state.pulse import rounds
from openopen8.state.tools import tools
from openopen8.state.worth import purse

SIZE = 50


@dataclass(frozen=True)
class Choice:
    """One line of a select; ``value`` goes into the address."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Look:
    """What one reading of the log found: a page of entries, the sums of all, credits of one USD.

    ``next``: where the next page begins; ``kept``: after so many days requests are deleted, 0 = never.
    """

    entries: tuple[logs.EntryView, ...]
    total: int
    sums: LogSums
    rate: int
    csv: str
    next: int | None
    kept: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What the selects offer this reader."""

    tokens: list[Choice]
    models: list[str]
    users: list[Choice]


def look(tools: Tools, actor: Actor, wish: Wish, page: int = 1, after: int | None = None) -> Look:
    """A page of entries and the sums of ``wish``; ``after`` is where the page begins, if that is known."""
    now, rate = tools.now(), purse(tools, actor.user_id).rate
    wanted = log_filter.wanted(wish, now)
    after = LARGEST_ID if page == 1 else after
    found = logs.find(tools, actor, wanted, page, SIZE, after, brief=True)
    summary = sums_of(logs.summary(tools, actor, wanted), rate)
    kept = options.public(tools).log_retention_days or 0
    return Look(found.items, found.total, summary, rate, log_filter.csv_address(wish, now), found.next, kept)


def one(tools: Tools, actor: Actor, id: int) -> LogDetail:
    """One entry, opened."""
    return detail_of(logs.get(tools, actor, id), purse(tools, actor.user_id).rate)


def choices(tools: Tools, actor: Actor) -> Choices:
    """Tokens, models and (for admins) users that occur in the reader's log."""
    named = log_choices(tools, actor)
    return Choices(_lines(named.tokens), list(named.models), _lines(named.users))


def _lines(names: tuple[Named, ...]) -> list[Choice]:
    return [Choice(str(x.id), f"{x.name} †" if x.deleted else x.name) for x in names]


class Logs(Listing, UserPage):
    """Rows of a page, newest first; ``waiting`` counts what came while the reader was further down."""

    PATH: ClassVar[str] = "/logs"
    SIZE: ClassVar[int] = SIZE

    rows: list[LogRow] = []
    sums: LogSums = LogSums()
    wish: Wish = Wish()
    tokens: list[Choice] = []
    models: list[str] = []
    users: list[Choice] = []
    csv: str = "/api/logs.csv"
    is_live: bool = True
    scrolled: bool = False
    waiting: int = 0
    since: str = ""
    until: str = ""
    time_error: str = ""
    opened: bool = False
    entry: LogDetail = LogDetail()
    sample: Sample = Sample()
    partly: bool = False
    """Time was up before the page was full: what is older has not been searched yet."""
    kept: int = 0
    _begins: dict[int, int] = {}
    """Where the pages behind those that were shown begin."""

    @rx.var
    def narrowed(self) -> bool:
        """True when the reader chose anything."""
        return self.wish != Wish() or self.search != ""

    @rx.event
    async def load(self) -> None:
        """What the address asks for."""
        self.wish = log_filter.read(dict(self.router.url.query_parameters))
        self.since, self.until, self.time_error = self.wish.since, self.wish.until, ""
        self.waiting, self.scrolled = 0, False
        await self._open()
        await self._choices()
        if not self.rows and not self.narrowed:
            self.sample = await self._do(sample) or Sample()

    @rx.event(background=True)
    async def live(self) -> None:
        """New entries and sums after every change that the reader may see."""
        async for actor in rounds(self, everyone=self.role in ("admin", "root")):
            if not self.is_live:
                continue
            wish = self._wish()
            found = await asyncio.to_thread(look, tools(), actor, wish)
            async with self:
                if wish == self._wish():
                    self._merge(found)

    @rx.event
    async def choose(self, name: str, value: str) -> None:
        """Another token, model, span, status, kind or user."""
        if name not in log_filter.CHOOSABLE:
            return
        self.wish, self.time_error = log_filter.checked(replace(self.wish, **{name: str(value)[:256]})), ""
        if self.wish.span != "custom" or self.wish.since or self.wish.until:
            await self._from_top()

    @rx.event
    def choose_since(self, value: str) -> None:
        """The beginning of the custom span; RFC 3339 in UTC, as the browser worked it out."""
        self.since, self.time_error = str(value)[:40], ""

    @rx.event
    def choose_until(self, value: str) -> None:
        """The end of the custom span."""
        self.until, self.time_error = str(value)[:40], ""

    @rx.event
    async def choose_times(self) -> Any:
        """Apply the custom span."""
        since, until = log_filter.moment(self.since), log_filter.moment(self.until)
        self.time_error = log_filter.fault(since, until)
        if self.time_error:
            return rx.set_focus("log-since")
        self.wish = log_filter.checked(replace(self.wish, span="custom", since=self.since, until=self.until))
        await self._from_top()
        return None

    @rx.event
    async def clear(self) -> None:
        """Back to the plain list."""
        self.wish, self.search, self.since, self.until, self.time_error = Wish(), "", "", "", ""
        await self._from_top()

    @rx.event
    async def switch_live(self, on: bool) -> None:
        """Follow the log, or leave it as it is."""
        self.is_live = bool(on)
        if self.is_live and not self.scrolled:
            await self._from_top()

    @rx.event
    async def scroll(self, down: bool) -> None:
        """The reader went down (new entries wait there) or came back to the top."""
        self.scrolled = bool(down)
        if not self.scrolled and self.waiting and self.page == 1:
            await self._from_top()

    @rx.event
    async def newest(self) -> None:
        """Show what has been waiting."""
        self.scrolled = False
        await self._from_top()

    @rx.event
    async def further(self) -> None:
        """Go on with a search that was not finished."""
        if self.page + 1 in self._begins:
            self.page += 1
            await self._refresh()

    @rx.event
    async def open(self, id: int) -> None:
        """Open one entry."""
        found = await self._do(one, int(id))
        if found is not None:
            self.entry, self.opened = found, True

    @rx.event
    def close(self, open: bool = False) -> None:
        """Close the entry."""
        self.opened = bool(open)

    def _wish(self) -> Wish:
        return replace(self.wish, request=self.search.strip()[:40])

    async def _from_top(self) -> None:
        self.page = 1
        await self._refresh()  # marks what waited as fresh
        self.waiting = 0

    async def _fetch(self) -> None:
        if self.page == 1:
            self._begins = {}
        found = await self._call(look, self._wish(), self.page, self._begins.get(self.page))
        if found.next is not None:
            self._begins = {**self._begins, self.page + 1: found.next}
        newest = self.rows[0].id if self.waiting and self.rows else None
        self.rows = [row_of(entry, found.rate, newest) for entry in found.entries]
        self.sums, self.total, self.csv, self.kept = found.sums, found.total, found.csv, found.kept
        self.partly = found.next is not None and len(found.entries) < SIZE

    async def _choices(self) -> None:
        found = await self._do(choices)
        if found is not None and (found.tokens, found.models, found.users) != (self.tokens, self.models, self.users):
            self.tokens, self.models, self.users = found.tokens, found.models, found.users

    def _merge(self, found: Look) -> None:
        """What came meanwhile: into the list, or counted while the reader is elsewhere in it."""
        newest = self.rows[0].id if self.rows else 0
        if self.scrolled or self.page > 1:
            self.waiting = sum(1 for entry in found.entries if entry.id > newest)
        else:
            rows = [row_of(entry, found.rate, newest) for entry in found.entries]
            if [replace(row, fresh=False) for row in rows] != [replace(row, fresh=False) for row in self.rows]:
                self.rows, self.total = rows, found.total
        if found.sums != self.sums:
            self.sums = found.sums

    def _address(self) -> str:
        return log_filter.address(self._wish(), self.page)

    async def _open(self) -> None:
        query = dict(self.router.url.query_parameters)
        page = str(query.get("page", ""))
        self.search = log_filter.read(query).request
        self.page = int(page) if page.isdecimal() and 0 < int(page) <= 1_000 else 1
        await self._refresh()
