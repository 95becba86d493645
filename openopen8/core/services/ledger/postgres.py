"""The ledger on PostgreSQL: one asyncpg connection per worker, four round trips per batch, arrays in each."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import Any, TypeVar

import asyncpg

from openopen8.core.db import postgres_dsn
from openopen8.core.services.ledger import statements as sql
from openopen8.core.services.ledger.changes import Writes
from openopen8.core.services.ledger.items import Wanted
from openopen8.core.services.ledger.statements import Statement
from openopen8.core.services.ledger.store import Done, Loaded, Row, Rows, StoreDown, Work

T = TypeVar("T")
TIMEOUT = 10.0
"""Seconds for connecting and for one statement."""
_LOCK_SPACE = 8_008
_DOWN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_SETTINGS = (
    # every statement finds its rows by key: plan once, and never for a walk through a whole table
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET jit = off",
)


def _together(statements: Iterable[Statement]) -> str:
    """Statements that change different rows as one: their CTEs all run, on one state of the tables."""
    number = count(1)
    parts = []
    for index, statement in enumerate(statements):
        arrays = ", ".join(f"${next(number)}::{kind}" for kind in statement.columns)
        parts.append(f"w{index} AS ({statement.postgres.format(unnest=f'unnest({arrays})')})")
    return f"WITH {', '.join(parts)} SELECT 1"


_TOGETHER = tuple(statement for statement in sql.WRITES if statement is not sql.LOG_SUPPRESS)
_SAVE = _together(_TOGETHER)
# looks for entries that may be of the same batch
_SUPPRESS = sql.LOG_SUPPRESS.postgres.format(unnest="unnest($1::bigint[], $2::bigint[])")


class PostgresTransaction:
    """Runs the statements' PostgreSQL text with one array per column."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def version(self) -> None:
        """Nothing tells that nobody else has committed: every batch reads and locks its rows."""

    async def load(self, wanted: Wanted) -> Loaded:
        keys = await self._rows(sql.KEYS.postgres, wanted.hashes)
        tokens = wanted.tokens.union([row[3] for row in keys])
        users = wanted.users.union([row[5] for row in keys])
        holds, counters, accounts = await self._numbers(wanted.holds | wanted.stopped, tokens, users)
        stopped = await self._rows(sql.STOPPED.postgres, wanted.stopped)
        return Loaded(keys, counters, accounts, [row for row in holds if row[0] in wanted.holds], stopped)

    async def select(self, query: str) -> Rows:
        rows: Rows = await self._connection.fetch(query)
        return rows

    async def hear(self, groups: Sequence[str], heard: Sequence[int], since: int) -> Rows:
        for number in sorted({zlib.crc32(name.encode()) - 2**31 for name in groups}):
            await self._connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK_SPACE, number)
        rows: Rows = await self._connection.fetch(sql.HEAR.postgres, heard, since)
        return rows

    async def save(self, writes: Writes) -> None:
        if any(writes):
            pairs = zip(sql.WRITES, writes, strict=True)
            columns = chain.from_iterable(_columns(kind, rows) for kind, rows in pairs if kind is not sql.LOG_SUPPRESS)
            await self._connection.fetch(_SAVE, *columns)
        if writes.suppressed:
            await self._connection.execute(_SUPPRESS, *zip(*writes.suppressed, strict=True))

    async def _rows(self, query: str, values: set[Any]) -> Rows:
        if not values:
            return ()
        rows: Rows = await self._connection.fetch(query, list(values))
        return rows

    async def _numbers(self, holds: set[int], tokens: set[int], users: set[int]) -> tuple[list[Row], ...]:
        found: tuple[list[Row], ...] = ([], [], [])
        if holds or tokens or users:
            for row in await self._connection.fetch(sql.NUMBERS, list(holds), list(tokens), list(users)):
                kind, *values = row.values()
                found[kind].append(values[: (5, 8, 4)[kind]])
        return found


def _columns(statement: Statement, rows: list[tuple[Any, ...]]) -> Iterable[Sequence[Any]]:
    return zip(*rows, strict=True) if rows else [()] * len(statement.columns)


class PostgresStore:
    """One connection, opened anew when it was lost."""

    def __init__(self, url: str, durability: str = "full") -> None:
        self._dsn = postgres_dsn(url)
        # full: as the server is set
        self._settings = "; ".join(_SETTINGS if durability == "full" else (*_SETTINGS, "SET synchronous_commit = off"))
        self._connection: asyncpg.Connection | None = None
        self._running: asyncio.Task[None] | None = None

    def run(self, work: Work[T], done: Done[T]) -> None:
        self._running = asyncio.get_running_loop().create_task(self._run(work, done))

    async def _run(self, work: Work[T], done: Done[T]) -> None:
        try:
            outcome: T | Exception = await self._tried(work)
        except Exception as error:
            outcome = error
        done(outcome)

    async def _tried(self, work: Work[T]) -> T:
        for last in (False, False, True):
            try:
                return await self._once(work)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
                if last:
                    raise StoreDown("the database is too busy") from error
            except StoreDown as down:
                self._drop()
                # a connection that was lost while idle: nothing was committed, a new one will do
                if down.uncertain or last:
                    raise
        raise AssertionError("unreachable")

    async def _once(self, work: Work[T]) -> T:
        committing = False
        try:
            connection = await self._connected()
            await connection.execute("BEGIN")
            try:
                result = await work(PostgresTransaction(connection))
            except BaseException:
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise
            committing = True
            await connection.execute("COMMIT")
            return result
        except _DOWN as error:
            raise StoreDown(type(error).__name__, uncertain=committing) from error

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = None
            try:
                self._connection = await asyncio.wait_for(self._connect(), TIMEOUT + 1)
            except asyncpg.PostgresError as error:
                raise StoreDown(type(error).__name__) from error
        return self._connection

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            self._dsn, command_timeout=TIMEOUT, timeout=TIMEOUT, max_cached_statement_lifetime=0
        )
        await connection.execute(self._settings)
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close(timeout=TIMEOUT)
