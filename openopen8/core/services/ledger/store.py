"""How the ledger's transactions reach a database; SQLite and PostgreSQL are the two ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from openopen8.core.services.ledger.changes import Writes
from openopen8.core.services.ledger.items import Wanted
from openopen8.core.services.ledger.rows import Key

T = TypeVar("T")
Row = Sequence[Any]
Rows = Sequence[Row]


class Loaded(NamedTuple):
    """What a batch works on; rows as the queries in ``statements`` name their columns, locked until the end."""

    revision: int | None
    """Of the snapshot, when it was wanted."""
    keys: Mapping[str, Key]
    """By the hash that was asked for."""
    counters: Rows
    accounts: Rows
    holds: Rows
    stopped: Rows


class Transaction(Protocol):
    """What can be done inside one transaction."""

    async def version(self) -> int | None:
        """Changes when anybody else commits; None where that can't be told."""
        ...

    async def load(self, wanted: Wanted) -> Loaded:
        """The wanted rows, with the numbers of the tokens and users that they lead to."""
        ...

    async def select(self, sql: str) -> Rows:
        """Rows of a query without arguments that both databases understand."""
        ...

    async def hear(self, groups: Sequence[str], heard: Sequence[int], since: int) -> Rows:
        """What workers admitted after ``since`` and the rows ``heard``; holds others off ``groups`` from now on."""
        ...

    async def save(self, writes: Writes) -> None:
        """Write all."""
        ...


Work = Callable[[Transaction], Awaitable[T]]
Done = Callable[[T | Exception], None]


class Store(Protocol):
    """One connection of one worker; one transaction at a time."""

    def run(self, work: Work[T], done: Done[T], sync: bool = True) -> None:
        """Run ``work`` in one transaction. ``done`` gets its result once that is durable, or what went wrong.

        Without ``sync`` a power cut may take it, unless a later transaction with ``sync`` is durable; a crash of
        this process never does.
        """
        ...

    async def close(self) -> None: ...


class StoreDown(Exception):
    """The database can't be reached or did not answer; ``uncertain`` when the commit may have taken place."""

    def __init__(self, message: str, uncertain: bool = False) -> None:
        super().__init__(message)
        self.uncertain = uncertain
