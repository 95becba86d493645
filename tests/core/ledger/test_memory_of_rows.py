"""The ledger remembers rows only for as long as nobody else has committed: every change counts for the next request."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from openopen8.core.models import Account, Group, Hold, Token, TokenCounter, User
from openopen8.core.rules.pricing import Counts
from openopen8.core.services.ledger import Ledger, workers
from openopen8.core.services.ledger.known import LARGEST, Known
from openopen8.core.services.ledger.rows import Counter
from openopen8.core.services.ledger.sqlite import SqliteStore
from openopen8.core.services.ledger.store import Store, StoreDown
from openopen8.core.tools import Tools
from tests.core.ledger.desk import Desk
from tests.core.ledger.stores import LosesAnswers, TurnsBack, Watched

OpenDesk = Callable[[Store], Desk]


@pytest.fixture
async def open_desk(sqlite_tools: Tools) -> AsyncIterator[OpenDesk]:
    """Desks whose ledgers use the given store."""
    opened: list[Ledger] = []

    def build(store: Store) -> Desk:
        opened.append(Ledger(sqlite_tools, store, workers.register(sqlite_tools)))
        desk = Desk(sqlite_tools, opened[-1])
        desk.world.channel()
        desk.world.price()
        return desk

    yield build
    for ledger in opened:
        await ledger.close()


async def test_rows_that_nobody_else_changed_are_not_read_again(open_desk: OpenDesk, sqlite_tools: Tools) -> None:
    store = Watched(sqlite_tools.db)
    desk = open_desk(store)
    _, value = desk.world.token(desk.world.user(), rate_limit=100)
    assert await desk.spend(value, 10, 10) == 200
    assert store.reads()
    for _ in range(3):
        assert await desk.spend(value, 10, 10) == 200
    assert store.reads() == []
    desk.world.user()
    assert await desk.spend(value, 10, 10) == 200
    assert store.reads()
    desk.world.audit()


@pytest.mark.parametrize(
    ("table", "change", "refusal"),
    [
        (Token, {"enabled": False}, "token_disabled"),
        (Token, {"expires_at": 1}, "token_expired"),
        (Token, {"ip_whitelist": ["10.0.0.1"]}, "ip_not_allowed"),
        (Token, {"allowed_models": ["x"]}, "model_not_allowed"),
        (Token, {"group_id": 99}, "group_not_allowed"),
        (Token, {"quota": 10}, "insufficient_token_quota"),
        (Token, {"key_hash": "other"}, "invalid_api_key"),
        (Token, {"deleted_at": 1}, "invalid_api_key"),
        (User, {"enabled": False}, "user_disabled"),
        (User, {"deleted_at": 1}, "invalid_api_key"),
        (Account, {"balance": 0}, "insufficient_user_quota"),
        (TokenCounter, {"used": 10**6}, "token_quota_exhausted"),
    ],
)
async def test_what_others_change_counts_for_the_next_request(
    desk: Desk, table: type[Any], change: dict[str, Any], refusal: str
) -> None:
    user = desk.world.user()
    id, value = desk.world.token(user, quota=10**6)
    key = user.user_id if table in (User, Account) else id
    was = {name: getattr(desk.world.one(table, key), name) for name in change}
    for _ in range(2):
        await desk.admit(value)
        _set(desk.tools, table, key, change)
        assert (await desk.refusal(value)).code == refusal
        _set(desk.tools, table, key, was)
        await desk.admit(value)


def _set(tools: Tools, table: type[Any], key: int, fields: dict[str, Any]) -> None:
    """Change a row and nothing else: no revision tells of it."""
    with tools.db.write() as session:
        row = session.get(table, key)
        for name, value in fields.items():
            setattr(row, name, value)
        session.add(row)


async def test_a_new_group_ratio_counts_for_the_next_request(desk: Desk) -> None:
    _, value = desk.world.token(desk.world.user())
    assert await desk.spend(value, 100, 0) == 500
    desk.world.change(Group, 1, ratio=Decimal("0.1"))
    assert await desk.spend(value, 100, 0) == 50


async def test_what_another_process_changes_counts_for_the_next_request(
    open_desk: OpenDesk, sqlite_tools: Tools
) -> None:
    desk = open_desk(SqliteStore(sqlite_tools.db))
    id, value = desk.world.token(desk.world.user())
    for _ in range(2):
        await desk.admit(value)
        _elsewhere(sqlite_tools, f"UPDATE tokens SET enabled = 0 WHERE id = {id}")
        assert (await desk.refusal(value)).code == "token_disabled"
        _elsewhere(sqlite_tools, f"UPDATE tokens SET enabled = 1 WHERE id = {id}")


def _elsewhere(tools: Tools, change: str) -> None:
    code = f"import sqlite3; c = sqlite3.connect({str(tools.db.path)!r}); c.execute({change!r}); c.commit()"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_what_was_rolled_back_is_not_remembered(open_desk: OpenDesk, sqlite_tools: Tools) -> None:
    store = TurnsBack(SqliteStore(sqlite_tools.db))
    desk = open_desk(store)
    user = desk.world.user()
    id, value = desk.world.token(user, quota=10_000, rate_limit=4)
    await desk.spend(value, 10, 10)
    store.fail = StoreDown("no room on the disk")
    assert (await desk.refusal(value)).code == "database_unavailable"
    grant = await desk.admit(value)
    store.fail = StoreDown("no room on the disk")
    # the charge is written by the next transaction
    assert (await desk.ledger.settle(desk.bill(grant, Counts(input=10)))).remaining == 10_000 - 250
    assert (desk.world.one(TokenCounter, id).used, desk.world.one(TokenCounter, id).held) == (250, 0)
    for _ in range(2):
        await desk.admit(value)
    assert (await desk.refusal(value)).code == "rate_limit_exceeded"
    desk.world.audit()


async def test_a_lost_answer_leaves_no_wrong_memory(open_desk: OpenDesk, sqlite_tools: Tools) -> None:
    store = LosesAnswers(SqliteStore(sqlite_tools.db))
    desk = open_desk(store)
    id, value = desk.world.token(desk.world.user(), quota=10_000)
    await desk.spend(value, 10, 10)
    store.lose = True
    assert (await desk.refusal(value)).code == "database_unavailable"
    grant = await desk.admit(value, input_tokens=10, max_output=10)
    store.lose = True
    settled = await desk.ledger.settle(desk.bill(grant, Counts(input=10, output=10)))
    assert settled.remaining == 10_000 - 400
    assert desk.world.one(TokenCounter, id).used == 400 and not desk.world.all(Hold)
    desk.world.audit()


def test_memory_is_bounded() -> None:
    known = Known(worker_id=1)
    assert not known.proved(7) and known.proved(7)
    known.counters = {id: Counter(id, 0, 0, 0, 0, None, 0, 0) for id in range(LARGEST)}
    assert not known.proved(7) and not known.counters
