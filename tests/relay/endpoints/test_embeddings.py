"""POST /v1/embeddings and /v1/moderations."""

from __future__ import annotations

import base64
import struct
from typing import Any

import openai
import pytest

from openopen8.core.models import Channel
from tests.fakes.upstream import cut_at_once, garbage, status
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House

USAGE = {"prompt_tokens": 8, "total_tokens": 8}


def embedding(values: Any = (0.5, -0.25), usage: Any = USAGE, **more: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": values if isinstance(values, str) else list(values)}]
    body = {"object": "list", "data": data, "model": "upstream-m", **more}
    return {**body, "usage": usage} if usage is not None else body


def verdicts(**more: Any) -> dict[str, Any]:
    result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
    return {"id": "modr-1", "model": "upstream-m", "results": [result], **more}


async def test_openais_client_gets_its_embedding_and_pays_for_the_tokens_that_were_reported(house: House) -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -0.25)).decode()
    house.fake.script(status(200, embedding(packed)))
    found = await openai_client(house).embeddings.create(model="m", input="The food was good.")
    assert found.data[0].embedding == [0.5, -0.25] and found.model == "m"
    sent = house.fake.chats[0]
    assert sent.path == "/v1/embeddings" and sent.json["encoding_format"] == "base64"
    entry = house.entry()
    assert (entry.input_tokens, entry.output_tokens, entry.credits) == (8, 0, 40)
    assert entry.endpoint == "/v1/embeddings" and not entry.stream
    house.settled()


async def test_bodies_pass_byte_for_byte_but_for_the_models_name(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "vendor/e"}})
    house.fake.script(status(200, embedding(tomorrow={"x": 1})))
    body = b'{"model":"m" , "input":[[1,2,3],[4]],"dimensions":2, "new":[1e400]}'
    reply = await house.caller.post("/embeddings", body)
    assert house.fake.chats[0].body == body.replace(b'"m"', b'"vendor/e"')
    assert reply.json == {**embedding(tomorrow={"x": 1}), "model": "m"}
    assert reply.headers["x-openopen8-credits"] == "40"


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ("one two three", 3),
        (["one two", "three"], 3),
        ([5, 6, 7, 8], 4),
        ([[5, 6], [7]], 3),
        ([{"text": "one two"}], 2),
    ],
)
async def test_what_the_provider_does_not_count_is_counted_here(house: House, given: Any, tokens: int) -> None:
    house.fake.script(status(200, embedding(usage=None)))
    await house.caller.post("/v1/embeddings", {"model": "m", "input": given})
    entry = house.entry()
    assert (entry.input_tokens, entry.output_tokens, entry.credits) == (tokens, 0, 5 * tokens)
    assert entry.receipt is not None and entry.receipt["notes"] == ["counted locally"]
    house.settled()


async def test_providers_that_name_the_total_alone_are_understood(house: House) -> None:
    house.fake.script(status(200, embedding(usage={"total_tokens": 12})))
    await house.caller.post("/v1/embeddings", {"model": "m", "input": "x"})
    assert house.entry().input_tokens == 12


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "x"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": 7}, "input"),
        ({"model": "m", "input": ["a", True]}, "input.1"),
    ],
)
async def test_what_is_no_request_for_embeddings_is_told_with_its_field(
    house: House, body: dict[str, Any], param: str
) -> None:
    reply = await house.caller.post("/v1/embeddings", body)
    assert (reply.status, reply.json["error"]["param"]) == (400, param)
    assert house.fake.chats == [] and house.entry().status == 400


async def test_a_field_given_twice_is_refused(house: House) -> None:
    reply = await house.caller.post("/v1/embeddings", b'{"model":"m","input":"a","model":"other"}')
    assert reply.status == 400 and house.fake.chats == []


async def test_a_broken_provider_is_left_for_the_next_and_charged_once(build: Build) -> None:
    house = await build(channel={"priority": 9})
    house.world.channel(house.fake.url, keys=("second",))
    for first in (status(500), cut_at_once(), garbage()):
        house.fake.script(first, status(200, embedding()))
        reply = await house.caller.post("/v1/embeddings", {"model": "m", "input": "x"})
        assert reply.headers["x-openopen8-credits"] == "40"
    assert [(entry.status, entry.credits) for entry in house.world.log()] == [(200, 40)] * 3
    house.settled()


async def test_answers_that_are_none_cost_nothing(house: House) -> None:
    for script in (garbage(), status(200, {"data": []}), status(200, {"error": {"message": "no"}}), status(200, [1])):
        house.fake.script(script)
        reply = await house.caller.post("/v1/embeddings", {"model": "m", "input": "x"})
        assert reply.status in (502, 503)
    assert all(entry.credits == 0 for entry in house.world.log())
    house.settled()


async def test_a_providers_400_passes_to_the_caller_at_once(house: House) -> None:
    house.fake.script(status(400, {"error": {"message": "dimensions must be at most 1536"}}))
    with pytest.raises(openai.BadRequestError, match="1536"):
        await openai_client(house).embeddings.create(model="m", input="x", dimensions=9999)
    assert house.entry().credits == 0 and len(house.fake.chats) == 1


async def test_channels_that_only_chat_are_not_asked_for_embeddings(house: House) -> None:
    house.world.change(Channel, house.channel_id, type="unheard-of")
    reply = await house.caller.post("/v1/embeddings", {"model": "m", "input": "x"})
    assert reply.status == 503 and reply.json["error"]["code"] == "no_available_channel"


async def test_tokens_and_rate_limits_hold_for_embeddings_as_for_chat(house: House) -> None:
    house.fake.script(status(200, embedding()))
    caller = house.other_caller(rate_limit=1, allowed_models=["m"])
    body = {"model": "m", "input": "x"}
    assert (await caller.post("/v1/embeddings", {**body, "model": "else"})).status == 403
    assert (await caller.post("/v1/embeddings", body)).status == 200
    assert (await caller.post("/v1/embeddings", body)).status == 429
    house.settled()


async def test_openais_client_moderates_without_naming_a_model(build: Build) -> None:
    house = await build(channel={"models": ("omni-moderation-latest",)})
    house.world.price("omni-moderation-latest", input="0", output="0")
    house.fake.script(status(200, verdicts()))
    found = await openai_client(house).moderations.create(input="I want to hug them.")
    assert found.results[0].flagged is False and found.model == "omni-moderation-latest"
    assert house.fake.chats[0].path == "/v1/moderations" and "model" not in house.fake.chats[0].json
    assert (house.entry().credits, house.entry().model) == (0, "omni-moderation-latest")
    house.settled()


async def test_moderations_of_texts_and_pictures_pass_as_they_are(house: House) -> None:
    house.fake.script(status(200, verdicts()))
    parts = [{"type": "text", "text": "one two three"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
    reply = await house.caller.post("/moderations", {"model": "m", "input": parts})
    assert reply.json["model"] == "m" and house.fake.chats[0].json["input"] == parts
    assert house.entry().input_tokens == 3
