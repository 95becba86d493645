"""The ledger through its own door: admissions, holds and settlements on both databases."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from openopen8.core.clock import DAY, MINUTE, SetClock
from openopen8.core.errors import Problem
from openopen8.core.models import Account, Hold, Token, TokenCounter, User, Worker
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts, price_of
from openopen8.core.services import tokens
from openopen8.core.services.ledger import Ledger, Progress, entries
from openopen8.core.services.tokens import TokenPatch
from tests.core.ledger.desk import Desk


async def test_a_thousand_in_and_five_hundred_out_at_5_and_15_cost_12500(desk: Desk) -> None:
    user = desk.world.user()
    id, value = desk.world.token(user, quota=100_000)
    assert await desk.spend(value, 1000, 500) == 12_500
    counter = desk.world.one(TokenCounter, id)
    assert (counter.used, counter.used_total, counter.held) == (12_500, 12_500, 0)
    assert desk.world.one(Account, user.user_id).balance == 1_000_000 - 12_500
    entry = desk.world.log()[0]
    assert (entry.credits, entry.status, entry.input_tokens, entry.output_tokens) == (12_500, 200, 1000, 500)
    lines = entry.receipt["lines"]
    total = sum(line["count"] * Decimal(line["ratio"]) for line in lines) * Decimal(entry.receipt["group_ratio"])
    assert total == entry.credits
    desk.world.audit()


async def test_a_group_ratio_of_one_half_halves_the_cost(desk: Desk) -> None:
    half = desk.world.group("half", "0.5")
    desk.world.channel(groups=[half])
    _, value = desk.world.token(desk.world.user(group_id=half))
    assert await desk.spend(value, 1000, 500) == 6_250


async def test_a_hold_is_committed_before_the_upstream_is_called(desk: Desk) -> None:
    user = desk.world.user()
    id, value = desk.world.token(user)
    grant = await desk.admit(value, input_tokens=100, max_output=100)
    assert grant.hold == 100 * 5 + 100 * 15
    hold = desk.world.one(Hold, grant.hold_id)
    assert (hold.amount, hold.token_id) == (grant.hold, id)
    assert desk.world.one(TokenCounter, id).held == desk.world.one(Account, user.user_id).held == grant.hold
    desk.world.audit()


async def test_settling_twice_charges_once(desk: Desk) -> None:
    user = desk.world.user()
    _, value = desk.world.token(user)
    bill = desk.bill(await desk.admit(value), Counts(input=10, output=10))
    first, second = await asyncio.gather(desk.ledger.settle(bill), desk.ledger.settle(bill))
    assert sorted((first.credits, second.credits)) == [0, 200]
    assert len(desk.world.log()) == 1
    desk.world.audit()


async def test_fifty_parallel_requests_cannot_spend_a_quota_worth_ten_L1_N1(desk: Desk) -> None:
    id, value = desk.world.token(desk.world.user(), quota=20_000)
    asks = [desk.admit(value, input_tokens=100, max_output=100) for _ in range(50)]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    grants = [a for a in answers if isinstance(a, Grant)]
    refused = [a for a in answers if isinstance(a, Problem)]
    assert len(grants) == 10 and len(refused) == 40
    assert {(p.status, p.code) for p in refused} == {(403, "insufficient_token_quota")}
    for grant in grants:
        await desk.ledger.settle(desk.bill(grant, Counts(input=100, output=100)))
    assert desk.world.one(TokenCounter, id).used == 20_000
    assert (await desk.refusal(value)).code == "token_quota_exhausted"
    desk.world.audit()


async def test_two_ledgers_on_one_database_cannot_spend_the_same_credits(desk: Desk) -> None:
    other = await Ledger.open(desk.tools)
    second = Desk(desk.tools, other)
    id, value = desk.world.token(desk.world.user(balance=20_000))
    asks = [d.admit(value, input_tokens=100, max_output=100) for _ in range(25) for d in (desk, second)]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    grants = [a for a in answers if isinstance(a, Grant)]
    assert len(grants) == 10
    codes = {a.code for a in answers if isinstance(a, Problem)}
    assert codes == {"insufficient_user_quota"}
    for grant in grants:
        await other.settle(desk.bill(grant, Counts(input=100, output=100)))
    await other.close()
    assert desk.world.one(TokenCounter, id).used == 20_000
    desk.world.audit()


async def test_no_charge_is_lost_between_two_ledgers(desk: Desk) -> None:
    other = await Ledger.open(desk.tools)
    second = Desk(desk.tools, other)
    tokens = [desk.world.token(desk.world.user()) for _ in range(3)]
    for _ in range(10):
        await asyncio.gather(*(d.spend(value, 3, 0) for d in (desk, second) for _, value in tokens for _ in range(3)))
    assert [desk.world.one(TokenCounter, id).used for id, _ in tokens] == [15 * 60] * 3
    await other.close()
    desk.world.audit()


async def test_a_small_rest_is_used_by_one_request_whatever_others_give_back(desk: Desk) -> None:
    """Eleven of 150 true credits each fit into 1,520 and something; each was held for 200."""
    id, value = desk.world.token(desk.world.user(), quota=1_520)
    grants = [await desk.admit(value, input_tokens=10, max_output=10) for _ in range(8)]
    served = len(grants)
    while True:
        try:
            grants.append(await desk.admit(value, input_tokens=10, max_output=10))
            served += 1
        except Problem as problem:
            assert problem.code in ("insufficient_token_quota", "token_quota_exhausted")
            if not grants:
                break
            await desk.ledger.settle(desk.bill(grants.pop(0), Counts(output=10)))
            desk.world.audit()
    assert desk.world.one(TokenCounter, id).used == served * 150 == 1_650


async def test_a_small_rest_can_still_be_used_but_not_under_strict_holds(desk: Desk) -> None:
    from openopen8.core.models import Option

    _, value = desk.world.token(desk.world.user(), quota=100)
    assert (await desk.admit(value)).hold == 100
    _, other = desk.world.token(desk.world.user(), quota=100)
    with desk.tools.db.write() as session:
        session.add(Option(name="strict_holds", value=True))
    desk.world.price("unrelated")  # raises the revision
    assert (await desk.refusal(other)).code == "insufficient_token_quota"


async def test_refusals_come_in_the_order_of_the_specification(desk: Desk) -> None:
    world, now = desk.world, desk.tools.now()
    assert (await desk.refusal(None)).code == "invalid_api_key"
    assert (await desk.refusal("sk-" + "x" * 48)).code == "invalid_api_key"
    user = world.user(balance=0)
    broken = Problem(400, "invalid_request", "broken")
    id, value = world.token(
        user, enabled=False, expires_at=now - 1, ip_whitelist=["10.0.0.0/8"], allowed_models=["x"], quota=1, group_id=99
    )
    world.change(User, user.user_id, enabled=False)
    world.change(TokenCounter, id, used=1)

    async def code(**fields: object) -> str:
        return (await desk.refusal(value, **fields)).code

    assert await code(problem=broken) == "token_disabled"
    world.change(Token, id, enabled=True)
    assert await code(problem=broken) == "token_expired"
    world.change(Token, id, expires_at=None)
    assert await code(problem=broken) == "user_disabled"
    world.change(User, user.user_id, enabled=True)
    assert await code(problem=broken) == "ip_not_allowed"
    assert await code(problem=broken, address="10.1.2.3") == "invalid_request"
    world.change(Token, id, ip_whitelist=[])
    assert await code() == "group_not_allowed"
    world.change(Token, id, group_id=None)
    assert await code() == "model_not_allowed"
    world.change(Token, id, allowed_models=["none", "m"])
    assert await code(model="none") == "no_available_channel"
    world.channel(models=("unpriced",))
    world.change(Token, id, allowed_models=[])
    assert await code(model="unpriced") == "model_not_priced"
    assert await code() == "token_quota_exhausted"
    world.change(Token, id, quota=None)
    assert await code() == "insufficient_user_quota"
    logged = [entry.error.split(":")[0] for entry in world.log()]
    assert logged[0] == "token_disabled" and logged[-1] == "insufficient_user_quota" and len(logged) == 11
    world.change(TokenCounter, id, used=0)


async def test_changes_count_from_the_next_request_on(desk: Desk) -> None:
    id, value = desk.world.token(desk.world.user())
    await desk.admit(value)
    desk.world.change(Token, id, enabled=False)
    assert (await desk.refusal(value)).code == "token_disabled"
    desk.world.change(Token, id, enabled=True, allowed_models=["other"])
    assert (await desk.refusal(value)).code == "model_not_allowed"
    desk.world.change(Token, id, allowed_models=[], key_hash=None, deleted_at=1)
    assert (await desk.refusal(value)).code == "invalid_api_key"


async def test_the_old_value_works_until_its_grace_ends(desk: Desk, clock: SetClock) -> None:
    id, value = desk.world.token(desk.world.user())
    old = desk.tools.keyring.hash(value)
    desk.world.change(Token, id, key_hash="new", old_key_hash=old, old_key_until=clock.now() + 1000)
    await desk.admit(value)
    clock.advance(1000)
    assert (await desk.refusal(value)).code == "invalid_api_key"


async def test_rate_limits_are_a_sliding_window_that_counts_admitted_requests_B1(desk: Desk, clock: SetClock) -> None:
    other = await Ledger.open(desk.tools)
    second = Desk(desk.tools, other)
    _, value = desk.world.token(desk.world.user(), rate_limit=6)
    asks = [d.admit(value) for _ in range(10) for d in (desk, second)]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    assert sum(isinstance(a, Grant) for a in answers) == 6
    refused = next(a for a in answers if isinstance(a, Problem))
    assert refused.status == 429 and refused.headers["retry-after"] == "60"
    clock.advance(MINUTE - 1)
    assert (await desk.refusal(value)).headers["retry-after"] == "1"
    clock.advance(1)
    assert isinstance(await second.admit(value), Grant)
    await other.close()


async def test_the_longest_wait_of_several_full_limits_is_told(desk: Desk, clock: SetClock) -> None:
    group = desk.world.group("slow", rate_limit=2)
    desk.world.channel(groups=[group])
    _, first = desk.world.token(desk.world.user(group_id=group))
    _, second = desk.world.token(desk.world.user(group_id=group), rate_limit=1)
    await desk.admit(first)
    clock.advance(MINUTE // 2)
    await desk.admit(second)
    assert (await desk.refusal(first)).headers["retry-after"] == "30"
    assert (await desk.refusal(second)).headers["retry-after"] == "60"


async def test_limits_of_groups_and_of_user_and_model_hold_too(desk: Desk) -> None:
    from openopen8.core.models import Option

    group = desk.world.group("slow", rate_limit=2)
    desk.world.channel(groups=[group], models=("m", "n"))
    desk.world.price("n")
    _, a = desk.world.token(desk.world.user(group_id=group))
    _, b = desk.world.token(desk.world.user(group_id=group))
    await desk.admit(a)
    await desk.admit(b)
    assert (await desk.refusal(a)).status == 429
    _, c = desk.world.token(desk.world.user())
    with desk.tools.db.write() as session:
        session.add(Option(name="user_model_rate_limit", value=1))
    desk.world.channel(models=("n",))
    await desk.admit(c)
    assert (await desk.refusal(c)).status == 429
    await desk.admit(c, model="n")


async def test_a_quota_period_begins_again_at_zero_and_the_total_goes_on(desk: Desk, clock: SetClock) -> None:
    id, value = desk.world.token(desk.world.user(), quota=1000, quota_period="daily")
    assert await desk.spend(value, 200, 0) == 1000
    assert (await desk.refusal(value)).code == "token_quota_exhausted"
    open_over_midnight = None
    clock.advance(DAY)
    open_over_midnight = await desk.admit(value, input_tokens=100, max_output=1)
    clock.advance(DAY)
    assert await desk.spend(value, 100, 0) == 500
    await desk.ledger.settle(desk.bill(open_over_midnight, Counts(input=20)))
    counter = desk.world.one(TokenCounter, id)
    assert (counter.used, counter.used_total) == (500, 1600)
    desk.world.audit()


async def test_two_changes_of_the_period_in_one_millisecond_begin_two_periods(desk: Desk) -> None:
    user = desk.world.user()
    id, value = desk.world.token(user, quota=1000)
    for period in ("daily", "none"):
        tokens.update(desk.tools, user, id, TokenPatch(quota_period=period))
        assert desk.world.one(TokenCounter, id).used == 0
        in_flight = await desk.admit(value, input_tokens=10, max_output=1)
        assert await desk.spend(value, 20, 0) == 100
    tokens.update(desk.tools, user, id, TokenPatch(quota_period="weekly"))
    await desk.ledger.settle(desk.bill(in_flight, Counts(input=10)))
    counter = desk.world.one(TokenCounter, id)
    assert (counter.used, counter.used_total) == (0, 250)
    desk.world.audit()


async def test_a_stream_that_outgrows_its_hold_raises_it(desk: Desk) -> None:
    user = desk.world.user()
    id, value = desk.world.token(user, quota=10_000)
    grant = await desk.admit(value, input_tokens=0, max_output=10)
    counts = Counts(output=700)
    made = Progress(counts, price_of(counts, grant.price, grant.ratio), 1, "m", 12)

    class Meter:
        def progress(self) -> Progress:
            return made

    desk.ledger.track(grant.ask.request_id, Meter())
    await desk.ledger._advance()
    assert (await desk.refusal(value)).code == "insufficient_token_quota"
    assert desk.world.one(Hold, grant.hold_id).amount == 10_500
    desk.world.audit()
    await desk.ledger.settle(desk.bill(grant, Counts(output=710)))
    assert desk.world.one(TokenCounter, id).used == 10_650
    desk.world.audit()


async def test_holds_of_a_dead_worker_are_settled_for_what_was_delivered(desk: Desk) -> None:
    user = desk.world.user()
    id, value = desk.world.token(user)
    dead = await Ledger.open(desk.tools)
    other = Desk(desk.tools, dead)
    whole, stream = await other.admit(value), await other.admit(value, stream=True)
    counts = Counts(input=10, output=30)
    made = Progress(counts, price_of(counts, stream.price, stream.ratio), 1, "m", 12)

    class Meter:
        def progress(self) -> Progress:
            return made

    dead.track(stream.ask.request_id, Meter())
    await dead._advance()
    for task in dead._tasks:
        task.cancel()
    desk.world.change(Worker, dead.worker_id, started="another start")
    assert await desk.ledger.recover() == 2
    assert await desk.ledger.recover() == 0
    assert not desk.world.all(Hold)
    charged = {entry.request_id: entry for entry in desk.world.log()}
    assert charged[whole.ask.request_id].credits == 0
    assert charged[stream.ask.request_id].credits == 10 * 5 + 30 * 15
    assert all(entry.error.startswith("interrupted") for entry in charged.values())
    assert desk.world.one(TokenCounter, id).used == 500
    desk.world.audit()
    await dead.close()


async def test_holds_of_a_living_worker_stay(desk: Desk) -> None:
    _, value = desk.world.token(desk.world.user())
    await desk.admit(value)
    other = await Ledger.open(desk.tools)
    assert len(desk.world.all(Hold)) == 1
    await other.close()


async def test_a_caller_that_leaves_during_admission_leaves_no_hold(desk: Desk) -> None:
    _, value = desk.world.token(desk.world.user())
    waiting = asyncio.create_task(desk.admit(value))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    for _ in range(100):
        if len(desk.world.log()) == 1:
            break
        await asyncio.sleep(0.01)
    assert not desk.world.all(Hold)
    assert desk.world.log()[0].status == 499
    desk.world.audit()


async def test_a_flood_of_refusals_is_counted_in_the_last_entry(desk: Desk) -> None:
    _, value = desk.world.token(desk.world.user(), enabled=False)
    await asyncio.gather(*(desk.refusal(value) for _ in range(100)))
    entries_now = desk.world.log()
    assert len(entries_now) == 60 and entries_now[-1].suppressed == 40


async def test_a_correction_lowers_used_and_raises_the_balance_L3(desk: Desk) -> None:
    user = desk.world.user()
    id, value = desk.world.token(user, quota=1000)
    assert await desk.spend(value, 200, 0) == 1000
    assert (await desk.refusal(value)).code == "token_quota_exhausted"
    request = desk.world.log()[0].request_id
    with desk.tools.db.write() as session:
        entries.correct(session, request, 600, "wrong price", "root", desk.tools.now())
    with pytest.raises(Problem), desk.tools.db.write() as session:
        entries.correct(session, request, 401, "too much", "root", desk.tools.now())
    assert desk.world.one(TokenCounter, id).used == 400
    assert desk.world.one(Account, user.user_id).balance == 1_000_000 - 400
    await desk.admit(value)
    assert desk.world.log("correction")[0].request_id == request
    desk.world.audit()


async def test_a_price_of_zero_holds_nothing_and_needs_no_balance(desk: Desk) -> None:
    desk.world.channel(models=("free",))
    desk.world.price("free", "0", "0")
    _, value = desk.world.token(desk.world.user(balance=0))
    assert (await desk.admit(value, model="free")).hold == 0
    assert (await desk.refusal(value)).code == "insufficient_user_quota"


async def test_the_audit_sees_each_kind_of_wrong_number(desk: Desk) -> None:
    user = desk.world.user()
    id, value = desk.world.token(user)
    await desk.spend(value, 10, 10)
    await desk.admit(value)
    desk.world.audit()
    for model, key, field in (
        (Account, user.user_id, "balance"),
        (Account, user.user_id, "held"),
        (TokenCounter, id, "used"),
        (TokenCounter, id, "used_total"),
        (TokenCounter, id, "held"),
    ):
        before = getattr(desk.world.one(model, key), field)
        desk.world.change(model, key, **{field: before + 1})
        with pytest.raises(AssertionError):
            desk.world.audit()
        desk.world.change(model, key, **{field: before})
    desk.world.audit()
