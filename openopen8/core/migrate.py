"""Brings the database to this version's tables, under a lock, with a copy of an SQLite file beside it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlmodel import Session

from alembic import command
from openopen8.core.clock import to_datetime
from openopen8.core.models import Option
from openopen8.core.security.keyring import WrongSecretKey
from openopen8.core.tools import Tools

FINGERPRINT = "secret_key_fingerprint"
_ADVISORY_LOCK = 8_008_001


def migrate(tools: Tools) -> str | None:
    """Migrate to the newest revision and check the secret key.

    Returns the revision that was migrated to, None when nothing was to do. Raises WrongSecretKey
    when the database was made with another key.
    """
    if _settled(tools):
        return None
    with _locked(tools) as connection:
        config = _config()
        newest = ScriptDirectory.from_config(config).get_current_head()
        now_at = MigrationContext.configure(connection).get_current_revision()
        if now_at != newest:
            _copy(tools, now_at)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        _check_key(connection, tools)
        return newest if now_at != newest else None


def needed(tools: Tools) -> bool:
    """True when the database is not at this version. Raises WrongSecretKey as :func:`migrate` does."""
    return not _settled(tools)


def _settled(tools: Tools) -> bool:
    """Cheap look without a lock: at the newest revision, with this key."""
    with tools.db.engine.connect() as connection:
        newest = ScriptDirectory.from_config(_config()).get_current_head()
        if MigrationContext.configure(connection).get_current_revision() != newest:
            return False
        known = connection.execute(_FIND_KEY, {"name": FINGERPRINT}).scalar()
        if known is None:
            return False
        _compare(str(known), tools)
        return True


_FIND_KEY = text("SELECT value FROM options WHERE name = :name")


def _check_key(connection: Connection, tools: Tools) -> None:
    known = connection.execute(_FIND_KEY, {"name": FINGERPRINT}).scalar()
    if known is not None:
        _compare(str(known), tools)
        return
    with Session(connection) as session:
        session.add(Option(name=FINGERPRINT, value=tools.keyring.fingerprint))
        session.flush()


def _compare(known: str, tools: Tools) -> None:
    if known.strip('"') != tools.keyring.fingerprint:
        raise WrongSecretKey(
            "This database was made with another secret key. Set SECRET_KEY to that key, or put its file "
            f"secret.key back into {tools.settings.data_dir}."
        )


@contextmanager
def _locked(tools: Tools) -> Iterator[Connection]:
    queue = tools.db.queue
    if queue is not None:
        queue.acquire()
    try:
        with tools.db.engine.connect() as connection:
            if queue is None:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
    finally:
        if queue is not None:
            queue.release()


def _copy(tools: Tools, now_at: str | None) -> Path | None:
    """Before a change: the SQLite file as it was, beside it."""
    path = tools.db.path
    if path is None or now_at is None:
        return None
    moment = to_datetime(tools.now()).strftime("%Y%m%d-%H%M%S")
    target = path.with_name(f"{path.name}.before-{now_at}-{moment}")
    source, copy = sqlite3.connect(path), sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        source.close()
        copy.close()
    shutil.copymode(path, target)
    return target


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_scripts()))
    return config


def _scripts() -> Path:
    """The migrations: in the package when installed from a wheel, else at the top of the checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent / "alembic"
