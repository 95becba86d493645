"""Gemini's :embedContent and :batchEmbedContents, on channels that speak OpenAI's form."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from google.genai.types import EmbedContentConfig

from tests.fakes.upstream import status
from tests.relay.endpoints.clients import google_client
from tests.relay.house import Build, House

ONE = "/v1beta/models/m:embedContent"
MANY = "/v1beta/models/m:batchEmbedContents"


def vectors(*found: Any, usage: Any = None) -> dict[str, Any]:
    data = [{"object": "embedding", "index": at, "embedding": values} for at, values in enumerate(found)]
    return {"object": "list", "data": data, "model": "up", "usage": usage or {"prompt_tokens": 8, "total_tokens": 8}}


def content(*texts: str) -> dict[str, Any]:
    return {"content": {"parts": [{"text": text} for text in texts]}}


async def test_googles_client_gets_its_embeddings_in_order(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "vendor/e"}})
    answer = vectors([0.5, -0.25], [1e-7, 3])
    answer["data"].reverse()
    house.fake.script(status(200, answer))
    config = EmbedContentConfig(output_dimensionality=2)
    found = await google_client(house).aio.models.embed_content(model="m", contents=["a", "b"], config=config)
    assert found.embeddings is not None
    assert [e.values for e in found.embeddings] == [[0.5, -0.25], [1e-7, 3]]
    sent = house.fake.chats[0]
    assert sent.path == "/v1/embeddings"
    assert sent.json == {"model": "vendor/e", "input": ["a", "b"], "encoding_format": "float", "dimensions": 2}
    assert house.entry().credits == 40 and house.entry().endpoint == "/v1beta/models/{model}:batchEmbedContents"
    house.settled()


async def test_one_content_gets_one_embedding(house: House) -> None:
    house.fake.script(status(200, vectors([0.5])))
    reply = await house.caller.post(ONE, {"model": "models/m", **content("a", "b")})
    assert reply.json == {"embedding": {"values": [0.5]}}
    assert house.fake.chats[0].json == {"model": "m", "input": ["ab"], "encoding_format": "float"}


async def test_what_openais_form_cannot_say_is_reported(house: House) -> None:
    house.fake.script(status(200, vectors([0.5])))
    reply = await house.caller.post(ONE, {**content("a"), "taskType": "RETRIEVAL_QUERY", "title": "t"})
    assert reply.headers["x-openopen8-loss"] == "taskType, title"
    details = house.entry().details
    assert details is not None and details["losses"] == ["taskType", "title"]


async def test_numbers_that_come_packed_all_the_same_are_unpacked(house: House) -> None:
    house.fake.script(status(200, vectors(base64.b64encode(struct.pack("<2f", 0.5, -2)).decode())))
    assert (await house.caller.post(ONE, content("a"))).json == {"embedding": {"values": [0.5, -2.0]}}


@pytest.mark.parametrize("body", [{"data": [{"embedding": "%%"}]}, {"data": [{}]}, {"data": [7]}, {"data": 7}, []])
async def test_answers_without_numbers_are_a_502_and_cost_nothing(house: House, body: Any) -> None:
    house.fake.script(status(200, body))
    reply = await house.caller.post(ONE, content("a"))
    assert reply.status == 502 and reply.json["error"]["status"] == "INTERNAL"
    assert house.entry().credits == 0
    house.settled()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ONE, {}),
        (ONE, {"content": "a"}),
        (ONE, {"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]}}),
        (ONE, {"model": "models/other", **content("a")}),
        (ONE, {"requests": [content("a")], **content("a much longer text that nobody counts")}),
        (MANY, {"requests": []}),
        (MANY, {"requests": [7]}),
        (MANY, {"requests": [{"model": "models/other", **content("a")}]}),
        (MANY, {"requests": [content("a"), {**content("b"), "outputDimensionality": 5}]}),
    ],
)
async def test_what_cannot_be_asked_for_is_a_400_in_googles_form(house: House, path: str, body: Any) -> None:
    reply = await house.caller.post(path, body)
    assert (reply.status, reply.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert house.fake.chats == []
