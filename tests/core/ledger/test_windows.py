"""Rate windows: exact to the request for any number of workers, small for any limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openopen8.core.clock import MINUTE, SetClock
from openopen8.core.errors import Problem
from openopen8.core.models import Admission, Option
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.limits import Limit, Window
from openopen8.core.services.ledger import Ledger
from openopen8.core.services.ledger.windows import Sliding, Windows
from tests.conftest import START
from tests.core.ledger.desk import Desk

moves = st.lists(st.tuples(st.integers(-2_000, 30_000), st.integers(0, 5)), max_size=60)


@given(moves)
def test_a_window_counts_what_lies_in_the_last_minute(moves: list[tuple[int, int]]) -> None:
    sliding, times, now = Sliding(), [], START
    for step, count in moves:
        now = max(now, now + step)  # time goes on, but another worker's admissions may be heard late
        sliding.add(now + min(step, 0), count)
        times += [now + min(step, 0)] * count
        inside = [at for at in times if at > now - MINUTE]
        assert sliding.look(now) == Window(len(inside), min(inside, default=0))


def test_a_window_keeps_no_more_than_its_minute() -> None:
    sliding = Sliding()
    for at in range(0, 100 * MINUTE, 100):
        sliding.add(START + at)
        assert sliding.look(START + at).count == min(at // 100 + 1, 600)
    assert len(sliding._times) < 1300


async def _code(desk: Desk, value: str) -> str:
    try:
        await desk.admit(value)
    except Problem as problem:
        return problem.code
    return "admitted"


@pytest.fixture
async def desks(desk: Desk) -> AsyncIterator[list[Desk]]:
    """Two workers on one database."""
    other = await Ledger.open(desk.tools)
    desk_of_other = Desk(desk.tools, other)
    yield [desk, desk_of_other]
    await other.close()


@pytest.mark.parametrize("kind", ["token", "user", "group"])
async def test_limits_are_exact_across_workers(desks: list[Desk], clock: SetClock, kind: str) -> None:
    world = desks[0].world
    group = world.group("limited", rate_limit=20 if kind == "group" else None)
    world.channel(groups=[group])
    user = world.user(group_id=group, balance=10**9)
    value = world.token(user, rate_limit=20 if kind == "token" else None)[1]
    # no row that both workers lock tells of the other's admissions, where the limit is the group's
    others = {
        "token": value,
        "user": world.token(user)[1],
        "group": world.token(world.user(group_id=group, balance=10**9))[1],
    }
    if kind == "user":
        with desks[0].tools.db.write() as session:
            session.add(Option(name="user_model_rate_limit", value=20))
        world.price("unrelated")  # raises the revision
    for _ in range(2):
        codes: list[str] = []
        for _ in range(3):
            asks = [_code(desks[0], value) for _ in range(3)] + [_code(desks[1], others[kind]) for _ in range(3)]
            codes += await asyncio.gather(*asks)
            clock.advance(1)
        asks = [_code(desks[0], value) for _ in range(10)] + [_code(desks[1], others[kind]) for _ in range(10)]
        rest = await asyncio.gather(*asks)
        assert [*codes, *rest].count("admitted") == 20
        assert set(codes) | set(rest) == {"admitted", "rate_limit_exceeded"}
        clock.advance(MINUTE - 1)
    world.audit()


async def test_a_place_is_free_a_minute_after_it_was_taken(desk: Desk, clock: SetClock) -> None:
    _, value = desk.world.token(desk.world.user(), rate_limit=2)
    await desk.admit(value)
    clock.advance(20_000)
    grant = await desk.admit(value)
    assert grant.rate_headers == {"x-ratelimit-limit-requests": "2", "x-ratelimit-remaining-requests": "0"}
    refusal = await desk.refusal(value)
    assert refusal.headers["retry-after"] == "40"
    clock.advance(39_999)
    assert (await desk.refusal(value)).headers["retry-after"] == "1"
    clock.advance(1)
    assert isinstance(await desk.admit(value), Grant)
    assert (await desk.refusal(value)).headers["retry-after"] == "20"


async def test_a_worker_that_starts_knows_the_last_minute(desk: Desk, clock: SetClock) -> None:
    _, value = desk.world.token(desk.world.user(), rate_limit=3)
    gone = await Ledger.open(desk.tools)
    for each in (Desk(desk.tools, gone), desk):
        await each.admit(value)
    await gone.close()
    fresh = await Ledger.open(desk.tools)
    starting = Desk(desk.tools, fresh)
    await starting.admit(value)
    assert (await starting.refusal(value)).code == "rate_limit_exceeded"
    assert (await desk.refusal(value)).code == "rate_limit_exceeded"
    await fresh.close()


async def test_the_tables_stay_small_whatever_the_limit_is(desk: Desk, clock: SetClock) -> None:
    tokens = [desk.world.token(desk.world.user(), rate_limit=1_000_000)[1] for _ in range(5)]
    for _ in range(100):
        await asyncio.gather(*(desk.admit(value) for value in tokens))
        clock.advance(2_000)
        await desk.ledger._beat()
    await desk.admit(tokens[0])
    kept = desk.world.all(Admission)
    assert 30 <= len(kept) <= 33, "one row for each batch of the last minute"


def test_windows_that_are_empty_are_dropped() -> None:
    windows = Windows(worker_id=1)
    for token in range(100):
        windows.admit([Limit(f"token:{token}", 5)], START)
    assert windows.told(START) is not None and windows.told(START) is None
    assert windows.outdated(START) is None and len(windows._scopes) == 100
    assert windows.outdated(START + MINUTE) is not None and not windows._scopes
