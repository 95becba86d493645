"""The digest of the log: nothing is lost or counted twice, whoever dies and whatever commits late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text

from openopen8.core.clock import HOUR, MINUTE, SetClock
from openopen8.core.models import LogEntry, LogToken, UsageSum
from openopen8.core.rules.roles import Actor
from openopen8.core.services import logs
from openopen8.core.services.duty import Duty
from openopen8.core.services.ledger import Ledger, audit
from openopen8.core.services.log_digest import DUTY, Digest, catch_up, mark
from openopen8.core.services.log_keeper import LogKeeper
from openopen8.core.tools import Tools
from tests.core.ledger.desk import Desk
from tests.world import World


@pytest.fixture
def digest(tools: Tools) -> Iterator[Digest]:
    made = Digest(Duty(tools.db, DUTY), slice=3)
    yield made
    made.duty.leave()


def wrote(tools: Tools, user: Actor, count: int = 1, **fields: object) -> None:
    rows = [{"time": tools.now(), "user_id": user.user_id, "status": 200, "credits": 3, "period_start": 0, **fields}]
    with tools.db.write() as session:
        session.bulk_insert_mappings(LogEntry, rows * count)  # type: ignore[arg-type]


def digested(digest: Digest) -> int:
    with digest.duty.look() as connection:
        return mark(connection, "digested")


async def test_charges_refusals_and_corrections_add_up_before_and_after_the_digest(tools: Tools) -> None:
    ledger = await Ledger.open(tools)
    desk, digest = Desk(tools, ledger), Digest(Duty(tools.db, DUTY))
    desk.world.channel()
    desk.world.price()
    user, root = desk.world.user(), desk.world.user("root", role="root")
    _, value = desk.world.token(user, quota=30_000)
    for turn in range(3):
        assert await desk.spend(value, 1000, 100) == 6_500
        await desk.refusal(value, model="unknown")
        if turn:
            catch_up(digest, tools.now())
        desk.world.audit()
        found = logs.summary(tools, user)
        assert (found.requests, found.credits) == (2 * turn + 2, 6_500 * (turn + 1))
        assert logs.find(tools, root, logs.LogFilter(status="error")).total == turn + 1
    await ledger.close()
    digest.duty.leave()


class Dying(Duty):
    """Dies in one of its steps."""

    steps = 0

    @contextmanager
    def step(self) -> Iterator[Connection]:
        self.steps -= 1
        with super().step() as connection:
            yield connection
            if self.steps == 0:
                raise OSError("no space left")


@pytest.mark.parametrize("steps", range(1, 12))
def test_a_digest_that_dies_at_any_step_goes_on_without_losing_or_doubling(tools: Tools, steps: int) -> None:
    world = World(tools)
    ann = world.user("ann", balance=0)
    tokens = [world.token(ann)[0] for _ in range(4)]
    for token in tokens:
        wrote(tools, ann, 3, token_id=token)
    dying = Digest(Dying(tools.db, DUTY), most=8, slice=3)
    dying.duty.steps = steps  # type: ignore[attr-defined]
    try:
        catch_up(dying, tools.now() + HOUR)
    except OSError:
        assert logs.summary(tools, ann).credits == 36
    catch_up(dying, tools.now() + HOUR)
    assert logs.summary(tools, ann).credits == 36
    assert [logs.find(tools, ann, logs.LogFilter(token_id=id)).total for id in tokens] == [3, 3, 3, 3]
    dying.duty.leave()


def test_one_process_at_a_time_has_the_duty(tools: Tools) -> None:
    one, other = Duty(tools.db, DUTY), Duty(tools.db, DUTY)
    assert one.take() and one.take() and not other.take()
    one.leave()
    assert other.take() and not one.take()
    other.leave()


def test_an_entry_that_commits_after_younger_ones_is_not_forgotten(postgres_tools: Tools) -> None:
    """PostgreSQL hands out ids before the commit: a digest that went by the newest id would skip the slow one."""
    tools, world = postgres_tools, World(postgres_tools)
    ann, digest = world.user("ann", balance=0), Digest(Duty(postgres_tools.db, DUTY))
    with tools.db.engine.connect() as slow:
        row = "INSERT INTO log_entries ({}) SELECT {} FROM log_entries LIMIT 1"
        wrote(tools, ann)
        names = [c.name for c in LogEntry.__table__.columns if c.name != "id"]  # type: ignore[attr-defined]
        slow.execute(text(row.format(", ".join(names), ", ".join(names))))
        wrote(tools, ann)
        catch_up(digest, tools.now())
        assert digested(digest) <= 1 and logs.summary(tools, ann).requests == 2
        slow.commit()
    catch_up(digest, tools.now())
    assert digested(digest) == 3 and logs.summary(tools, ann).requests == 3
    digest.duty.leave()


def test_minutes_are_kept_of_busy_hours_only(digest: Digest, tools: Tools) -> None:
    world, clock = World(tools), tools.clock
    assert isinstance(clock, SetClock)
    ann = world.user("ann", balance=0)
    token, _ = world.token(ann)
    digest.busy = 10
    wrote(tools, ann, 9, token_id=token)
    clock.advance(HOUR)
    wrote(tools, ann, 11, token_id=token)
    clock.advance(MINUTE)
    catch_up(digest, tools.now())
    before = minutes(world)
    clock.advance(4 * HOUR)
    catch_up(digest, tools.now())
    assert (before, minutes(world)) == ({9, 11}, {11})


def minutes(world: World) -> set[int]:
    return {row.entries for row in world.all(UsageSum) if row.grain == 60}


def test_a_keeper_follows_the_log_and_leaves_when_told(tools: Tools) -> None:
    world, keeper = World(tools), LogKeeper(tools, digest_every=0, move_every=0)
    other = LogKeeper(tools)
    ann = world.user("ann", balance=0)
    token, _ = world.token(ann)
    wrote(tools, ann, 2, token_id=token, time=tools.now() - 5 * MINUTE)
    for _ in range(4):
        keeper.turn()
        other.turn()
    days = [row for row in world.all(UsageSum) if row.grain == 86_400 and row.token_id == token]
    assert [row.requests for row in days] == [2]
    if tools.db.is_sqlite:
        assert len(world.all(LogToken)) == 2
    taker = Duty(tools.db, DUTY)
    assert not taker.take()
    keeper.leave()
    keeper.turn()
    other.leave()
    assert taker.take()
    taker.leave()


def test_a_keeper_with_nothing_to_do_writes_nothing_L15(sqlite_tools: Tools) -> None:
    """Else every open page of an idle installation would look whether something has changed."""
    tools, world = sqlite_tools, World(sqlite_tools)
    ann, keeper = world.user("ann", balance=0), LogKeeper(tools, digest_every=0, move_every=0, ask_every=0)
    wrote(tools, ann, 2, time=tools.now() - 5 * MINUTE)
    keeper.turn()
    with tools.db.engine.connect() as watcher:
        before = watcher.exec_driver_sql("PRAGMA data_version").scalar()
        for _ in range(5):
            keeper.turn()
        assert watcher.exec_driver_sql("PRAGMA data_version").scalar() == before
    keeper.leave()


DAMAGE = {
    "usage sums = log entries, since the log is whole": "UPDATE usage_sums SET entries = 9 WHERE grain = 3600",
    "usage by day = usage by hour": "UPDATE usage_sums SET requests = 9 WHERE grain = 86400 AND token_id > 0",
    "usage of users and of all = usage of their tokens": "DELETE FROM usage_sums WHERE grain = 3600 AND token_id = 0",
    "used_total = charges of the token": "UPDATE usage_sums SET credits = 1 WHERE grain = 3600 AND token_id > 0",
    "no request is charged twice": "UPDATE log_entries SET request_id = 'req_x'",
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_the_audit_finds_sums_that_are_not_those_of_the_log(tools: Tools, name: str) -> None:
    damage = [DAMAGE[name]]
    if name == "no request is charged twice" and tools.db.is_sqlite:
        damage.append("UPDATE log_requests SET request_id = 'req_x'")
    assert name in await findings_after(tools, *damage)


async def test_the_audit_finds_an_index_that_is_not_that_of_the_log(sqlite_tools: Tools) -> None:
    """On PostgreSQL the database keeps it."""
    assert "the log's index = log entries" in await findings_after(sqlite_tools, "DELETE FROM log_tokens")


async def findings_after(tools: Tools, *damage: str) -> list[str]:
    """What the audit finds in books that were in order before ``damage`` (SQL)."""
    ledger, digest = await Ledger.open(tools), Digest(Duty(tools.db, DUTY))
    desk = Desk(tools, ledger)
    desk.world.channel()
    desk.world.price()
    _, value = desk.world.token(desk.world.user())
    for _ in range(2):
        await desk.spend(value, 10, 10)
    assert isinstance(tools.clock, SetClock)
    tools.clock.advance(MINUTE)
    catch_up(digest, tools.now())
    desk.world.audit()
    with tools.db.write() as session:
        for statement in damage:
            session.connection().execute(text(statement))
    found = [finding.name for finding in audit.run(tools) if not finding.ok]
    await ledger.close()
    digest.duty.leave()
    return found
