"""Long texts are counted in part at first: where that number would decide anything, everything is counted."""

from __future__ import annotations

from decimal import Decimal

import pytest

from openopen8.core.errors import Problem
from openopen8.core.models import Account, Hold, Option, Token
from openopen8.core.rules.admission import CountFirst
from tests.core.ledger.desk import Desk

WANTED = 100 * 5 + 100 * 15


async def test_a_sampled_number_sizes_a_hold_that_fits_twice(desk: Desk) -> None:
    _, value = desk.world.token(desk.world.user(balance=2 * WANTED), quota=2 * WANTED)
    assert (await desk.admit(value, sampled=True)).hold == WANTED


@pytest.mark.parametrize("short", ["balance", "quota"])
async def test_where_less_than_twice_the_hold_is_left_everything_is_counted_first(desk: Desk, short: str) -> None:
    room = {"balance": 10**6, "quota": 10**6, short: 2 * WANTED - 1}
    user = desk.world.user(balance=room["balance"])
    _, value = desk.world.token(user, quota=room["quota"], rate_limit=1)
    for _ in range(3):
        with pytest.raises(CountFirst):
            await desk.admit(value, sampled=True)
    assert not desk.world.all(Hold) and not desk.world.log()
    # not even a place in the rate window was taken
    assert (await desk.admit(value)).hold == WANTED
    desk.world.audit()


async def test_strict_holds_always_want_everything_counted(desk: Desk) -> None:
    with desk.tools.db.write() as session:
        session.add(Option(name="strict_holds", value=True))
    desk.world.price("unrelated")  # raises the revision
    _, value = desk.world.token(desk.world.user())
    with pytest.raises(CountFirst):
        await desk.admit(value, sampled=True)
    await desk.admit(value)


async def test_what_is_refused_anyway_is_not_counted(desk: Desk) -> None:
    user = desk.world.user(balance=0)
    id, value = desk.world.token(user)
    assert (await desk.refusal(value, sampled=True)).code == "insufficient_user_quota"
    desk.world.change(Account, user.user_id, balance=10**6)
    desk.world.change(Token, id, quota=0)
    assert (await desk.refusal(value, sampled=True)).code == "token_quota_exhausted"
    broken = Problem(400, "invalid_request", "broken")
    assert (await desk.refusal(value, sampled=True, problem=broken)).code == "invalid_request"


async def test_what_does_not_depend_on_tokens_is_not_counted(desk: Desk) -> None:
    desk.world.channel(models=("free", "each"))
    desk.world.price("free", "0", "0")
    desk.world.price("each", "0", "0", per_call=Decimal(7))
    _, value = desk.world.token(desk.world.user(balance=8))
    assert (await desk.admit(value, model="free", sampled=True)).hold == 0
    assert (await desk.admit(value, model="each", sampled=True)).hold == 7
