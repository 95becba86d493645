"""An installation on each kind of database, behind each kind of front door."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from openopen8.core.tools import open_tools
from tests.conftest import EVERYTHING, settings_for
from tests.fakes.upstream import FakeUpstream
from tests.system.installation import Installation


@pytest.fixture
def sqlite_installation(tmp_path: Path, sqlite_template: Path) -> Iterator[Installation]:
    (tmp_path / "data").mkdir()
    shutil.copy(sqlite_template, tmp_path / "data" / "openopen8.db")
    tools = open_tools(settings_for(tmp_path / "data"))
    with FakeUpstream() as fake:
        yield Installation(tools, tmp_path, fake)
    tools.close()


@pytest.fixture
def postgres_installation(tmp_path: Path, postgres_url: str) -> Iterator[Installation]:
    tools = open_tools(settings_for(tmp_path / "data", postgres_url))
    with FakeUpstream() as fake:
        yield Installation(tools, tmp_path, fake)
    tools.close()


WAYS = ["hot-sqlite", "asgi-postgres"] + (["asgi-sqlite", "hot-postgres"] if EVERYTHING else [])


@pytest.fixture(params=WAYS)
def installation(request: pytest.FixtureRequest) -> Installation:
    """Both front doors and both kinds of database, each at least once."""
    door, database = request.param.split("-")
    found: Installation = request.getfixturevalue(f"{database}_installation")
    found.hot_path = door == "hot"
    return found
