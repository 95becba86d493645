"""Migrations make exactly the tables of the models, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from alembic import command
from openopen8.core.migrate import _config as migration_config
from openopen8.core.migrate import migrate
from openopen8.core.models import METADATA, belongs
from openopen8.core.security.keyring import WrongSecretKey
from openopen8.core.tools import Tools, open_tools
from tests.conftest import settings_for


def test_migrated_tables_are_those_of_the_models(tools: Tools) -> None:
    with tools.db.engine.connect() as connection:
        mine = {"include_object": lambda thing, *_: belongs(connection.dialect.name, thing)}
        context = MigrationContext.configure(connection, opts={"compare_type": True, **mine})
        assert compare_metadata(context, METADATA) == []


def test_migrating_again_does_nothing(tools: Tools) -> None:
    assert migrate(tools) is None


def test_another_secret_key_is_a_clear_error(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "openopen8.db")
    tools = open_tools(settings_for(tmp_path, secret_key="another secret key, long enough"))
    with pytest.raises(WrongSecretKey, match="SECRET_KEY"):
        migrate(tools)
    tools.close()


def test_a_copy_of_the_file_stands_beside_it_before_it_is_changed(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "openopen8.db")
    tools = open_tools(settings_for(tmp_path))
    with tools.db.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()
    with pytest.raises(Exception, match="0000"):  # no such revision: the copy came first
        migrate(tools)
    tools.close()
    assert list(tmp_path.glob("openopen8.db.before-0000-*"))


_OLD_HOLD = text(
    "INSERT INTO holds (request_id, worker_id, user_id, token_id, amount, period_start, admitted_at, group_id, "
    "group_ratio, price_id, model, facts, progress) "
    "VALUES (:request, :worker, 1, 2, :amount, 0, 5, 1, '1', 1, 'm', '{\"endpoint\": \"/v1\"}', '{\"retries\": 1}')"
)


def test_holds_of_requests_in_flight_outlive_the_change_of_their_table(tools: Tools) -> None:
    with _alembic(tools) as (connection, config):
        command.downgrade(config, "0001")
        for request, worker, amount in (("req_a", 7, 100), ("req_b", 8, 200), ("req_c", 7, 300)):
            connection.execute(_OLD_HOLD, {"request": request, "worker": worker, "amount": amount})
        command.upgrade(config, "0002")
        held = {row.request_id: row for row in connection.execute(text("SELECT * FROM holds"))}
        assert {name: (row.id >> 40, row.amount, row.model) for name, row in held.items()} == {
            "req_a": (7, 100, "m"),
            "req_b": (8, 200, "m"),
            "req_c": (7, 300, "m"),
        }
        assert len({row.id for row in held.values()}) == 3
        command.downgrade(config, "0001")
        workers = connection.execute(text("SELECT request_id, worker_id FROM holds ORDER BY request_id")).fetchall()
        assert [tuple(row) for row in workers] == [("req_a", 7), ("req_b", 8), ("req_c", 7)]
        command.upgrade(config, "head")


@contextmanager
def _alembic(tools: Tools) -> Iterator[tuple[Connection, Config]]:
    """Alembic on the database, as ``migrate`` runs it."""
    config = migration_config()
    with tools.db.engine.connect() as connection:
        if tools.db.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        yield connection, config
        connection.commit()
