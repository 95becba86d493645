"""A conversation goes on from its last answer, also on channels that keep nothing: OpenAI's own client as caller."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from openopen8.core.clock import DAY
from openopen8.core.models import Channel, KeptResponse
from relay.app import Relay
from tests.fakes.upstream import status, streamed, whole
from tests.fakes.vendors import ANSWER, MODELS, VENDORS
from tests.relay.callers import SCHEMA
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House

CONVERTED = ["openai-compatible", "anthropic", "gemini"]
TOOL: Any = {"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}


async def built(build: Build, kind: str = "openai-compatible", **more: Any) -> House:
    house = await build(channel={"type": kind, "model_mapping": {"m": MODELS[kind]}}, **more)
    house.fake.script(VENDORS[kind]())
    return house


async def say(house: House, input: Any, stream: bool = False, **more: Any) -> Any:
    """One turn, as OpenAI's client makes it."""
    client = openai_client(house)
    if not stream:
        return await client.responses.create(model="m", input=input, **more)
    async with client.responses.stream(model="m", input=input, **more) as events:
        return await events.get_final_response()


def result_of(call: Any) -> Any:
    """What the call's tool returns."""
    output = f"ok {json.loads(call.arguments)['a']}"
    return {"type": "function_call_output", "call_id": call.call_id, "output": output}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", CONVERTED)
async def test_a_tools_loop_goes_on_by_the_id_alone(build: Build, kind: str, stream: bool) -> None:
    house = await built(build, kind)
    more: Any = {"tools": [TOOL], "reasoning": {"effort": "low"}, "max_output_tokens": 4096}
    first = await say(house, "Go.", stream, **more)
    (call,) = (item for item in first.output if item.type == "function_call")
    result = result_of(call)
    second = await say(house, [result], stream, previous_response_id=first.id, **more)
    assert second.output_text == ANSWER and second.previous_response_id == first.id
    third = await say(house, "And now?", stream, previous_response_id=second.id)
    assert third.output and third.store is True
    assert all(word in house.fake.chats[2].body for word in (b"Go.", b"ok", ANSWER.encode(), b"And now?"))
    assert [entry.credits for entry in house.world.log()] == [12_500] * 3
    assert house.world.log()[2].input_tokens == 1000
    house.settled()


async def test_what_is_kept_is_encrypted(build: Build) -> None:
    house = await built(build)
    await say(house, "a secret question")
    (row,) = house.world.all(KeptResponse)
    assert row.sealed and b"secret question" not in row.sealed and ANSWER.encode() not in row.sealed


