"""The ledger on PostgreSQL: one asyncpg connection per worker, arrays per batch."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from typing import Any, TypeVar

import asyncpg

from openopen8.core.db import postgres_dsn
from openopen8.core.services.ledger.statements import Query, Statement
from openopen8.core.services.ledger.store import Row, StoreDown, Work

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


class PostgresTransaction:
    """Runs the statements' PostgreSQL text with one array per column."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def fetch(self, query: Query, *lists: Sequence[Any]) -> Sequence[Row]:
        if not lists[0]:
            return ()
        rows: Sequence[Row] = await self._connection.fetch(query.postgres, *lists)
        return rows

    async def select(self, sql: str) -> Sequence[Row]:
        rows: Sequence[Row] = await self._connection.fetch(sql)
        return rows

    async def write(self, statement: Statement, rows: Sequence[Row]) -> None:
        if rows:
            await self._connection.execute(statement.postgres, *(list(column) for column in zip(*rows, strict=True)))

    async def lock(self, names: Sequence[str]) -> None:
        for number in sorted({zlib.crc32(name.encode()) - 2**31 for name in names}):
            await self._connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK_SPACE, number)


class PostgresStore:
    """One connection, opened anew when it was lost."""

    def __init__(self, url: str) -> None:
        self._dsn = postgres_dsn(url)
        self._connection: asyncpg.Connection | None = None

    async def run(self, work: Work[T]) -> T:
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
            transaction = connection.transaction()
            await transaction.start()
            try:
                result = await work(PostgresTransaction(connection))
            except BaseException:
                if not connection.is_closed():
                    await transaction.rollback()
                raise
            committing = True
            await transaction.commit()
            return result
        except _DOWN as error:
            raise StoreDown(type(error).__name__, uncertain=committing) from error

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = None
            try:
                self._connection = await asyncio.wait_for(
                    asyncpg.connect(self._dsn, command_timeout=TIMEOUT, timeout=TIMEOUT), TIMEOUT + 1
                )
            except asyncpg.PostgresError as error:
                raise StoreDown(type(error).__name__) from error
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close(timeout=TIMEOUT)
