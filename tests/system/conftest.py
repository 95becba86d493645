"""An installation on each kind of database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from openopen8.core.tools import open_tools
from tests.conftest import settings_for
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


@pytest.fixture(params=["sqlite", "postgres"])
def installation(request: pytest.FixtureRequest) -> Installation:
    found: Installation = request.getfixturevalue(f"{request.param}_installation")
    return found