async def test_an_answer_is_read_again_listed_and_deleted(build: Build) -> None:
    house = await built(build)
    first = await say(house, "one", metadata={"a": "b"})
    second = await say(house, [{"role": "user", "content": "two"}], previous_response_id=first.id)
    client = openai_client(house)
    found = await client.responses.retrieve(second.id)
    assert found.output_text == ANSWER and found.usage == second.usage and found.model == "m"
    items = [item async for item in await client.responses.input_items.list(second.id, limit=1, order="asc")]
    texts = [item.content[0].text for item in items if item.type == "message"]
    assert texts == ["one", ANSWER, "two"] and len({item.id for item in items}) == 3
    newest = await client.responses.input_items.list(second.id, after=items[2].id)
    assert [item.id for item in newest.data] == [items[1].id, items[0].id]
    await client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(first.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.delete(first.id)
    with pytest.raises(openai.BadRequestError) as refused:
        await say(house, "three", previous_response_id=second.id)
    assert refused.value.code == "previous_response_not_found" and refused.value.param == "previous_response_id"
    with pytest.raises(openai.BadRequestError):
        await client.responses.cancel(second.id)
    house.settled()


async def test_nobody_else_goes_on_reads_or_deletes_it(build: Build) -> None:
    house = await built(build)
    first = await say(house, "one")
    mine = house.key
    house.key = house.world.token(house.world.user(balance=1_000_000))[1]
    client = openai_client(house)
    for deed in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
        with pytest.raises(openai.NotFoundError):
            await deed(first.id)
    with pytest.raises(openai.BadRequestError):
        await say(house, "two", previous_response_id=first.id)
    house.key = house.world.token(house.user)[1]
    assert (await say(house, "two", previous_response_id=first.id)).output_text == ANSWER
    house.key = mine


async def test_what_is_not_to_be_stored_is_not(build: Build) -> None:
    house = await built(build)
    first = await say(house, "one", store=False)
    assert house.world.all(KeptResponse) == [] and first.store is False
    with pytest.raises(openai.BadRequestError):
        await say(house, "two", previous_response_id=first.id)


async def test_an_answer_is_kept_for_its_time_from_its_last_use(build: Build) -> None:
    house = await built(build)
    first = await say(house, "one")
    house.clock.advance(29 * DAY)
    second = await say(house, "two", previous_response_id=first.id)
    house.clock.advance(29 * DAY)
    assert (await say(house, "three", previous_response_id=second.id)).output_text == ANSWER
    house.clock.advance(31 * DAY)
    with pytest.raises(openai.BadRequestError):
        await say(house, "four", previous_response_id=second.id)
    with pytest.raises(openai.NotFoundError):
        await openai_client(house).responses.retrieve(second.id)


async def test_where_nothing_is_kept_the_caller_is_told(build: Build) -> None:
    house = await built(build)
    house.world.option("response_retention_days", 0)
    first = await say(house, "one")
    assert first.store is False and house.world.all(KeptResponse) == []
    with pytest.raises(openai.BadRequestError, match="keeps no answers"):
        await say(house, "two", previous_response_id=first.id)


async def test_it_goes_on_after_a_restart_at_another_worker_and_another_channel(build: Build) -> None:
    house = await built(build)
    first = await say(house, "one")
    other = Relay(house.tools, random=lambda: 0.0)
    await other.start()
    house.relay, here = other, house.relay
    second = await say(house, "two", previous_response_id=first.id)
    house.relay = here
    await other.stop()
    house.world.change(Channel, house.channel_id, enabled=False)
    house.world.channel(house.fake.url, type="anthropic", model_mapping={"m": MODELS["anthropic"]})
    house.fake.script(VENDORS["anthropic"]())
    third = await say(house, "three", previous_response_id=second.id, max_output_tokens=4096)
    assert third.output_text == ANSWER
    assert all(word in house.fake.chats[2].body for word in (b"one", b"two", b"three"))
    house.settled()


async def test_a_large_answer_is_kept_too(house: House) -> None:
    house.fake.script(whole("long " * 40_000), whole())
    first = await say(house, "one")
    second = await say(house, "two", previous_response_id=first.id)
    assert len(house.fake.chats[1].body) > 200_000
    assert (await openai_client(house).responses.retrieve(first.id)).output_text == first.output_text
    assert second.previous_response_id == first.id


async def test_what_we_keep_goes_on_at_a_vendor_that_keeps_answers_too(build: Build) -> None:
    house = await built(build, "anthropic")
    more: Any = {"tools": [TOOL], "reasoning": {"effort": "low"}, "max_output_tokens": 4096}
    first = await say(house, "Go.", **more)
    house.world.change(Channel, house.channel_id, enabled=False)
    kind = "openai-responses"
    house.world.channel(house.fake.url, type=kind, model_mapping={"m": MODELS[kind]})
    house.fake.script(VENDORS[kind]())
    call = next(item for item in first.output if item.type == "function_call")
    result = result_of(call)
    second = await say(house, [result], previous_response_id=first.id, **more)
    assert second.output_text == ANSWER
    assert "previous_response_id" not in house.fake.chats[1].json
    assert (await say(house, "More.", previous_response_id=second.id)).output_text == ANSWER


@pytest.mark.parametrize("text", ["short", "long " * 40_000], ids=["short", "long"])
async def test_a_stream_is_kept_before_its_end_is_told(house: House, text: str) -> None:
    kept: list[int] = []

    def watch(message: Any) -> None:
        if b"response.completed" in message.get("body", b""):
            kept.append(len(house.world.all(KeptResponse)))

    house.fake.script(streamed(text))
    await house.caller.open("/v1/responses", {"model": "m", "input": "x", "stream": True}, watch=watch).end()
    assert kept == [1]


async def test_what_failed_is_not_kept(house: House) -> None:
    house.fake.script(status(500))
    with pytest.raises(openai.APIStatusError):
        await say(house, "one")
    assert house.world.all(KeptResponse) == []


async def test_what_cannot_be_is_a_400_that_costs_nothing(house: House) -> None:
    bodies: list[dict[str, Any]] = [
        {"previous_response_id": 1},
        {"previous_response_id": "resp_1", "conversation": "conv_1"},
        {"previous_response_id": "\u0000"},
        {"conversation": {"id": 1}},
        {"conversation": "conv_1"},
        {"store": "yes"},
        {"background": True, "store": False},
        {"background": True},
        {"input": [1]},
    ]
    for body in bodies:
        reply = await house.caller.post("/v1/responses", {"model": "m", "input": "x", **body})
        assert reply.status == 400, (body, reply.body)
    assert [entry.credits for entry in house.world.log()] == [0] * len(bodies) and house.fake.chats == []
    house.settled()
