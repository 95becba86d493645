"""Migrations make exactly the tables of the models, on both databases."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

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
