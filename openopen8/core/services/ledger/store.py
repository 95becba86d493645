"""How the ledger's transactions reach a database; SQLite and PostgreSQL are the two ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from openopen8.core.services.ledger.statements import Query, Statement

T = TypeVar("T")
Row = Sequence[Any]


class Transaction(Protocol):
    """What can be done inside one transaction."""

    async def fetch(self, query: Query, *lists: Sequence[Any]) -> Sequence[Row]:
        """Rows of ``query``; an empty list finds nothing."""
        ...

    async def select(self, sql: str) -> Sequence[Row]:
        """Rows of a query without arguments that both databases understand."""
        ...

    async def write(self, statement: Statement, rows: Sequence[Row]) -> None:
        """Run ``statement`` for each of ``rows``."""
        ...

    async def lock(self, names: Sequence[str]) -> None:
        """Hold other workers off ``names`` until the end of the transaction."""
        ...


Work = Callable[[Transaction], Awaitable[T]]


class Store(Protocol):
    """One connection of one worker."""

    async def run(self, work: Work[T]) -> T:
        """Run ``work`` in one transaction; what it wrote is durable when this returns."""
        ...

    async def close(self) -> None: ...


class StoreDown(Exception):
    """The database can't be reached or did not answer; ``uncertain`` when the commit may have taken place."""

    def __init__(self, message: str, uncertain: bool = False) -> None:
        super().__init__(message)
        self.uncertain = uncertain
