"""Sums and pages of the log are exactly what counting it would give, however far its digest has come."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from openopen8.core.clock import DAY, HOUR, MINUTE, SECOND
from openopen8.core.models import LogEntry
from openopen8.core.rules.roles import Actor
from openopen8.core.services import charts, logs, overview
from openopen8.core.services.duty import Duty
from openopen8.core.services.log_digest import DUTY, Digest, catch_up
from openopen8.core.services.log_filter import sought
from openopen8.core.services.log_sought import EVER
from openopen8.core.services.log_walk import newest
from openopen8.core.services.logs import LogFilter, Summary
from openopen8.core.tools import Tools
from tests.conftest import EVERYTHING
from tests.world import World

SEEDS = range(12 if EVERYTHING else 2)
MODELS = ("m", "n", "often", "never-asked-again")
STATUSES = (200, 200, 200, 200, 201, 400, 401, 429, 499, 502, None)


class Log:
    """A log in the making: entries with clocks that differ, and a digest that is somewhere behind."""

    def __init__(self, tools: Tools, seed: int) -> None:
        self.tools, self.world, self.dice = tools, World(tools), random.Random(seed)
        self.root = self.world.user("root", role="root", balance=0)
        self.users = [self.world.user(f"user-{n}", balance=0) for n in range(3)]
        self.tokens = [(self.world.token(user)[0], user.user_id) for user in self.users for _ in range(2)]
        self.groups = {1: "default", self.world.group("pro"): "pro"}
        self.times: list[int] = []
        self.digest = Digest(Duty(tools.db, DUTY), most=self.dice.choice((1, 97, 5_000)), busy=40)

    def write(self, count: int, span: int) -> None:
        """``count`` entries, over ``span`` ms until now; some come late, some from a clock that is wrong."""
        now = self.tools.now()
        rows = [self._entry(now - span + span * n // count) for n in range(count)]
        with self.tools.db.write() as session:
            session.bulk_insert_mappings(LogEntry, rows)  # type: ignore[arg-type]

    def _entry(self, time: int) -> dict[str, Any]:
        dice = self.dice
        kind = dice.choices(("request", "correction", "credit", "admin", "login"), (90, 3, 2, 2, 3))[0]
        skew = dice.choices((0, dice.randrange(-3000, 3000), dice.randrange(-7 * HOUR, HOUR)), (50, 35, 15))[0]
        token, user = dice.choice(self.tokens)
        row: dict[str, Any] = {"time": time + skew, "kind": kind, "user_id": user}
        self.times.append(time + skew)
        if kind in ("credit", "admin", "login"):
            return {**row, "credits": -7 if kind == "credit" else 0}
        row |= {"token_id": token, "group_id": dice.choice(list(self.groups)), "request_id": f"req_{dice.random()}"}
        row |= {"model": dice.choice(MODELS[:3]), "channel_id": dice.choice((None, 1, 2))}
        row["credits"] = dice.randrange(99)
        if kind == "correction":
            return {**row, "credits": -row["credits"], "period_start": 0}
        status = dice.choice(STATUSES)
        if status in (400, 401):
            return {**row, "channel_id": None, "credits": 0, "status": status, "error": "x"}
        numbers = {name: dice.randrange(50) for name in ("input_tokens", "output_tokens", "cached_tokens")}
        return {**row, **numbers, "status": status, "period_start": dice.choice((0, 5)), "error": ""}

    def filters(self) -> Iterator[tuple[Actor, LogFilter]]:
        """Filters of every kind, alone and together."""
        dice, now = self.dice, self.tools.now()
        while True:
            spans = (0, 1, 40 * SECOND, 50 * MINUTE, 5 * HOUR, 3 * DAY, 9 * DAY)
            times = [dice.choice((now - dice.choice(spans), dice.choice([now, *self.times]))) for _ in range(2)]
            times = [time - dice.choice((0, time % MINUTE, time % HOUR, time % DAY)) for time in times]
            chosen: dict[str, Any] = {
                "token_id": dice.choice(self.tokens)[0],
                "model": dice.choice(MODELS),
                "from_ms": min(times),
                "to_ms": max(times),
                "status": dice.choice(("ok", "error", "200", "401", "418")),
                "kind": dice.choice(logs.KINDS),
                "user_id": dice.choice(self.users).user_id,
                "channel_id": dice.choice((0, 1, 2, 3)),
                "group": dice.choice(list(self.groups.values())),
            }
            few = dice.sample(sorted(chosen), dice.choice((0, 1, 1, 2, 3, 5)))
            actor = self.root if dice.random() < 0.7 else dice.choice(self.users)
            if actor is not self.root:
                few = [name for name in few if name not in ("user_id", "channel_id", "group")]
            yield actor, LogFilter(**{name: chosen[name] for name in few})

    def matching(self, actor: Actor, wanted: LogFilter) -> list[LogEntry]:
        """What the filter lets through, by looking at each entry; newest first."""
        found = [entry for entry in self.world.all(LogEntry) if self._lets(actor, wanted, entry)]
        return sorted(found, key=lambda entry: -(entry.id or 0))

    def _lets(self, actor: Actor, wanted: LogFilter, entry: LogEntry) -> bool:
        status = {"ok": (100, 399), "error": (400, 999)}.get(wanted.status)
        if status is None:
            status = (int(wanted.status), int(wanted.status)) if wanted.status else None
        return all(
            (
                actor.is_admin or entry.user_id == actor.user_id,
                wanted.token_id in (None, entry.token_id),
                wanted.user_id in (None, entry.user_id),
                wanted.channel_id in (None, entry.channel_id),
                wanted.model in ("", entry.model),
                wanted.kind in ("", entry.kind),
                not wanted.group or self.groups.get(entry.group_id or 0) == wanted.group,
                wanted.from_ms is None or entry.time >= wanted.from_ms,
                wanted.to_ms is None or entry.time < wanted.to_ms,
                status is None or (entry.status is not None and status[0] <= entry.status <= status[1]),
            )
        )

    def summed(self, entries: list[LogEntry]) -> Summary:
        charged = [entry for entry in entries if entry.kind in ("request", "correction")]
        asked = [entry for entry in charged if entry.kind == "request"]
        late = [entry for entry in asked if entry.time > self.tools.now() - MINUTE]
        return Summary(
            requests=len(asked),
            input_tokens=sum(entry.input_tokens for entry in asked),
            output_tokens=sum(entry.output_tokens for entry in asked),
            credits=sum(entry.credits for entry in charged),
            rpm=len(late),
            tpm=sum(entry.input_tokens + entry.output_tokens for entry in late),
        )

    def follow(self, deed: str) -> None:
        """The digest does nothing, a round, a round and half of the rest, or all."""
        if deed == "catch up":
            catch_up(self.digest, self.tools.now())
        elif deed != "nothing":
            assert self.digest.duty.take()
            for _ in range(3):
                self.digest.ready()
            self.digest.round()
        if deed == "half":
            self.digest.move(self.tools.now() - 30 * MINUTE)

    def check(self, times: int) -> None:
        """Compare sums, total, pages and the way by ``after`` with counting, for so many filters."""
        for (actor, wanted), _ in zip(self.filters(), range(times), strict=False):
            entries = self.matching(actor, wanted)
            ids = [entry.id for entry in entries]
            assert logs.summary(self.tools, actor, wanted) == self.summed(entries), (actor, wanted)
            first = logs.find(self.tools, actor, wanted, page_size=20)
            assert (first.total, [x.id for x in first.items]) == (len(ids), ids[:20]), (actor, wanted)
            third = logs.find(self.tools, actor, wanted, page=3, page_size=20)
            assert [x.id for x in third.items] == ids[40:60], (actor, wanted)
            assert self.walked(actor, wanted) == ids, (actor, wanted)

    def walked(self, actor: Actor, wanted: LogFilter) -> list[int]:
        found: list[int] = []
        page = logs.find(self.tools, actor, wanted, page_size=77)
        while True:
            found += [x.id for x in page.items]
            if page.next is None:
                return found
            page = logs.find(self.tools, actor, wanted, page_size=77, after=page.next)


@pytest.fixture(params=SEEDS)
def log(tools: Tools, request: pytest.FixtureRequest) -> Iterator[Log]:
    made = Log(tools, request.param)
    yield made
    made.digest.duty.leave()


def test_sums_pages_and_totals_are_those_of_counting_at_any_point_of_the_digest(log: Log) -> None:
    clock: Any = log.tools.clock
    log.check(5)
    spans = [(120, 2 * DAY), (300, 3 * HOUR), (150, 70 * MINUTE), (40, 20 * SECOND), (60, 5 * MINUTE)]
    for count, span in spans:
        clock.advance(span)
        log.write(count, span)
        log.follow(log.dice.choice(("nothing", "round", "catch up", "half")))
        log.check(10)
    for deed in ("catch up", "round"):  # what is new lies in hours of which the rest was moved
        clock.advance(MINUTE)
        log.write(40, 9 * HOUR)
        log.follow(deed)
        log.check(25)


def test_a_search_whose_time_is_up_goes_on_where_it_stopped(log: Log) -> None:
    clock: Any = log.tools.clock
    clock.advance(6 * DAY)
    log.write(400, 6 * DAY)
    catch_up(log.digest, log.tools.now() - 2 * DAY)
    for (actor, wanted), _ in zip(log.filters(), range(12), strict=False):
        ids, searches, next = [], 0, EVER
        while next is not None and searches < 1_000:
            with log.tools.db.snapshot() as session:
                found = newest(session, [sought(session, actor, wanted)], next, 7, late=lambda: True)
            ids += found.ids
            searches, next = searches + 1, found.next
        assert ids == [entry.id for entry in log.matching(actor, wanted)], (actor, wanted)


def test_charts_and_the_start_page_add_up_to_the_log(log: Log) -> None:
    clock: Any = log.tools.clock
    for part in range(3):
        clock.advance(4 * DAY)
        log.write(150, 4 * DAY)
        if part:
            catch_up(log.digest, log.tools.now() - part % 2 * HOUR)
    now, everyone = log.tools.now(), log.root
    requests = [x for x in log.world.log() if x.period_start is not None or (x.status or 0) < 400]
    charges = requests + log.world.log("correction")
    today = [x for x in requests if x.time >= now - now % DAY]
    figures = {x.period: x for x in overview.figures(log.tools, everyone, everyone=True)}
    assert (figures["today"].requests, figures["month"].requests) == (len(today), len(requests))
    assert figures["month"].credits == sum(x.credits for x in charges)
    shares = {x.name: x.credits for x in overview.by_model(log.tools, everyone, everyone=True)}
    assert shares == {model: sum(x.credits for x in charges if x.model == model) for model in MODELS[:3]}
    names = dict(enumerate((token for token, _ in log.tokens)))
    spent = sorted((sum(x.credits for x in charges if x.token_id == token) for token in names.values()), reverse=True)
    assert [x.credits for x in overview.by_token(log.tools, everyone, everyone=True)] == spent[:5]
    token, user = log.tokens[0]
    days = charts.token_days(log.tools, log.users[0], token)
    assert sum(day.credits for day in days) == sum(x.credits for x in charges if x.token_id == token)
    assert sum(day.requests for day in days) == sum(1 for x in requests if x.token_id == token)
    assert user == log.users[0].user_id
