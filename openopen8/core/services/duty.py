"""Background work on the database that one process at a time does, in transactions of its own."""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from openopen8.core.db import Database


class Duty:
    """``take`` it before working. It is free again when it is left or when the process has died.

    SQLite: a lock file. PostgreSQL: a lock of the very connection that does the work, so that a worker that lost it
    can't go on writing.
    """

    def __init__(self, db: Database, name: str) -> None:
        self.db = db
        self.name = name
        self._file: int | None = None
        self._connection: Connection | None = None

    def take(self) -> bool:
        """True when the duty is this process's, now or already."""
        if self._connection is not None and not self._connection.invalidated:
            return True
        self.leave()
        if self.db.path is not None and not self._lock_file(str(self.db.path)):
            return False
        # not of the pool any more: its settings are its own
        connection = self.db.engine.connect()
        connection.detach()
        if not self.db.is_sqlite and not self._lock(connection):
            connection.close()
            return False
        # work that can be done again: after a power cut it is as old as its marks say; commits of others sync it along
        sqlite, postgres = ("PRAGMA synchronous=NORMAL", "PRAGMA temp_store=MEMORY"), ("SET synchronous_commit TO off",)
        for setting in sqlite if self.db.is_sqlite else postgres:
            connection.exec_driver_sql(setting)
        connection.commit()
        self._connection = connection
        return True

    @property
    def connection(self) -> Connection:
        """For reading between the steps."""
        assert self._connection is not None, "take the duty first"
        return self._connection

    @contextmanager
    def step(self) -> Iterator[Connection]:
        """One short transaction; on SQLite in the writers' queue."""
        connection, queue = self.connection, self.db.queue
        if queue is None:
            with connection.begin():
                yield connection
            return
        queue.acquire()
        try:
            with connection.begin():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
        finally:
            queue.release()

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """Reading that holds nothing up; also fills this connection's temporary tables."""
        with self.connection.begin():
            yield self.connection

    def leave(self) -> None:
        """Let another process do it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _lock_file(self, database: str) -> bool:
        file = os.open(f"{database}.{self.name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def _lock(self, connection: Connection) -> bool:
        number = zlib.crc32(f"openopen8 duty {self.name}".encode())
        with connection.begin():
            return bool(connection.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": number}).scalar())
