"""Gemini's batches: passed on to the channel that has them, each user's own, charged from the results."""

from __future__ import annotations

from typing import Any

import pytest
from google import genai
from google.genai import errors
from google.genai.types import BatchJob, JobState

from openopen8.core.models import Task, TokenCounter
from relay.tasks.batches import follow
from tests.fakes.vendors.gemini_batches import MODEL, Office
from tests.relay.endpoints.clients import google_client
from tests.relay.house import Build, House
from tests.relay.tasks.studio import balance, later

CHANNEL = {"type": "gemini", "model_mapping": {"m": MODEL}}
PATH, HELD = "/v1beta/models/m:batchGenerateContent", "/v1beta/batches"
ENDPOINT = "/v1beta/models/{model}:batchGenerateContent"


def requests(number: int = 2, **more: Any) -> list[dict[str, Any]]:
    contents = [{"role": "user", "parts": [{"text": "Hi"}]}]
    return [{"request": {"contents": contents, **more}, "metadata": {"key": f"r{at}"}} for at in range(number)]


def body(rows: Any) -> dict[str, Any]:
    return {"batch": {"displayName": "mine", "inputConfig": {"requests": {"requests": rows}}}}


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
async def house(build: Build, office: Office) -> House:
    house = await build(channel=CHANNEL)
    house.fake.script(office)
    return house


async def begun(house: House) -> tuple[genai.Client, str]:
    """Google's client with a batch of its own."""
    client = google_client(house)
    asked: Any = [{"contents": "Hi", "metadata": {"key": f"r{at}"}} for at in range(2)]
    job = await client.aio.batches.create(model="m", src=asked)
    assert job.name is not None and job.state == JobState.JOB_STATE_PENDING and job.model == "models/m"
    return client, job.name


async def test_googles_client_runs_a_batch_and_pays_for_what_it_used(house: House, office: Office) -> None:
    client, name = await begun(house)
    assert name not in office.batches and balance(house) == 0
    office.run()
    assert (await client.aio.batches.get(name=name)).state == JobState.JOB_STATE_PENDING
    await later(house)
    done = await client.aio.batches.get(name=name)
    assert (done.state, done.model, done.name) == (JobState.JOB_STATE_SUCCEEDED, "models/m", name)
    assert done.dest is not None and done.dest.inlined_responses is not None
    assert [answer.metadata for answer in done.dest.inlined_responses] == [{"key": "r0"}, {"key": "r1"}]
    assert all(answer.response is not None and answer.response.text == "Hi" for answer in done.dest.inlined_responses)
    entry = house.world.log()[-1]
    id = name.removeprefix("batches/")
    assert (entry.request_id, entry.endpoint, entry.credits) == (id, ENDPOINT, 2 * (10 * 5 + 4 * 15))
    assert (entry.input_tokens, entry.output_tokens, entry.model, entry.upstream_model) == (20, 8, "m", MODEL)
    kept = house.world.one(Task, id).answer
    assert "Hi" not in str(kept) and kept["metadata"]["displayName"] == ""
    house.settled()


async def test_a_batch_is_charged_once_however_often_its_end_is_heard(house: House, office: Office) -> None:
    _, name = await begun(house)
    office.run()
    await later(house)
    await later(house, 3600)
    assert house.relay.gate is not None
    await follow(house.tools, house.relay.gate.upstream, house.world.one(Task, name.removeprefix("batches/")))
    assert balance(house) == house.world.one(TokenCounter, house.token_id).used == 220
    house.settled()


async def test_a_price_has_a_factor_for_batches_and_what_failed_costs_nothing(house: House, office: Office) -> None:
    house.world.price(tiers={"batch": "0.5"}, valid_from=1)
    client, name = await begun(house)
    office.run(bad=1)
    await later(house)
    done = await client.aio.batches.get(name=name)
    assert done.dest is not None and done.dest.inlined_responses is not None
    assert [answer.error is not None for answer in done.dest.inlined_responses] == [True, False]
    assert balance(house) == 55 and house.world.log()[-1].details == {"answers": 1}


