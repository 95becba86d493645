"""Claude's batches: passed on to the channel that has them, each user's own, charged from the results."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anthropic
import pytest
from anthropic.types.messages import MessageBatch

from openopen8.core.models import Task, TokenCounter
from relay.tasks.batches import follow
from tests.fakes.vendors.message_batches import Office
from tests.fakes.vendors.play import MODELS
from tests.relay.endpoints.clients import claude_client, openai_client
from tests.relay.house import Build, House
from tests.relay.tasks.studio import balance, later

CHANNEL = {"type": "anthropic", "model_mapping": {"m": MODELS["anthropic"]}}
PATH = "/v1/messages/batches"


def requests(number: int = 2, model: str = "m") -> Any:
    params = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    return [{"custom_id": f"r{at}", "params": params} for at in range(number)]


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
async def house(build: Build, office: Office) -> House:
    house = await build(channel=CHANNEL)
    house.fake.script(office)
    return house


async def begun(house: House) -> tuple[anthropic.AsyncAnthropic, MessageBatch]:
    """Claude's client with a batch of its own."""
    client = claude_client(house)
    return client, await client.messages.batches.create(requests=requests())


async def test_claudes_client_runs_a_batch_and_pays_for_what_it_used(house: House, office: Office) -> None:
    client, batch = await begun(house)
    assert batch.processing_status == "in_progress" and batch.request_counts.processing == 2
    assert batch.id.startswith("msgbatch_") and batch.id not in office.batches and balance(house) == 0
    office.run()
    waiting = await client.messages.batches.retrieve(batch.id)
    assert waiting.processing_status == "in_progress" and waiting.results_url is None
    await later(house)
    done = await client.messages.batches.retrieve(batch.id)
    assert done.processing_status == "ended" and done.request_counts.succeeded == 2 and done.ended_at is not None
    results = [result async for result in await client.messages.batches.results(batch.id)]
    assert [result.custom_id for result in results] == ["r1", "r0"]
    assert {result.result.type for result in results} == {"succeeded"}
    entry = house.world.log()[-1]
    assert (entry.request_id, entry.endpoint, entry.credits) == (batch.id[:40], PATH, 2 * (10 * 5 + 4 * 15))
    assert (entry.input_tokens, entry.output_tokens, entry.model) == (20, 8, "m")
    assert entry.upstream_model == MODELS["anthropic"]
    house.settled()


async def test_a_batch_is_charged_once_however_often_its_end_is_heard(house: House, office: Office) -> None:
    _, batch = await begun(house)
    office.run()
    await later(house)
    await later(house, 3600)
    assert house.relay.gate is not None
    await follow(house.tools, house.relay.gate.upstream, house.world.one(Task, batch.id))
    assert balance(house) == house.world.one(TokenCounter, house.token_id).used == 220
    house.settled()


async def test_a_price_has_a_factor_for_batches_and_a_rate_for_what_was_cached(house: House, office: Office) -> None:
    house.world.price(cache_read=Decimal(1), tiers={"batch": "0.5"}, valid_from=1)
    office.usage = {**office.usage, "cache_read_input_tokens": 100, "service_tier": "batch"}
    await begun(house)
    office.run()
    await later(house)
    assert balance(house) == (10 * 5 + 100 * 1 + 4 * 15)  # of two, each at half
    assert house.world.log()[-1].cached_tokens == 200


async def test_only_what_succeeded_costs(build: Build, office: Office) -> None:
    house = await build(channel=CHANNEL)
    house.fake.script(office)
    client = claude_client(house)
    batch = await client.messages.batches.create(requests=requests(4))
    office.run("errored", "canceled", "expired")
    await later(house)
    found = {result.custom_id: result.result.type async for result in await client.messages.batches.results(batch.id)}
    assert found == {"r0": "errored", "r1": "canceled", "r2": "expired", "r3": "succeeded"}
    assert balance(house) == 110 and house.world.log()[-1].details == {"answers": 1}


async def test_a_cancelled_batch_pays_for_what_it_has_done(house: House, office: Office) -> None:
    client, batch = await begun(house)
    stopping = await client.messages.batches.cancel(batch.id)
    assert stopping.processing_status == "canceling" and stopping.cancel_initiated_at is not None
    office.run("canceled")
    await later(house)
    assert (await client.messages.batches.retrieve(batch.id)).request_counts.canceled == 1 and balance(house) == 110
    with pytest.raises(anthropic.ConflictError):
        await client.messages.batches.cancel(batch.id)
    house.settled()


async def test_a_batch_that_ended_before_it_was_cancelled_shows_its_end_once_it_is_paid(
    house: House, office: Office
) -> None:
    client, batch = await begun(house)
    office.run()
    told = await client.messages.batches.cancel(batch.id)
    assert (told.processing_status, told.ended_at, told.results_url) == ("in_progress", None, None)
    await later(house)
    done = await client.messages.batches.retrieve(batch.id)
    assert (done.processing_status, balance(house)) == ("ended", 220)


