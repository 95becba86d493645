"""The ledger on SQLite: transactions run in the event loop, or in a thread while others hold the queue."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar, cast

from openopen8.core.db import PRAGMAS, Database
from openopen8.core.services.ledger.statements import Query, Statement
from openopen8.core.services.ledger.store import Row, StoreDown, Work

T = TypeVar("T")


class SqliteTransaction:
    """None of its methods ever waits: the coroutine that uses it runs through in one go."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def fetch(self, query: Query, *lists: Sequence[Any]) -> Sequence[Row]:
        if not lists[0]:
            return ()
        return self._connection.execute(query.sqlite, [json.dumps(values) for values in lists]).fetchall()

    async def select(self, sql: str) -> Sequence[Row]:
        return self._connection.execute(sql).fetchall()

    async def write(self, statement: Statement, rows: Sequence[Row]) -> None:
        if rows:
            self._connection.executemany(statement.sqlite, rows)

    async def lock(self, names: Sequence[str]) -> None:
        """The whole database is locked already."""


class SqliteStore:
    """One connection; writers of all processes queue at the database's lock file."""

    def __init__(self, db: Database) -> None:
        assert db.queue is not None and db.path is not None
        self._queue = db.queue
        self._connection = sqlite3.connect(db.path, isolation_level=None, check_same_thread=False)
        for pragma in PRAGMAS:
            self._connection.execute(pragma)

    async def run(self, work: Work[T]) -> T:
        if self._queue.try_acquire():
            return self._guarded(work)
        # never hold the queue across turns of the event loop: a thread waits and does the whole
        return await asyncio.get_running_loop().run_in_executor(None, self._wait_and_run, work)

    def _wait_and_run(self, work: Work[T]) -> T:
        self._queue.acquire()
        return self._guarded(work)

    def _guarded(self, work: Work[T]) -> T:
        try:
            return self._transact(work)
        except sqlite3.OperationalError as error:
            raise StoreDown(str(error)) from error
        finally:
            self._queue.release()

    def _transact(self, work: Work[T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = run_through(cast("Coroutine[Any, Any, T]", work(SqliteTransaction(self._connection))))
            self._connection.execute("COMMIT")
            return result
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    async def close(self) -> None:
        self._connection.close()


def run_through(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    work.close()
    raise RuntimeError("a transaction on SQLite waited for something")
