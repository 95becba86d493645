"""The database goes away and comes back: clean refusals meanwhile, no charge lost, no restart needed (L13, L20)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from openopen8.core.errors import Problem
from openopen8.core.models import Hold, TokenCounter
from openopen8.core.rules.pricing import Counts
from openopen8.core.services.ledger import Ledger, workers
from openopen8.core.services.ledger.sqlite import SqliteStore
from openopen8.core.services.ledger.store import Store, StoreDown
from openopen8.core.tools import Tools
from tests.conftest import database_named
from tests.core.ledger.desk import Desk


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _cut(url: str) -> None:
    """End every connection to the database."""
    with psycopg.connect(database_named(url, "postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (_name(url),))


@contextmanager
def _away(url: str) -> Iterator[None]:
    with psycopg.connect(database_named(url, "postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {_name(url)} ALLOW_CONNECTIONS false")
        _cut(url)
        yield
        connection.execute(f"ALTER DATABASE {_name(url)} ALLOW_CONNECTIONS true")


async def test_a_charge_waits_for_the_database_and_is_written_once_it_is_back(
    postgres_tools: Tools, postgres_url: str
) -> None:
    ledger = await Ledger.open(postgres_tools)
    desk = Desk(postgres_tools, ledger)
    desk.world.channel()
    desk.world.price()
    id, value = desk.world.token(desk.world.user())
    grant = await desk.admit(value)
    models = ledger.snapshot.providers
    with _away(postgres_url):
        settling = ledger.settle(desk.bill(grant, Counts(input=10, output=10)))
        with pytest.raises(Problem) as caught:
            await desk.admit(value)
        assert (caught.value.status, caught.value.code) == (503, "database_unavailable")
        assert not settling.done()
        assert ledger.snapshot.providers == models
    assert (await settling).credits == 200
    await desk.admit(value)
    assert desk.world.one(TokenCounter, id).used == 200
    assert len(desk.world.all(Hold)) == 1
    desk.world.audit()
    await ledger.close()


async def test_a_lost_connection_is_opened_anew_without_a_restart(postgres_tools: Tools, postgres_url: str) -> None:
    ledger = await Ledger.open(postgres_tools)
    desk = Desk(postgres_tools, ledger)
    desk.world.channel()
    desk.world.price()
    _, value = desk.world.token(desk.world.user())
    await desk.admit(value)
    _cut(postgres_url)
    await desk.admit(value)
    assert len(desk.world.all(Hold)) == 2
    desk.world.audit()
    await ledger.close()


class LosesAnswers:
    """A store whose next commit takes place, but whose answer is lost."""

    def __init__(self, inner: Store) -> None:
        self.inner, self.lose = inner, False

    def run(self, work: Any, done: Any) -> None:
        lose, self.lose = self.lose, False
        self.inner.run(work, lambda result: done(StoreDown("answer lost", uncertain=True) if lose else result))

    async def close(self) -> None:
        await self.inner.close()


async def test_a_commit_whose_answer_is_lost_leaves_no_hold_and_charges_once(sqlite_tools: Tools) -> None:
    store = LosesAnswers(SqliteStore(sqlite_tools.db))
    ledger = Ledger(sqlite_tools, store, workers.register(sqlite_tools))
    desk = Desk(sqlite_tools, ledger)
    desk.world.channel()
    desk.world.price()
    id, value = desk.world.token(desk.world.user())
    store.lose = True
    assert (await desk.refusal(value)).code == "database_unavailable"
    grant = await desk.admit(value)
    assert [hold.request_id for hold in desk.world.all(Hold)] == [grant.ask.request_id]
    store.lose = True
    await ledger.settle(desk.bill(grant, Counts(input=10, output=10)))
    assert desk.world.one(TokenCounter, id).used == 200
    desk.world.audit()
    await ledger.close()
