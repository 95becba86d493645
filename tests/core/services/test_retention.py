"""Retention deletes entries of the log and changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from openopen8.core.clock import DAY, HOUR, SetClock
from openopen8.core.errors import Problem
from openopen8.core.models import Account, LogEntry, LogRequest, LogToken, LogUser, Task, UsageSum
from openopen8.core.rules.options import Options
from openopen8.core.rules.roles import Actor
from openopen8.core.services import charts, credits, journal, logs, options, overview, tasks
from openopen8.core.services.duty import Duty
from openopen8.core.services.ledger import Ledger
from openopen8.core.services.log_digest import DUTY, Digest, catch_up
from openopen8.core.services.log_keeper import LogKeeper
from openopen8.core.services.logs import LogFilter
from openopen8.core.services.retention import sweep, terms
from openopen8.core.tools import Tools
from tests.core.ledger.desk import Desk


class Past:
    """Ten days of requests, refusals, changes and logins, one of each an hour apart, digested."""

    def __init__(self, tools: Tools, desk: Desk) -> None:
        self.tools, self.desk, self.world = tools, desk, desk.world
        self.clock: Any = tools.clock
        self.duty = Duty(tools.db, DUTY)
        self.root, self.ann = self.world.user("root", role="root"), self.world.user("ann")
        self.token, self.value = self.world.token(self.ann)

    async def live(self) -> None:
        self.desk.world.channel()
        self.desk.world.price()
        for _ in range(10):
            for deed in (self._spend, self._refused, self._changed, self._logged_in):
                await deed()
                self.clock.advance(HOUR)
            self.clock.advance(DAY - 4 * HOUR)
        self.digest()

    def digest(self) -> None:
        catch_up(Digest(self.duty), self.tools.now())

    async def _spend(self) -> None:
        await self.desk.spend(self.value, 10, 10)

    async def _refused(self) -> None:
        await self.desk.refusal(self.value, model=f"unknown-{self.tools.now()}")

    async def _changed(self) -> None:
        with self.tools.db.write() as session:
            journal.admin(session, self.root, self.tools.now(), "changed something")

    async def _logged_in(self) -> None:
        with self.tools.db.write() as session:
            journal.login(session, self.ann, self.tools.now(), "ann logged in.")

    def sweep(self, **days: int) -> list[int]:
        return list(sweep(self.duty, terms(Options(**days), self.tools.now())))

    def ids(self, actor: Actor, **wanted: Any) -> list[int]:
        return [x.id for x in logs.find(self.tools, actor, LogFilter(**wanted), page_size=500).items]

    def facts(self) -> tuple[Any, ...]:
        """What retention must not change."""
        account = self.world.one(Account, self.ann.user_id)
        figures = overview.figures(self.tools, self.ann)
        days = charts.token_days(self.tools, self.ann, self.token)
        return account.balance, figures, days, logs.summary(self.tools, self.ann, LogFilter(status="ok"))


@pytest.fixture
async def past(tools: Tools) -> Any:
    ledger = await Ledger.open(tools)
    made = Past(tools, Desk(tools, ledger))
    await made.live()
    yield made
    await ledger.close()
    made.duty.leave()


async def test_old_requests_go_and_balances_charts_and_sums_stay(past: Past) -> None:
    before, all = past.facts(), past.ids(past.ann, kind="request")
    for deleted in steps(past, log_retention_days=4):
        past.world.audit()
        assert deleted > 0
    left = past.ids(past.ann, kind="request")
    border = past.tools.now() // DAY * DAY - 4 * DAY
    assert left == all[: len(left)] and len(left) == 8
    assert {entry.id for entry in past.world.log()} == set(left) and min(e.time for e in past.world.log()) >= border
    assert past.facts() == before
    past.world.audit()
    assert past.sweep(log_retention_days=4) == [], "the second time there is nothing to do"


def steps(past: Past, **days: int) -> Iterator[int]:
    yield from sweep(past.duty, terms(Options(**days), past.tools.now()))


async def test_nothing_of_a_deleted_entry_stays_in_the_index_nor_refusals_in_the_sums(past: Past) -> None:
    past.sweep(log_retention_days=4, admin_retention_days=2, login_retention_days=2)
    ids = {entry.id for entry in past.world.all(LogEntry)}
    if past.tools.db.is_sqlite:
        for table in (LogToken, LogUser, LogRequest):
            assert {row.id for row in past.world.all(table)} <= ids
    border = past.tools.now() // DAY * DAY - 4 * DAY
    old = [row for row in past.world.all(UsageSum) if row.start < border]
    assert old and all(row.requests > 0 for row in old if row.status >= 0)
    assert all(row.status >= -2 for row in old), "what charges nothing has no sums without its entries"


async def test_lists_and_totals_end_where_deletion_has_begun(past: Past) -> None:
    next(steps(past, log_retention_days=4))
    past.world.audit()
    looks: tuple[tuple[Actor, dict[str, Any]], ...] = (
        (past.ann, {}),
        (past.root, {}),
        (past.root, {"token_id": past.token}),
        (past.ann, {"status": "ok"}),
    )
    for actor, wanted in looks:
        page = logs.find(past.tools, actor, LogFilter(kind="request", **wanted), page_size=500)
        assert len(page.items) == page.total == (4 if wanted.get("status") else 8)


async def test_a_request_is_found_by_its_index_also_where_others_were_deleted(past: Past) -> None:
    past.sweep(log_retention_days=4)
    wanted = past.world.log()[0]
    asked: list[str] = []

    def heard(*each: Any) -> None:
        asked.append(each[2])

    event.listen(past.tools.db.engine, "before_cursor_execute", heard)
    page = logs.find(past.tools, past.root, LogFilter(request_id=wanted.request_id), page_size=50)
    event.remove(past.tools.db.engine, "before_cursor_execute", heard)
    assert [entry.id for entry in page.items] == [wanted.id] and page.next is None
    assert not [statement for statement in asked if "usage_sums" in statement], "sums know no request"


async def test_each_kind_has_its_own_term(past: Past) -> None:
    kinds = ("request", "admin", "login", "credit")
    before = {kind: past.world.log(kind) for kind in kinds}
    past.sweep(login_retention_days=3)
    left = {kind: past.world.log(kind) for kind in kinds}
    assert len(left["login"]) == 3 and all(left[kind] == before[kind] for kind in kinds if kind != "login")
    assert logs.find(past.tools, past.root, LogFilter(kind="login")).total == 3
    assert logs.find(past.tools, past.ann, LogFilter()).total == 3 + 20 + 1
    past.sweep(credit_retention_days=1, admin_retention_days=1)
    assert not past.world.log("credit") and len(past.world.log("admin")) == 1
    past.world.audit()


async def test_a_deleted_request_cannot_be_corrected_and_a_kept_one_only_once(past: Past) -> None:
    requests = [entry for entry in past.world.log() if entry.status == 200]
    credits.correct(past.tools, past.root, requests[-1].request_id, requests[-1].credits, "a mistake")
    past.clock.advance(2 * DAY)
    past.digest()
    past.sweep(log_retention_days=3)
    with pytest.raises(Problem) as gone:
        credits.correct(past.tools, past.root, requests[0].request_id, 1, "too late")
    with pytest.raises(Problem) as twice:
        credits.correct(past.tools, past.root, requests[-1].request_id, 1, "again")
    assert (gone.value.status, twice.value.status) == (404, 400)
    past.world.audit()


async def test_between_two_steps_everybody_may_write(past: Past) -> None:
    deleting = steps(past, log_retention_days=1, login_retention_days=1)
    for _ in deleting:
        await past.desk.spend(past.value, 1, 1)
    past.digest()
    past.world.audit()


async def test_the_keeper_deletes_as_the_settings_say_and_again_the_next_day(past: Past) -> None:
    past.duty.leave()
    keeper = LogKeeper(past.tools, ask_every=0)
    keeper.turn()
    assert len(past.world.log()) == 20
    options.set(past.tools, past.root, {"log_retention_days": 4})
    turns(past, keeper, 8)
    clock: SetClock = past.clock
    clock.advance(DAY)
    turns(past, keeper, 6)
    keeper.leave()
    past.world.audit()


async def test_the_charge_of_a_video_stays_until_the_video_has_ended(past: Past) -> None:
    charge = past.world.log()[4]
    video = Task(
        id="video_1", kind="video", user_id=past.ann.user_id, token_id=past.token, channel_id=1, key_id=1,
        request_id=charge.request_id, form="sora", upstream_id="v", state="running", credits=charge.credits,
        created_at=charge.time, updated_at=charge.time, poll_at=charge.time, expires_at=charge.time + DAY,
    )  # fmt: skip
    tasks.add(past.tools, video)
    past.duty.leave()
    keeper = LogKeeper(past.tools, ask_every=0)
    options.set(past.tools, past.root, {"log_retention_days": 1})
    turns(past, keeper, 16)
    tasks.heard(past.tools, video.id, tasks.News("failed"), past.tools.now())
    assert [entry.credits for entry in past.world.log("correction")] == [-charge.credits]
    turns(past, keeper, 2)
    keeper.leave()
    past.world.audit()


def turns(past: Past, keeper: LogKeeper, left: int) -> None:
    """Turns of the keeper until so many requests are left; each may delete for half a second."""
    for _ in range(40):
        keeper.turn()
        if len(past.world.log()) <= left:
            break
    assert len(past.world.log()) == left


def test_terms_are_whole_days_and_only_those_that_are_set() -> None:
    now = 100 * DAY + 5 * HOUR
    (term,) = terms(Options(login_retention_days=7), now)
    assert (term.kinds, term.before) == (("login",), 93 * DAY)
    assert terms(Options(), now) == ()
