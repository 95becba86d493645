"""The ledger on PostgreSQL: one asyncpg connection per worker, four round trips per batch, arrays in each."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, count
from typing import Any, NamedTuple, TypeVar

import asyncpg

from openopen8.core.db import postgres_dsn
from openopen8.core.services.ledger import statements as sql
from openopen8.core.services.ledger.changes import Writes
from openopen8.core.services.ledger.items import Wanted
from openopen8.core.services.ledger.known import keys_of
from openopen8.core.services.ledger.rows import Key
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


_NUMBERS = (6, 8, 4, 3, 1)
"""How many columns of ``statements.LOCKED`` mean something, by kind of row."""
_BEGIN_WITHOUT_SYNC = "BEGIN; SET LOCAL synchronous_commit = off"
_MOST_KEYS = 100_000


@lru_cache(maxsize=64)
def _together(statements: tuple[Statement, ...]) -> str:
    """Statements that change different rows as one: their CTEs all run, on one state of the tables."""
    number = count(1)
    parts = []
    for index, statement in enumerate(statements):
        arrays = ", ".join(f"${next(number)}::{kind}" for kind in statement.columns)
        parts.append(f"w{index} AS ({statement.postgres.format(unnest=f'unnest({arrays})')})")
    return f"WITH {', '.join(parts)} SELECT 1"


class Versioned(NamedTuple):
    """A key as it was read, and by whom token and user had been written last: while that stays, the key is current."""

    key: Key
    token: int
    user: int


class PostgresTransaction:
    """Runs the statements' PostgreSQL text with one array per column."""

    def __init__(self, connection: asyncpg.Connection, keys: dict[str, Versioned]) -> None:
        self._connection = connection
        self._keys = keys

    async def version(self) -> None:
        """Nothing tells that nobody else has committed: every batch locks and reads its rows."""

    async def load(self, wanted: Wanted) -> Loaded:
        await self._read_keys(wanted.hashes - self._keys.keys())
        asked = {hash: self._keys[hash] for hash in wanted.hashes if hash in self._keys}
        holds, counters, accounts, versions, revision = await self._lock(wanted, asked)
        current = {(token, by, user_by) for token, by, user_by in versions}
        changed = {hash for hash, v in asked.items() if (v.key.token_id, v.token, v.user) not in current}
        if changed:
            for hash in changed:
                del self._keys[hash]
            return await self.load(wanted)
        stopped = await self._rows(sql.STOPPED.postgres, wanted.stopped)
        keys = {hash: versioned.key for hash, versioned in asked.items()}
        holds = [row for row in holds if row[0] in wanted.holds]
        return Loaded(revision[0][0], keys, counters, accounts, holds, stopped)

    async def select(self, query: str) -> Rows:
        rows: Rows = await self._connection.fetch(query)
        return rows

    async def hear(self, groups: Sequence[str], heard: Sequence[int], since: int) -> Rows:
        for number in sorted({zlib.crc32(name.encode()) - 2**31 for name in groups}):
            await self._connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK_SPACE, number)
        rows: Rows = await self._connection.fetch(sql.HEAR.postgres, heard, since)
        return rows

    async def save(self, writes: Writes) -> None:
        pairs = [(kind, rows) for kind, rows in zip(sql.WRITES, writes, strict=True) if rows]
        # refusals that got no entry are counted in one that may be of the same batch
        first = [pair for pair in pairs if pair[0] is not sql.LOG_SUPPRESS]
        for part in (first, [pair for pair in pairs if pair[0] is sql.LOG_SUPPRESS]):
            if part:
                columns = chain.from_iterable(zip(*rows, strict=True) for _, rows in part)
                await self._connection.fetch(_together(tuple(kind for kind, _ in part)), *columns)

    async def _read_keys(self, hashes: set[str]) -> None:
        if len(self._keys) > _MOST_KEYS:
            self._keys.clear()
        for row in await self._rows(sql.VERSIONED_KEYS, hashes):
            *columns, token, user = row.values()
            for hash, key in keys_of([columns], hashes).items():
                self._keys[hash] = Versioned(key, token, user)

    async def _lock(self, wanted: Wanted, asked: dict[str, Versioned]) -> tuple[list[Row], ...]:
        tokens, users = set(wanted.tokens), set(wanted.users)
        for versioned in asked.values():
            tokens.add(versioned.key.token_id)
            users.add(versioned.key.user_id)
        checked = [versioned.key.token_id for versioned in asked.values()]
        holds = [*wanted.holds, *wanted.stopped]
        found: tuple[list[Row], ...] = ([], [], [], [], [])
        for row in await self._connection.fetch(sql.LOCKED, holds, list(tokens), list(users), checked):
            kind, *values = row.values()
            found[kind].append(values[: _NUMBERS[kind]])
        return found

    async def _rows(self, query: str, values: set[Any]) -> Sequence[asyncpg.Record]:
        if not values:
            return ()
        rows: Sequence[asyncpg.Record] = await self._connection.fetch(query, list(values))
        return rows


class PostgresStore:
    """One connection, opened anew when it was lost."""

    def __init__(self, url: str, durability: str = "full") -> None:
        self._dsn = postgres_dsn(url)
        # full: as the server is set
        self._settings = "; ".join(_SETTINGS if durability == "full" else (*_SETTINGS, "SET synchronous_commit = off"))
        self._connection: asyncpg.Connection | None = None
        self._running: asyncio.Task[None] | None = None
        self._keys: dict[str, Versioned] = {}

    def run(self, work: Work[T], done: Done[T], sync: bool = True) -> None:
        begin = "BEGIN" if sync else _BEGIN_WITHOUT_SYNC
        self._running = asyncio.get_running_loop().create_task(self._run(work, done, begin))

    async def _run(self, work: Work[T], done: Done[T], begin: str) -> None:
        try:
            outcome: T | Exception = await self._tried(work, begin)
        except Exception as error:
            outcome = error
        done(outcome)

    async def _tried(self, work: Work[T], begin: str) -> T:
        for last in (False, False, True):
            try:
                return await self._once(work, begin)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
                if last:
                    raise StoreDown("the database is too busy") from error
            except StoreDown as down:
                self._drop()
                # a connection that was lost while idle: nothing was committed, a new one will do
                if down.uncertain or last:
                    raise
        raise AssertionError("unreachable")

    async def _once(self, work: Work[T], begin: str) -> T:
        committing = False
        try:
            connection = await self._connected()
            await connection.execute(begin)
            try:
                result = await work(PostgresTransaction(connection, self._keys))
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
