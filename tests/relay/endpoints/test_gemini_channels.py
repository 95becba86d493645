"""Embeddings and pictures on Gemini's own channels."""

from __future__ import annotations

import base64
import struct
from typing import Any

import openai
import pytest

from openopen8.core.models import Channel
from tests.fakes.upstream import status
from tests.relay.endpoints.clients import google_client, openai_client
from tests.relay.house import Build, House

PICTURE = base64.b64encode(b"\x89PNG" + bytes(100)).decode()
USAGE = {
    "promptTokenCount": 10, "candidatesTokenCount": 1290, "totalTokenCount": 1300,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
}  # fmt: skip


@pytest.fixture
async def gemini(build: Build) -> House:
    return await build(channel={"type": "gemini", "model_mapping": {"m": "g-1"}})


def candidate(*parts: dict[str, Any], reason: str = "STOP") -> dict[str, Any]:
    found = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason, "index": 0}
    return {"candidates": [found], "usageMetadata": USAGE, "modelVersion": "g-1", "responseId": "r"}


def shown(kind: str = "image/png") -> dict[str, Any]:
    return {"inlineData": {"mimeType": kind, "data": PICTURE}}


async def test_openais_client_gets_embeddings_of_gemini(gemini: House) -> None:
    vectors = {"embeddings": [{"values": [0.5, -0.25]}, {"values": [1e-7, 3]}]}
    gemini.fake.script(status(200, vectors))
    found = await openai_client(gemini).embeddings.create(model="m", input=["one two", "three"], dimensions=2, user="u")
    assert [e.embedding[0] for e in found.data] == [0.5, pytest.approx(1e-7)] and found.model == "m"
    assert found.usage.prompt_tokens == 3
    sent = gemini.fake.chats[0]
    assert (sent.path, sent.headers["x-goog-api-key"]) == ("/v1beta/models/g-1:batchEmbedContents", "upstream-key")
    assert sent.json["requests"] == [
        {"model": "models/g-1", "content": {"parts": [{"text": text}]}, "outputDimensionality": 2}
        for text in ("one two", "three")
    ]
    entry = gemini.entry()
    assert (entry.input_tokens, entry.credits, entry.details) == (3, 15, {"losses": ["user"]})
    reply = await gemini.caller.post("/v1/embeddings", {"model": "m", "input": "x", "encoding_format": "float"})
    assert reply.json["data"][0]["embedding"] == [0.5, -0.25]
    reply = await gemini.caller.post("/v1/embeddings", {"model": "m", "input": "x", "encoding_format": "base64"})
    assert base64.b64decode(reply.json["data"][0]["embedding"]) == struct.pack("<2f", 0.5, -0.25)
    reply = await gemini.caller.post("/v1/embeddings", {"model": "m", "input": [1, 2]})
    assert (reply.status, reply.json["error"]["param"]) == (400, "input")
    gemini.settled()


async def test_googles_own_embeddings_pass_as_they_are(gemini: House) -> None:
    gemini.fake.script(status(200, {"embeddings": [{"values": [1]}], "usageMetadata": {"promptTokenCount": 7}}))
    found = await google_client(gemini).aio.models.embed_content(model="m", contents=["a", "b"])
    assert found.embeddings is not None and found.embeddings[0].values == [1]
    sent = gemini.fake.chats[0]
    assert sent.path == "/v1beta/models/g-1:batchEmbedContents"
    assert {one["model"] for one in sent.json["requests"]} == {"models/g-1"}
    assert gemini.entry().credits == 35
    gemini.world.change(Channel, gemini.channel_id, model_mapping={})
    raw = b'{"embedding" : {"values":[1e-7] },"new":1}'
    gemini.fake.script(status(200, raw))
    parts = b'{"parts":[{"inlineData":{"mimeType":"image/png","data":"eA=="}},{"text":"a"}]}'
    body = b'{ "content":%b,"taskType":"RETRIEVAL_QUERY" , "tomorrow":1.0}' % parts
    reply = await gemini.caller.post("/v1beta/models/m:embedContent", body)
    assert reply.body == raw and "x-openopen8-loss" not in reply.headers
    assert (gemini.fake.chats[1].path, gemini.fake.chats[1].body) == ("/v1beta/models/m:embedContent", body)
    gemini.settled()


async def test_openais_client_gets_a_picture_of_gemini(gemini: House) -> None:
    gemini.fake.script(status(200, candidate({"text": "Here:"}, shown())))
    found = await openai_client(gemini).images.generate(
        model="m", prompt="A cat", size="1536x1024", quality="high", response_format="b64_json", n=1
    )
    assert found.data is not None and found.data[0].b64_json == PICTURE and found.output_format == "png"
    assert found.usage is not None and found.usage.output_tokens_details is not None
    assert (found.usage.input_tokens, found.usage.output_tokens_details.image_tokens) == (10, 1290)
    assert found.created == gemini.clock.now() // 1000
    sent = gemini.fake.chats[0]
    assert sent.path == "/v1beta/models/g-1:generateContent"
    assert sent.json == {
        "contents": [{"role": "user", "parts": [{"text": "A cat"}]}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "3:2"}},
    }
    entry = gemini.entry()
    assert (entry.credits, entry.details) == (10 * 5 + 1290 * 15, {"losses": ["quality"]})
    gemini.settled()


async def test_sizes_are_told_in_geminis_words_and_addresses_carry_the_picture(gemini: House) -> None:
    gemini.fake.script(status(200, candidate(shown("image/jpeg"))))
    sizes = {
        "auto": None, "1024x1024": {"aspectRatio": "1:1"}, "1792x1024": {"aspectRatio": "16:9"},
        "3840x2160": {"aspectRatio": "16:9", "imageSize": "4K"}, "2048x2048": {"aspectRatio": "1:1", "imageSize": "2K"},
    }  # fmt: skip
    for size, config in sizes.items():
        body = {"model": "m", "prompt": "x", "size": size, "response_format": "url"}
        reply = await gemini.caller.post("/v1/images/generations", body)
        assert gemini.fake.chats[-1].json["generationConfig"].get("imageConfig") == config
        assert reply.json["data"] == [{"url": f"data:image/jpeg;base64,{PICTURE}"}]
        assert "x-openopen8-loss" not in reply.headers
    for size in ("100x1000", "large", "1x0"):
        reply = await gemini.caller.post("/v1/images/generations", {"model": "m", "prompt": "x", "size": size})
        assert reply.headers["x-openopen8-loss"] == "size"
    gemini.settled()


async def test_what_gemini_does_not_draw_is_told_and_costs_what_gemini_counts(gemini: House) -> None:
    client = openai_client(gemini)
    gemini.world.price(input="5", output="15", units={"images": 20_000}, valid_from=1)
    counted = 10 * 5 + 1290 * 15
    for nothing, code, credits in (
        (candidate(reason="IMAGE_SAFETY"), "content_policy_violation", counted),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "content_policy_violation", 0),
        (candidate({"text": "I would rather not."}), "no_picture", counted),
    ):
        gemini.fake.script(status(200, nothing))
        with pytest.raises(openai.BadRequestError) as raised:
            await client.images.generate(model="m", prompt="x")
        assert raised.value.code == code
        assert (gemini.world.log()[-1].status, gemini.world.log()[-1].credits) == (400, credits)
    gemini.fake.script(status(429, {"error": {"code": 429, "message": "slowly", "status": "RESOURCE_EXHAUSTED"}}))
    assert (await gemini.caller.post("/v1/images/generations", {"model": "m", "prompt": "x"})).status == 429
    assert {entry.credits for entry in gemini.world.log()[3:]} == {0}
    gemini.settled()
