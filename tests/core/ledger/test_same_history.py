"""A ledger that remembers and one that reads everything anew do the same, whatever happens around them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from openopen8.core.clock import SetClock
from openopen8.core.db import Database
from openopen8.core.models import Group, Token, User
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts
from openopen8.core.services.ledger import Ledger, Progress, Settled, entries, workers
from openopen8.core.services.ledger.sqlite import SqliteStore
from openopen8.core.services.ledger.store import Store
from openopen8.core.tools import open_tools
from tests.conftest import EVERYTHING, START, settings_for
from tests.core.ledger.desk import Desk
from tests.core.ledger.stores import Forgetful, TurnsBack

TOKENS, LEDGERS = 4, 2
which = st.integers(0, TOKENS - 1)
ledgers = st.integers(0, LEDGERS - 1)
some = st.integers(0, 300)
request = st.one_of(
    st.tuples(st.just("admit"), which, some, some),
    st.tuples(st.just("settle"), st.integers(0, 9), some, some),
    st.tuples(st.just("advance"), st.integers(0, 9), some, some),
)
step = st.one_of(
    st.tuples(st.just("batch"), ledgers, st.lists(request, min_size=1, max_size=6)),
    st.tuples(st.just("batch"), ledgers, st.lists(request, min_size=1, max_size=6)),
    st.tuples(st.just("token"), which, st.sampled_from([
        {"enabled": False}, {"enabled": True}, {"quota": None}, {"quota": 5_000}, {"rate_limit": 2},
        {"rate_limit": None}, {"expires_at": START + 40_000}, {"expires_at": None}, {"quota_period": "daily"},
    ])),
    st.tuples(st.just("user"), which, st.sampled_from([{"enabled": False}, {"enabled": True}, {"ratio": Decimal(2)}])),
    st.tuples(st.just("credits"), which, st.integers(-3_000, 3_000).filter(bool)),
    st.tuples(st.just("ratio"), st.sampled_from(["0.1", "1", "3"])),
    st.tuples(st.just("clock"), st.sampled_from([1, 500, 29_000, 61_000, 90_000_000])),
    st.tuples(st.just("rollback"), ledgers),
)  # fmt: skip


class House:
    """A database with two ledgers on it, and all that happened so far."""

    def __init__(self, folder: Path, template: Path, store: Callable[[Database], Store]) -> None:
        shutil.copy(template, folder / "openopen8.db")
        self.clock = SetClock(START)
        self.tools = open_tools(settings_for(folder), self.clock)
        self.stores = [TurnsBack(store(self.tools.db)) for _ in range(LEDGERS)]
        self.desks = [
            Desk(self.tools, Ledger(self.tools, store, workers.register(self.tools))) for store in self.stores
        ]
        world = self.desks[0].world
        world.channel()
        world.price()
        users = [world.user(balance=20_000) for _ in range(2)]
        self.users = [user.user_id for user in users]
        self.tokens = [world.token(users[n % 2], quota=15_000) for n in range(TOKENS)]
        for id, _ in self.tokens:
            world.change(Token, id, hint=f"sk-{id}")  # messages name it
        self.grants: list[Grant] = []

    async def live(self, steps: list[Any]) -> tuple[list[str], dict[str, list[Any]]]:
        """What callers were told, and the tables at the end."""
        told = [line for each in steps for line in await self.step(*each)]
        self.desks[0].world.audit()
        for desk in self.desks:
            await desk.ledger.close()
        tables = {name: self.rows(query) for name, query in TABLES.items()}
        self.tools.close()
        return told, tables

    async def step(self, kind: str, *what: Any) -> list[str]:
        if kind == "batch":
            return await self.batch(self.desks[what[0]], what[1])
        with self.tools.db.write() as session:
            if kind == "token":
                self.change(session, Token, self.tokens[what[0]][0], what[1])
            elif kind == "user":
                self.change(session, User, self.users[what[0] % 2], what[1])
            elif kind == "credits":
                entries.add(session, self.users[what[0] % 2], what[1], "admin", "", "root", self.clock.now())
        if kind == "ratio":
            self.desks[0].world.change(Group, 1, ratio=Decimal(what[0]))
        elif kind == "clock":
            self.clock.advance(what[0])
        elif kind == "rollback":
            self.stores[what[0]].fail = RuntimeError("rolled back")
        return []

    async def batch(self, desk: Desk, requests: list[Any]) -> list[str]:
        """All at once, so that they fall into one transaction."""
        waiting = [self.ask(desk, *each) for each in requests]
        done = await asyncio.gather(*(each for each in waiting if each is not None), return_exceptions=True)
        self.grants += [each for each in done if isinstance(each, Grant)]
        return [self.told(each) for each in done]

    def ask(self, desk: Desk, kind: str, which: int, input: int, output: int) -> Any:
        if kind == "admit":
            return desk.admit(self.tokens[which][1], input_tokens=input, max_output=output)
        if which >= len(self.grants):
            return None
        counts = Counts(input=input, output=output)
        if kind == "settle":
            return desk.ledger.settle(desk.bill(self.grants[which], counts))
        bill = desk.bill(self.grants[which], counts)
        desk.ledger.track(bill.grant.ask.request_id, Tells(Progress(counts, bill.receipt, 1, "m", 5)))
        return desk.ledger._advance()

    def told(self, outcome: Any) -> str:
        if isinstance(outcome, Grant):
            holder = outcome.holder
            numbers = (holder.used, holder.held, holder.balance, holder.user_held, holder.period_start)
            return f"grant {outcome.hold} {outcome.ratio} {numbers} {outcome.rate_headers}"
        if isinstance(outcome, Settled | None):
            return repr(outcome)
        return f"{outcome!r} {getattr(outcome, 'headers', None)}"

    def change(self, session: Any, table: type[Any], id: int, fields: dict[str, Any]) -> None:
        row = session.get(table, id)
        for name, value in fields.items():
            setattr(row, name, value)
        session.add(row)

    def rows(self, query: str) -> list[Any]:
        with self.tools.db.read() as session:
            return [tuple(row) for row in session.connection().execute(text(query))]


class Tells:
    """A stream that got so far."""

    def __init__(self, made: Progress) -> None:
        self.made = made

    def progress(self) -> Progress:
        return self.made


TABLES = {
    "counters": "SELECT * FROM token_counters ORDER BY token_id",
    "accounts": "SELECT * FROM accounts ORDER BY user_id",
    "holds": "SELECT id, token_id, user_id, amount, period_start, admitted_at, progress FROM holds ORDER BY id",
    "log": "SELECT id, time, kind, token_id, credits, receipt, status, error, suppressed FROM log_entries ORDER BY id",
}


@given(st.lists(step, max_size=25))
@settings(
    max_examples=400 if EVERYTHING else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_ledger_that_remembers_does_what_one_does_that_reads_everything(
    sqlite_template: Path, steps: list[Any]
) -> None:
    lives = []
    for store in (SqliteStore, Forgetful):
        with tempfile.TemporaryDirectory() as folder:
            lives.append(asyncio.run(_life(Path(folder), sqlite_template, store, steps)))
    assert lives[0] == lives[1]


async def _life(
    folder: Path, template: Path, store: Callable[[Database], Store], steps: list[Any]
) -> tuple[list[str], dict[str, list[Any]]]:
    return await House(folder, template, store).live(steps)
