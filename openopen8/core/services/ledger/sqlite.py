"""The ledger on SQLite: transactions run in the event loop, or in a thread while others hold the queue.

When commits get slow (a disk on the network), the COMMIT alone moves to the thread: the loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from openopen8.core.db import BUSY_TIMEOUT_MS, Database, pragmas
from openopen8.core.services.ledger import statements as sql
from openopen8.core.services.ledger.changes import Writes
from openopen8.core.services.ledger.items import Wanted
from openopen8.core.services.ledger.known import keys_of
from openopen8.core.services.ledger.store import Done, Loaded, Rows, StoreDown, Work
from openopen8.core.services.ledger.texts import json_text
from openopen8.core.services.snapshot import REVISION

T = TypeVar("T")

SLOW, QUICK = 0.002, 0.001
"""Seconds that a commit takes: beyond the first on average it moves to a thread, below the second it comes back."""
_SHARE = 0.1
"""Weight of the last commit in the average."""
PROBE_EVERY = 100
"""So many commits in the thread are followed by one in the loop: only there the time is the disk's alone."""
_NOT_BUSY = "PRAGMA busy_timeout=0"
"""The loop must not sleep in SQLite while a foreign program holds the lock of the file."""
_SYNC, _NO_SYNC = "PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL"
_WRITES = tuple(statement.sqlite for statement in sql.WRITES)


class SqliteTransaction:
    """None of its methods ever waits: the coroutine that uses it runs through in one go."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def version(self) -> int:
        """SQLite's own proof that its cached pages are current, so it is as good for rows."""
        return cast(int, self._connection.execute("PRAGMA data_version").fetchone()[0])

    async def load(self, wanted: Wanted) -> Loaded:
        revision = self._connection.execute(REVISION).fetchone()[0] if wanted.revision else None
        keys = self._rows(sql.KEYS, wanted.hashes)
        stopped = self._rows(sql.STOPPED.sqlite, wanted.stopped)
        holds = self._rows(sql.HOLDS, wanted.holds)
        tokens = wanted.tokens.union([row[3] for row in keys], [row[1] for row in (*holds, *stopped)])
        users = wanted.users.union([row[5] for row in keys], [row[2] for row in (*holds, *stopped)])
        counters, accounts = self._rows(sql.COUNTERS, tokens), self._rows(sql.ACCOUNTS, users)
        return Loaded(revision, keys_of(keys, wanted.hashes), counters, accounts, holds, stopped)

    async def select(self, query: str) -> Rows:
        return self._connection.execute(query).fetchall()

    async def hear(self, groups: Sequence[str], heard: Sequence[int], since: int) -> Rows:
        return self._connection.execute(sql.HEAR.sqlite, (json_text(heard), since)).fetchall()

    async def save(self, writes: Writes) -> None:
        run = self._connection.executemany
        for statement, rows in zip(_WRITES, writes, strict=True):
            if rows:
                run(statement, rows)

    def _rows(self, query: str, values: set[Any]) -> Rows:
        if not values:
            return ()
        return self._connection.execute(query, (json_text(sorted(values)),)).fetchall()


class SqliteStore:
    """One connection; writers of all processes queue at the database's lock file."""

    def __init__(self, db: Database, durability: str = "full", timer: Callable[[], float] = time.perf_counter) -> None:
        assert db.queue is not None and db.path is not None
        self._queue = db.queue
        self._connection = sqlite3.connect(db.path, isolation_level=None, check_same_thread=False)
        for pragma in (*pragmas(durability), _NOT_BUSY):
            self._connection.execute(pragma)
        self._syncs = self._may_sync = durability == "full"
        self._transaction = SqliteTransaction(self._connection)
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._timer = timer
        self._commit_seconds = 0.0
        self._until_probe = 0
        self.slow = False
        """True while commits run in the thread."""

    def run(self, work: Work[T], done: Done[T], sync: bool = True) -> None:
        if self._may_sync and sync is not self._syncs:
            self._connection.execute(_SYNC if sync else _NO_SYNC)
            self._syncs = sync
        if not self._take():
            # a thread waits and does the whole: the queue is never held across turns of the event loop, where
            # whoever writes in the loop would wait for a turn that can't come
            self._in_thread(lambda: self._wait_and_run(work), done)
            return
        try:
            result = self._do(work)
        except Exception as error:
            done(error)
            return
        if not self._syncs:
            done(_outcome(lambda: self._commit(result)))
        elif self.slow and self._until_probe:
            self._until_probe -= 1
            self._in_thread(lambda: self._commit(result), done)
        else:
            done(_outcome(lambda: self._measured(result)))

    def _take(self) -> bool:
        """Begin, if that is possible at once."""
        if not self._queue.try_acquire():
            return False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:  # a foreign program holds the file's lock; or worse, which the thread tells
            self._queue.release()
            return False
        return True

    def _wait_and_run(self, work: Work[T]) -> T:
        self._queue.acquire()
        try:
            self._connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._queue.release()
            raise StoreDown(str(error)) from error
        finally:
            self._connection.execute(_NOT_BUSY)
        return self._commit(self._do(work))

    def _do(self, work: Work[T]) -> T:
        """All but the commit; nothing is left of it when it fails."""
        try:
            return run_through(cast("Coroutine[Any, Any, T]", work(self._transaction)))
        except BaseException as error:
            self._roll_back()
            self._queue.release()
            if isinstance(error, sqlite3.OperationalError):
                raise StoreDown(str(error)) from error
            raise

    def _commit(self, result: T) -> T:
        """Make it durable and let the next one in."""
        try:
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.OperationalError):
                raise StoreDown(str(error), uncertain=True) from error
            raise
        finally:
            self._queue.release()
        return result

    def _measured(self, result: T) -> T:
        """Commit in the loop, and find out whether that goes on."""
        began = self._timer()
        self._commit(result)
        took = self._timer() - began
        if self.slow:
            self.slow, self._commit_seconds = took > QUICK, took
        else:
            self._commit_seconds += (took - self._commit_seconds) * _SHARE
            self.slow = self._commit_seconds > SLOW
        self._until_probe = PROBE_EVERY
        return result

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _in_thread(self, call: Any, done: Done[T]) -> None:
        loop = asyncio.get_running_loop()
        self._thread.submit(lambda: loop.call_soon_threadsafe(done, _outcome(call)))

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
        self._connection.close()


def _outcome(call: Any) -> Any:
    try:
        return call()
    except Exception as error:
        return error


def run_through(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    work.close()
    raise RuntimeError("a transaction on SQLite waited for something")
