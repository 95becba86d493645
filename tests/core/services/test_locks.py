"""Services on PostgreSQL lock accounts and counters in the ledger's order, so that neither waits for the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, text

from openopen8.core.models import LogEntry
from openopen8.core.rules.roles import Actor
from openopen8.core.services import credits, tokens, users
from openopen8.core.services.tokens import TokenPatch
from openopen8.core.services.users import UserPatch
from openopen8.core.tools import Tools
from tests.world import World

Deed = Callable[[Tools, Actor, Actor, int], object]
DEEDS: dict[str, Deed] = {
    "giving credits": lambda tools, root, ann, _: credits.add(tools, root, ann.user_id, 5, "a gift"),
    "a correction": lambda tools, root, _ann, _: credits.correct(tools, root, "req_1", 5, "a mistake"),
    "changing a token": lambda tools, root, _, id: tokens.update(tools, root, id, TokenPatch(quota_period="daily")),
    "disabling tokens": lambda tools, root, _, id: tokens.set_enabled(tools, root, [id], False),
    "deleting tokens": lambda tools, root, _, id: tokens.delete_many(tools, root, [id]),
    "disabling a user": lambda tools, root, ann, _: users.update(tools, root, ann.user_id, UserPatch(enabled=False)),
    "deleting a user": lambda tools, root, ann, _: users.delete(tools, root, ann.user_id),
}


@pytest.mark.parametrize("name", DEEDS)
def test_an_admins_change_and_a_batch_of_the_ledger_do_not_block_each_other(postgres_tools: Tools, name: str) -> None:
    world = World(postgres_tools)
    root, ann = world.user("root", role="root"), world.user("ann")
    token, _ = world.token(ann)
    charged(postgres_tools, ann, token)
    with postgres_tools.db.engine.connect() as batch, ThreadPoolExecutor(1) as other:
        # the ledger: counters by id, then accounts by id
        batch.execute(text("SELECT used FROM token_counters WHERE token_id = :id FOR UPDATE"), {"id": token})
        batch.execute(text("SELECT held FROM accounts WHERE user_id = :id FOR UPDATE"), {"id": root.user_id})
        done = other.submit(DEEDS[name], postgres_tools, root, ann, token)
        until_it_waits(batch)
        batch.execute(text("SELECT held FROM accounts WHERE user_id = :id FOR UPDATE"), {"id": ann.user_id})
        batch.rollback()
        done.result(30)
    world.audit()


def charged(tools: Tools, ann: Actor, token: int) -> None:
    """A request that cost 10, in all the books."""
    with tools.db.write() as session:
        who = {"user_id": ann.user_id, "token_id": token, "period_start": 0}
        session.add(LogEntry(time=1, request_id="req_1", credits=10, status=200, **who))
        for change in (
            "UPDATE accounts SET balance = balance - 10 WHERE user_id = :u",
            "UPDATE token_counters SET used = 10, used_total = 10 WHERE token_id = :t",
        ):
            session.connection().execute(text(change), {"u": ann.user_id, "t": token})


def until_it_waits(batch: Connection) -> None:
    """Until another connection of this database waits for a lock of this one."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND :me = ANY(pg_blocking_pids(pid))")
    me = batch.execute(text("SELECT pg_backend_pid()")).scalar_one()
    while not batch.execute(waiting, {"me": me}).scalar_one():
        time.sleep(0.01)
