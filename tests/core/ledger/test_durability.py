"""DURABILITY is what the ledger's own connection is set to, not only what the settings say."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from openopen8.core.config import Settings
from openopen8.core.rules.pricing import Counts
from openopen8.core.services.ledger import Ledger, workers
from openopen8.core.services.ledger.ledger import store_of
from openopen8.core.services.ledger.sqlite import SqliteStore
from openopen8.core.tools import Tools, open_tools
from tests.conftest import settings_for
from tests.core.ledger.desk import Desk
from tests.core.ledger.stores import Notes

SYNCHRONOUS = {"full": 2, "normal": 1}


async def _asked(tools: Tools, query: str, sync: bool = True) -> object:
    """One value, asked in a transaction of the ledger's store."""
    found: list[object] = []
    store = store_of(tools)

    async def ask(tx: object) -> None:
        found.append((await tx.select(query))[0][0])  # type: ignore[attr-defined]

    done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    store.run(ask, done.set_result, sync)
    await done
    await store.close()
    return found[0]


@pytest.mark.parametrize("durability", ["full", "normal"])
async def test_sqlite_syncs_each_commit_unless_told_otherwise(sqlite_tools: Tools, durability: str) -> None:
    settings = settings_for(sqlite_tools.settings.data_dir, durability=durability)
    tools = open_tools(settings, sqlite_tools.clock)
    assert await _asked(tools, "PRAGMA synchronous") == SYNCHRONOUS[durability]
    assert await _asked(tools, "PRAGMA synchronous", sync=False) == SYNCHRONOUS["normal"]
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
    assert await _asked(tools, "SHOW synchronous_commit", sync=False) == "off"
    tools.close()


async def test_what_is_charged_is_synced_and_a_hold_alone_is_not(sqlite_tools: Tools) -> None:
    store = Notes(SqliteStore(sqlite_tools.db))
    desk = Desk(sqlite_tools, Ledger(sqlite_tools, store, workers.register(sqlite_tools)))
    desk.world.channel()
    desk.world.price()
    _, value = desk.world.token(desk.world.user())
    grant = await desk.admit(value)
    assert store.syncs == [False]
    other = asyncio.create_task(desk.admit(value))
    await asyncio.sleep(0)
    await asyncio.gather(other, desk.ledger.settle(desk.bill(grant, Counts(input=1))))
    assert store.syncs == [False, True]  # together: one commit, synced
    await desk.ledger.close()


def test_full_is_the_default_and_others_are_refused() -> None:
    assert Settings(_env_file=None).durability == "full"  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="durability"):
        Settings(_env_file=None, durability="none")  # type: ignore[call-arg,arg-type]