async def test_a_batch_that_its_provider_fails_costs_nothing_and_says_why(house: House, office: Office) -> None:
    client, name = await begun(house)
    office.run("FAILED")
    await later(house)
    assert (await client.aio.batches.get(name=name)).state == JobState.JOB_STATE_FAILED
    shown = (await house.caller.get(f"/v1beta/{name}")).json
    told = "it broke with key [key]"
    assert (shown["error"]["message"], shown["done"], balance(house)) == (told, True, 0)
    assert "sk-" not in str(house.world.one(Task, name.removeprefix("batches/")))
    house.settled()


async def test_a_cancelled_batch_shows_its_end_once_it_is_paid(house: House, office: Office) -> None:
    client, name = await begun(house)
    await client.aio.batches.cancel(name=name)
    office.run("CANCELLED", bad=1)
    with pytest.raises(errors.ClientError, match="still running"):
        await client.aio.batches.delete(name=name)
    await later(house)
    assert (await client.aio.batches.get(name=name)).state == JobState.JOB_STATE_CANCELLED and balance(house) == 110
    await client.aio.batches.delete(name=name)
    assert office.batches == {} and balance(house) == 110
    with pytest.raises(errors.ClientError, match="404"):
        await client.aio.batches.get(name=name)


async def test_lists_are_googles_and_each_users_own(house: House) -> None:
    client, made = google_client(house), []
    for _ in range(3):
        made.append((await begun(house))[1])
        house.clock.advance(1000)
    pager = await client.aio.batches.list(config={"page_size": 2})
    found: list[BatchJob] = [job async for job in pager]
    assert [job.name for job in found] == made[::-1]
    stranger = type(house.caller)(house.relay, house.world.token(house.world.user())[1], lobby=house.lobby)
    assert (await stranger.get(HELD)).json == {"operations": []}
    for reply in (await stranger.get(f"/v1beta/{made[0]}"), await stranger.post(f"/v1beta/{made[0]}:cancel", {})):
        assert (reply.status, reply.json["error"]["status"]) == (404, "NOT_FOUND")
    for other in ("/v1/batches", "/v1/messages/batches"):
        assert (await house.caller.get(other)).json["data"] == []


async def test_what_no_batch_can_be_made_of_is_refused_in_googles_words(house: House, office: Office) -> None:
    async def told(given: Any) -> str:
        reply = await house.caller.post(PATH, given)
        assert (reply.status, reply.json["error"]["status"]) == (400, "INVALID_ARGUMENT"), reply.json
        return str(reply.json["error"]["message"])

    assert "must have batch" in await told({})
    assert "must have inputConfig" in await told({"batch": {}})
    assert "must stand in the body" in await told({"batch": {"inputConfig": {"fileName": "files/a"}}})
    assert "must have a request" in await told(body([]))
    assert "requests.1 must have request" in await told(body([*requests(1), {}]))
    assert "another model" in await told(body(requests(1, model="models/dear")))
    assert office.batches == {}


async def test_every_request_goes_under_the_providers_name_with_the_channels_fields(
    build: Build, office: Office
) -> None:
    own = {"generationConfig": {"temperature": 0}}
    house = await build(channel={**CHANNEL, "parameter_override": own})
    house.fake.script(office)
    assert (await house.caller.post(PATH, body(requests(1, model="models/m") + requests(1)))).status == 200
    (rows,) = office.requests.values()
    assert [row["request"].get("model") for row in rows] == [f"models/{MODEL}", None]
    assert all(row["request"]["generationConfig"] == {"temperature": 0} for row in rows)


async def test_a_batch_that_its_provider_has_lost_ends_without_a_charge(house: House, office: Office) -> None:
    client, name = await begun(house)
    office.batches.clear()
    for _ in range(5):
        await later(house, 3600)
    assert (await client.aio.batches.get(name=name)).state == JobState.JOB_STATE_FAILED and balance(house) == 0
    house.settled()
