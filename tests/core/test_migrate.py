"""Migrations make exactly the tables of the models, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from alembic import command
from openopen8.core.migrate import _config as migration_config
from openopen8.core.migrate import migrate
from openopen8.core.models import METADATA, belongs
from openopen8.core.rules.roles import Actor
from openopen8.core.security.keyring import WrongSecretKey
from openopen8.core.services import logs
from openopen8.core.services.duty import Duty
from openopen8.core.services.ledger import audit
from openopen8.core.services.log_digest import DUTY, Digest, catch_up
from openopen8.core.tools import Tools, open_tools
from tests.conftest import database_named, settings_for


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


OLD_LOG = (
    "INSERT INTO log_entries (time, kind, request_id, user_id, token_id, model, upstream_model, endpoint, stream, "
    "input_tokens, output_tokens, cached_tokens, reasoning_tokens, credits, receipt, status, error, retries, address, "
    "suppressed) VALUES (5, '{kind}', '{id}', 1, 1, 'm', '', '', false, 1, 1, 0, 0, {credits}, {receipt}, {status}, "
    "'', 0, '', 0)"
)
OLD = (
    OLD_LOG.format(kind="request", id="req_1", credits=60, receipt="'{\"period_start\": 3}'", status=200),
    OLD_LOG.format(kind="request", id="req_2", credits=0, receipt="NULL", status=429),
    OLD_LOG.format(kind="request", id="req_3", credits=0, receipt="NULL", status="NULL"),
    OLD_LOG.format(kind="correction", id="req_1", credits=-20, receipt="NULL", status="NULL"),
    "INSERT INTO accounts (user_id, balance, held, revision) VALUES (1, -40, 0, 0)",
    "INSERT INTO token_counters (token_id, used, used_total, held, period_start, refused_minute, refused_count) "
    "VALUES (1, 40, 40, 0, 3, 0, 0)",
    "INSERT INTO usage_hours VALUES (1, 0, 1, 'm', 0, 3, 1, 0, 1, 1, 0, 40)",
)


@pytest.fixture(params=["sqlite", "postgres"])
def blank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tools]:
    """Tools on a database without tables."""
    if request.param == "sqlite":
        tools = open_tools(settings_for(tmp_path))
        yield tools
        tools.close()
        return
    server = request.getfixturevalue("postgres_server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE oo8_blank")
    tools = open_tools(settings_for(tmp_path, database_named(server, "oo8_blank")))
    yield tools
    tools.close()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE oo8_blank WITH (FORCE)")


def test_charges_from_before_the_log_was_digested_are_all_there_afterwards(blank: Tools) -> None:
    with blank.db.engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in OLD:
            connection.execute(text(statement))
    assert migrate(blank) is not None
    digest, owner = Digest(Duty(blank.db, DUTY)), Actor(1, "root", "root")
    for _ in range(2):
        found = logs.summary(blank, owner)
        assert (found.requests, found.credits) == (3, 40)
        assert logs.find(blank, owner, logs.LogFilter(kind="correction")).total == 1
        wrong = [finding for finding in audit.run(blank) if not finding.ok]
        assert not wrong, wrong
        catch_up(digest, blank.now())
    digest.duty.leave()
