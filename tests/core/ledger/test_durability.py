"""DURABILITY is what the ledger's own connection is set to, not only what the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from openopen8.core.config import Settings
from openopen8.core.services.ledger.ledger import store_of
from openopen8.core.tools import Tools, open_tools
from tests.conftest import settings_for

SYNCHRONOUS = {"full": 2, "normal": 1}


async def _asked(tools: Tools, query: str) -> object:
    """One value, asked in a transaction of the ledger's store."""
    found: list[object] = []
    store = store_of(tools)

    async def ask(tx: object) -> None:
        found.append((await tx.select(query))[0][0])  # type: ignore[attr-defined]

    import asyncio

    done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    store.run(ask, done.set_result)
    await done
    await store.close()
    return found[0]


@pytest.mark.parametrize("durability", ["full", "normal"])
async def test_sqlite_syncs_each_commit_unless_told_otherwise(sqlite_tools: Tools, durability: str) -> None:
    settings = settings_for(sqlite_tools.settings.data_dir, durability=durability)
    tools = open_tools(settings, sqlite_tools.clock)
    assert await _asked(tools, "PRAGMA synchronous") == SYNCHRONOUS[durability]
    assert await _asked(tools, "PRAGMA journal_mode") == "wal"
    with tools.db.read() as session:  # what people change by hand is always on the disk
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 2
    tools.close()


@pytest.mark.parametrize(("durability", "setting"), [("full", "on"), ("normal", "off")])
async def test_postgres_waits_for_the_disk_unless_told_otherwise(
    postgres_url: str, tmp_path: Path, durability: str, setting: str
) -> None:
    tools = open_tools(settings_for(tmp_path, postgres_url, durability=durability))
    assert await _asked(tools, "SHOW synchronous_commit") == setting
    tools.close()


def test_full_is_the_default_and_others_are_refused() -> None:
    assert Settings(_env_file=None).durability == "full"  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="durability"):
        Settings(_env_file=None, durability="none")  # type: ignore[call-arg,arg-type]