async def test_a_batch_that_runs_has_no_results_and_stays(house: House) -> None:
    client, batch = await begun(house)
    reply = await house.caller.get(f"{PATH}/{batch.id}/results")
    assert (reply.status, reply.json["type"]) == (409, "error") and "no results yet" in reply.json["error"]["message"]
    with pytest.raises(anthropic.ConflictError, match="still running"):
        await client.messages.batches.delete(batch.id)


async def test_an_ended_batch_is_deleted_here_and_there(house: House, office: Office) -> None:
    client, batch = await begun(house)
    office.run()
    await later(house)
    gone = await client.messages.batches.delete(batch.id)
    assert (gone.id, gone.type) == (batch.id, "message_batch_deleted") and office.batches == {}
    with pytest.raises(anthropic.NotFoundError):
        await client.messages.batches.retrieve(batch.id)
    assert balance(house) == 220


async def test_lists_are_claudes_and_each_users_own(house: House) -> None:
    client, made = claude_client(house), []
    for _ in range(3):
        made.append((await client.messages.batches.create(requests=requests())).id)
        house.clock.advance(1000)
    newest = made[::-1]
    assert [batch.id async for batch in client.messages.batches.list(limit=2)] == newest
    page = await client.messages.batches.list(limit=1, after_id=newest[0])
    assert ([batch.id for batch in page.data], page.has_more) == ([newest[1]], True)
    page = await client.messages.batches.list(limit=1, before_id=newest[2])
    assert ([batch.id for batch in page.data], page.first_id) == ([newest[1]], newest[1])
    stranger = type(house.caller)(house.relay, house.world.token(house.world.user())[1], lobby=house.lobby)
    assert (await stranger.get(PATH)).json == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    for path in (f"{PATH}/{made[0]}", f"{PATH}/{made[0]}/results"):
        assert (await stranger.get(path)).status == 404
    assert (await stranger.post(f"{PATH}/{made[0]}/cancel", {})).status == 404
    assert [batch async for batch in openai_client(house).batches.list()] == []
    assert (await house.caller.get(f"/v1/batches/{made[0]}")).status == 404


async def test_what_no_batch_can_be_made_of_is_refused_in_claudes_words(house: House, office: Office) -> None:
    async def told(body: Any) -> str:
        reply = await house.caller.post(PATH, body)
        assert (reply.status, reply.json["type"]) == (400, "error"), reply.json
        return str(reply.json["error"]["message"])

    assert "requests is missing" in await told({})
    assert "1 to 100,000" in await told({"requests": []})
    assert "requests.1 must have" in await told({"requests": [*requests(1), {"custom_id": "a"}]})
    assert "one model" in await told({"requests": [*requests(1), *requests(1, "other")]})
    assert "given twice" in await told(
        b'{"requests":[{"custom_id":"a","params":{"model":"m","model":"dear","max_tokens":1,"messages":[]}}]}'
    )
    assert office.batches == {}
    limited = await house.other_caller(allowed_models=["else"]).post(PATH, {"requests": requests()})
    assert limited.headers["x-openopen8-error"] == "model_not_allowed"


async def test_channels_of_other_types_have_none(build: Build) -> None:
    house = await build()
    reply = await house.caller.post(PATH, {"requests": requests()})
    assert (reply.status, reply.headers["x-openopen8-error"]) == (503, "no_available_channel")


async def test_the_channels_own_fields_and_the_callers_features_go_along(build: Build, office: Office) -> None:
    house = await build(
        channel={**CHANNEL, "parameter_override": {"temperature": 0}, "header_override": {"anthropic-beta": "a"}}
    )
    house.fake.script(office)
    reply = await house.caller.post(PATH, {"requests": requests()}, headers={"anthropic-beta": "b-2026-01-01"})
    assert reply.status == 200 and office.betas == ["a,b-2026-01-01"]
    (rows,) = office.requests.values()
    assert [row["params"]["temperature"] for row in rows] == [0, 0]
    assert rows[0]["params"]["messages"] == [{"role": "user", "content": "Hi"}]


async def test_batches_that_run_cannot_together_cost_more_than_there_is(build: Build, office: Office) -> None:
    house = await build(balance=500, channel=CHANNEL)
    house.fake.script(office)
    while (reply := await house.caller.post(PATH, {"requests": requests()})).status == 200:
        assert len(office.batches) < 5
    assert (reply.status, reply.json["error"]["type"]) == (403, "permission_error")
    assert "balance" in reply.json["error"]["message"] and office.batches
    house.settled()


async def test_a_batch_that_its_provider_has_lost_ends_without_a_charge(house: House, office: Office) -> None:
    client, batch = await begun(house)
    office.batches.clear()
    for _ in range(5):
        await later(house, 3600)
    lost = await client.messages.batches.retrieve(batch.id)
    assert (lost.processing_status, lost.request_counts.errored, lost.results_url) == ("ended", 2, None)
    assert balance(house) == 0
    house.settled()
