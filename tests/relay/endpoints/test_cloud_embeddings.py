"""Embeddings on Amazon Bedrock and Vertex AI, whose models read one text a request, or a few."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import Any

import pytest

from openopen8.core.models import Channel, ChannelKey
from relay import probe
from tests.fakes.upstream import Exchange, Script, status
from tests.fakes.vendors.bedrock import ACCESS, SECRET, bedrock
from tests.fakes.vendors.cloud_vectors import COHERE, COHERE_3, NEWER, SINGLE, TEXT, TITAN, TITAN_1, vector
from tests.fakes.vendors.vertex import Vertex, service_account
from tests.relay.endpoints.clients import google_client, openai_client
from tests.relay.house import Build, House

ONE_WAY = True

PATH = "/v1/embeddings"
TEXTS = ["one", "one two three", "one two", "four", "one two three four five"]
COUNT = 12
"""Their tokens."""


async def on_bedrock(build: Build, model: str) -> House:
    channel = {"type": "bedrock", "model_mapping": {"m": model}, "keys": (f"{ACCESS}:{SECRET}",)}
    house = await build(channel=channel)
    house.fake.script(bedrock(house.clock.now()))
    return house


async def on_vertex(build: Build, model: str) -> tuple[House, Vertex]:
    house = await build(channel={"type": "vertex", "model_mapping": {"m": model}, "keys": ()})
    account = json.dumps(json.loads(service_account(house.fake.url)))
    with house.tools.db.write() as session:
        session.add(ChannelKey(channel_id=house.channel_id, sealed=house.tools.keyring.seal(account)))
    house.world.change(Channel, house.channel_id, note="has a key")
    vertex = Vertex(house.clock.now())
    house.fake.script(vertex.script())
    return house, vertex


async def embedded(house: House, texts: list[str], **more: Any) -> list[list[float]]:
    found = await openai_client(house).embeddings.create(model="m", input=texts, **more)
    assert [one.index for one in found.data] == list(range(len(texts))) and found.model == "m"
    return [one.embedding for one in found.data]


async def test_openais_client_gets_titans_embeddings_in_the_order_of_its_texts(build: Build) -> None:
    house = await on_bedrock(build, TITAN)
    asking = asyncio.create_task(embedded(house, ["last", *TEXTS], dimensions=256))
    while sum(request.answered.is_set() for request in house.fake.chats) < len(TEXTS):
        await asyncio.sleep(0.01)  # all others are there
    house.fake.let()
    assert await asking == [vector(text, 256) for text in ("last", *TEXTS)]
    assert all(set(request.json) == {"inputText", "dimensions"} for request in house.fake.chats)
    entry = house.entry()
    assert (entry.input_tokens, entry.credits, entry.upstream_model) == (COUNT + 1, 5 * (COUNT + 1), TITAN)
    packed = await house.caller.post(PATH, {"model": "m", "input": "one", "encoding_format": "base64"})
    assert struct.unpack("<3f", base64.b64decode(packed.json["data"][0]["embedding"])) == tuple(vector("one"))
    assert packed.json["usage"] == {"prompt_tokens": 1, "total_tokens": 1}
    house.settled()


async def test_one_text_that_is_refused_fails_the_request_for_nothing(build: Build) -> None:
    house = await on_bedrock(build, TITAN)
    reply = await house.caller.post(PATH, {"model": "m", "input": [*TEXTS, "slowly", *TEXTS]})
    assert reply.status == 429 and "Too many requests" in reply.json["error"]["message"]
    house.world.change(ChannelKey, house.world.all(ChannelKey)[0].id, rest_until=0)
    reply = await house.caller.post(PATH, {"model": "m", "input": ["one", ""]})
    assert reply.status == 400 and "minLength" in reply.json["error"]["message"]
    assert [entry.credits for entry in house.world.log()] == [0, 0]
    house.settled()


async def test_the_next_channel_takes_over_all_texts_of_one_that_fails_in_the_middle(build: Build) -> None:
    house = await on_bedrock(build, TITAN)
    again = {"type": "bedrock", "model_mapping": {"m": TITAN}, "keys": (f"{ACCESS}:{SECRET}",)}
    house.world.channel(base_url=house.fake.url, priority=-1, **again)

    async def down(exchange: Exchange) -> None:
        await exchange.head(500, {"content-length": "0"})

    proper: Script = bedrock(house.clock.now())
    house.fake.script(proper, down, proper)
    assert await embedded(house, TEXTS) == [vector(text) for text in TEXTS]
    assert (house.entry().retries, house.entry().credits) == (1, 5 * COUNT)
    house.settled()


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (TITAN, {"inputTextTokenCount": 1}),
        (TITAN, b"<html>"),
        (COHERE, {"embeddings": {"float": [[1.0]]}}),
        (COHERE, {"embeddings": {"float": [[1.0], [2.0], [3.0]]}}),
    ],
)
async def test_answers_without_a_vector_for_each_text_are_no_answers(build: Build, model: str, answer: Any) -> None:
    house = await on_bedrock(build, model)
    house.fake.script(status(200, answer))
    reply = await house.caller.post(PATH, {"model": "m", "input": ["one", "two"]})
    assert (reply.status, house.entry().credits) == (502, 0)
    house.settled()


async def test_who_leaves_stops_all_requests_and_pays_nothing(build: Build) -> None:
    house = await on_bedrock(build, TITAN)
    talk = house.caller.open(PATH, {"model": "m", "input": ["last"] * 9})
    while len(house.fake.chats) < 4:
        await asyncio.sleep(0.01)
    talk.leave()
    while not (house.world.log() and all(request.left.is_set() for request in house.fake.chats)):
        await asyncio.sleep(0.01)
    assert (house.entry().status, house.entry().credits, len(house.fake.chats)) == (499, 0, 4)
    house.settled()


async def test_what_bedrock_can_not_embed_is_told_by_its_field(build: Build) -> None:
    house = await on_bedrock(build, TITAN)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        (TITAN, {"input": [1, 2, 3]}, "input"), (TITAN, {"input": ["x"] * 513}, "input"),
        (TITAN_1, {"input": "x", "dimensions": 256}, "dimensions"),
        (COHERE_3, {"input": "x", "dimensions": 256}, "dimensions"),
        ("amazon.nova-pro-v1:0", {"input": "x"}, "model"),
    ]  # fmt: skip
    for model, body, param in wrong:
        house.world.change(Channel, house.channel_id, model_mapping={"m": model})
        reply = await house.caller.post(PATH, {"model": "m", **body})
        assert (reply.status, reply.json["error"]["param"]) == (400, param), model
    assert house.fake.chats == []
    house.world.change(Channel, house.channel_id, model_mapping={"m": TITAN_1})
    reply = await house.caller.post(PATH, {"model": "m", "input": "x", "user": "u", "normalize": True})
    assert reply.status == 200 and reply.headers["x-openopen8-loss"] == "user, normalize"
    house.settled()


@pytest.mark.parametrize("model", [COHERE, COHERE_3])
async def test_cohere_on_bedrock_reads_many_texts_a_request_and_tells_its_tokens_beside(
    build: Build, model: str
) -> None:
    house = await on_bedrock(build, model)
    more: dict[str, Any] = {"dimensions": 256} if model == COHERE else {}
    texts = [("one " * at).strip() or "none" for at in range(100)]
    found = await embedded(house, texts, extra_body={"input_type": "search_query"}, **more)
    assert found == [vector(text, more.get("dimensions")) for text in texts]
    assert [len(request.json["texts"]) for request in house.fake.chats] == [96, 4]
    assert {request.json["input_type"] for request in house.fake.chats} == {"search_query"}
    assert house.entry().input_tokens == 2 * (1 + sum(range(100)))
    reply = await house.caller.post(PATH, {"model": "m", "input": " "})  # no tokens told: ours are charged
    assert reply.status == 200 and house.world.log()[-1].input_tokens > 0
    house.settled()


@pytest.mark.parametrize(("model", "requests"), [(TEXT, 1), (SINGLE, 5), (NEWER, 5)])
async def test_openais_client_gets_embeddings_of_vertex(build: Build, model: str, requests: int) -> None:
    house, vertex = await on_vertex(build, model)
    body = {"task_type": "RETRIEVAL_QUERY"}
    assert await embedded(house, TEXTS, dimensions=5, extra_body=body) == [vector(text, 5) for text in TEXTS]
    asked = [request for request in house.fake.chats if request.path != "/token"]
    assert len(asked) == requests and vertex.grants == 1
    assert (house.entry().input_tokens, house.entry().credits) == (COUNT, 5 * COUNT)
    house.settled()


async def test_googles_client_gets_embeddings_of_both_clouds(build: Build) -> None:
    house, _ = await on_vertex(build, SINGLE)
    found = await google_client(house).aio.models.embed_content(
        model="m", contents=list(TEXTS), config={"output_dimensionality": 4}
    )
    assert found.embeddings is not None and [one.values for one in found.embeddings] == [vector(t, 4) for t in TEXTS]
    instances = [request.json["instances"] for request in house.fake.chats if request.path != "/token"]
    assert all(len(instance) == 1 for instance in instances)
    one = {"content": {"parts": [{"text": "one"}]}, "taskType": "CLUSTERING"}
    reply = await house.caller.post("/v1beta/models/m:embedContent", one)
    assert reply.json == {"embedding": {"values": vector("one")}} and reply.headers["x-openopen8-loss"] == "taskType"
    house.settled()


async def test_long_lists_are_cut_to_what_vertex_takes(build: Build) -> None:
    house, _ = await on_vertex(build, TEXT)
    texts = ["word " * 1_500] * 4 + ["one"] * 260
    assert len(await embedded(house, texts)) == 264
    sizes = [len(request.json["instances"]) for request in house.fake.chats if request.path != "/token"]
    assert sorted(sizes) == [2, 12, 250]
    assert all(request.json["parameters"] == {"autoTruncate": False} for request in house.fake.chats[1:])
    house.settled()


async def test_a_channel_can_be_tested_with_a_model_that_embeds(build: Build) -> None:
    house = await on_bedrock(build, TITAN)
    for model in (TITAN, COHERE):
        assert (await probe.test_channel(house.tools, house.channel_id, model=model)).ok
