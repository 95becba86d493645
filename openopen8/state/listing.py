"""What every list shares: search, status, sort and page, kept in the address so that a view survives a reload."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

import reflex as rx

from openopen8.core.errors import Problem


class Listing(rx.State, mixin=True):
    """Mix into a page's state: ``class Tokens(Listing, UserPage)``.

    The page sets PATH, SORTS and SIZE, keeps its rows in a variable of its own, and writes
    ``async def _fetch(self)``: ask the service, assign rows and ``total``. Call ``self._open()`` in ``load``.
    """

    PATH: ClassVar[str] = ""
    SORTS: ClassVar[tuple[str, ...]] = ("created_at",)
    SIZE: ClassVar[int] = 20

    search: str = ""
    status: str = ""
    sort: str = "-created_at"
    page: int = 1
    total: int = 0
    ready: bool = False
    failure: str = ""
    address: str = ""
    """Path and query of the present view; the component ``address_bar`` shows it."""

    @rx.event
    async def search_for(self, value: str) -> None:
        """Filter by text."""
        self.search, self.page = str(value)[:200], 1
        await self._refresh()

    @rx.event
    async def filter_by(self, status: str) -> None:
        """Filter by status; empty = all."""
        self.status, self.page = str(status)[:20], 1
        await self._refresh()

    @rx.event
    async def sort_by(self, key: str) -> None:
        """Sort by one of SORTS; the same again turns the order."""
        if key in self.SORTS:
            self.sort, self.page = (key if self.sort == f"-{key}" else f"-{key}"), 1
            await self._refresh()

    @rx.event
    async def turn_to(self, page: int) -> None:
        """Show another page."""
        self.page = min(max(int(page), 1), max(1, -(-self.total // self.SIZE)))
        await self._refresh()

    @rx.event
    async def retry(self) -> None:
        """Load again after a failure."""
        await self._refresh()

    @rx.var
    def first(self) -> int:
        """Number of the first row on show, from 1; 0 when there is none."""
        return min((self.page - 1) * self.SIZE + 1, self.total)

    @rx.var
    def last(self) -> int:
        """Number of the last row on show."""
        return min(self.page * self.SIZE, self.total)

    async def _open(self) -> None:
        """Take the view from the address and load it."""
        query = dict(self.router.url.query_parameters)
        self.search, self.status = str(query.get("search", ""))[:200], str(query.get("status", ""))[:20]
        sort, page = str(query.get("sort", "")), str(query.get("page", ""))
        self.sort = sort if sort.removeprefix("-") in self.SORTS else "-created_at"
        self.page = int(page) if page.isdecimal() and 0 < int(page) <= 100_000 else 1
        await self._refresh()

    async def _refresh(self) -> None:
        try:
            await self._fetch()
            self.failure = ""
        except Problem as problem:
            self.failure = problem.message
        self.ready = True
        self.address = self._address()

    async def _fetch(self) -> None:
        """Every list asks its own service here."""

    def _address(self) -> str:
        view: dict[str, Any] = {"search": self.search, "status": self.status, "sort": "", "page": ""}
        view["sort"] = self.sort if self.sort != "-created_at" else ""
        view["page"] = self.page if self.page > 1 else ""
        query = urlencode({key: value for key, value in view.items() if value})
        return f"{self.PATH}?{query}" if query else self.PATH
