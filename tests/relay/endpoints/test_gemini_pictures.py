"""OpenAI's clients draw and edit with Gemini's models: several pictures, uploads, streams."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import openai
import pytest

from openopen8.core.models import Channel
from tests.fakes.upstream import status
from tests.fakes.vendors.gemini_pictures import B64, DRAFT, NEW, OLD, PNG, TOKENS, pictures
from tests.relay.endpoints.clients import openai_client
from tests.relay.endpoints.uploads import TYPE, field, file, form
from tests.relay.house import Build, House

MAKE, EDIT = "/v1/images/generations", "/v1/images/edits"
PRICE = TOKENS[0] * 5 + TOKENS[1] * 15
JPEG = b"\xff\xd8\xff\xe0" + bytes(1001)


async def built(build: Build, model: str = NEW) -> House:
    house = await build(channel={"type": "gemini", "model_mapping": {"m": model}})
    house.fake.script(pictures())
    return house


async def test_openais_client_edits_uploaded_pictures_with_gemini(build: Build) -> None:
    house = await built(build)
    client = openai_client(house)
    found = await client.images.edit(
        model="m", image=[("a.png", PNG), ("b", JPEG)], prompt="A hat", size="1024x1024", background="auto"
    )
    assert found.data is not None and found.data[0].b64_json == B64
    assert found.usage is not None and found.usage.total_tokens == sum(TOKENS)
    sent = house.fake.chats[0]
    assert (sent.path, sent.headers["content-type"]) == (f"/v1beta/models/{NEW}:generateContent", "application/json")
    parts = sent.json["contents"][0]["parts"]
    shown = [{"mimeType": kind, "data": base64.b64encode(file).decode()}
             for kind, file in (("image/png", PNG), ("image/jpeg", JPEG))]  # fmt: skip
    assert parts == [{"inlineData": shown[0]}, {"inlineData": shown[1]}, {"text": "A hat"}]
    assert (house.entry().endpoint, house.entry().credits) == (EDIT, PRICE)
    with pytest.raises(openai.BadRequestError, match="mask") as raised:
        await client.images.edit(model="m", image=("a.png", PNG), mask=("mask.png", PNG), prompt="A hat")
    assert raised.value.param == "mask"
    with pytest.raises(openai.BadRequestError, match="must be a picture"):
        await client.images.edit(model="m", image=("a.txt", b"%PDF-1.7"), prompt="A hat")
    assert len(house.fake.chats) == 1
    house.settled()


async def test_a_channels_own_parameters_hold_for_uploads_and_other_fields_are_told(build: Build) -> None:
    house = await built(build)
    override = {"generationConfig": {"responseModalities": ["IMAGE"]}}
    house.world.change(Channel, house.channel_id, parameter_override=override)
    body = form(field("model", "m"), file("image", PNG), field("prompt", "A hat"), field("size", "1024x1024"),
                field("quality", "high"), field("n", "1"), field("response_format", "url"))  # fmt: skip
    reply = await house.caller.post(EDIT, body, headers=TYPE)
    assert reply.json["data"] == [{"url": f"data:image/png;base64,{B64}"}]
    assert reply.headers["x-openopen8-loss"] == "quality"
    sent = house.fake.chats[0].json
    assert sent["generationConfig"] == {"responseModalities": ["IMAGE"]}
    assert sent["contents"][0]["parts"][0]["inlineData"]["data"] == B64


async def test_uploaded_pictures_are_read_again_for_the_next_channel_and_for_each_picture(build: Build) -> None:
    house = await built(build)
    house.world.channel(type="gemini", model_mapping={"m": OLD}, base_url=house.fake.url, priority=-1)
    house.fake.script(pictures(500, 500, 500))
    found = await openai_client(house).images.edit(model="m", image=PNG, prompt="A hat", n=3)
    assert found.data is not None and len(found.data) == 3
    sent = [request.json["contents"][0]["parts"][0]["inlineData"]["data"] for request in house.fake.chats]
    assert sent == [B64] * 6
    assert (house.entry().retries, house.entry().credits) == (1, 3 * PRICE)
    house.settled()


async def test_an_edit_in_json_names_its_pictures_by_address(build: Build) -> None:
    house = await built(build)
    named = [{"image_url": f"data:image/webp;base64,{B64}"}, {"image_url": "https://pictures.test/1.jpg"}]
    reply = await house.caller.post(EDIT, {"model": "m", "prompt": "A hat", "images": named})
    assert reply.json["data"] == [{"b64_json": B64}]
    assert house.fake.chats[0].json["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/webp", "data": B64}},
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://pictures.test/1.jpg"}},
        {"text": "A hat"},
    ]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"images": [{"file_id": "file-1"}]}, "images"), ({"image": "file:///etc/passwd"}, "images"),
        ({"images": named, "mask": {"file_id": "file-1"}}, "mask"), ({"images": named, "n": 11}, "n"),
    ]  # fmt: skip
    for more, param in wrong:
        reply = await house.caller.post(EDIT, {"model": "m", "prompt": "A hat", **more})
        assert (reply.status, reply.json["error"]["param"]) == (400, param)
    assert len(house.fake.chats) == 1
    house.settled()


async def test_several_pictures_are_several_requests_and_one_charge(build: Build) -> None:
    house = await built(build)
    found = await openai_client(house).images.generate(model="m", prompt="A cat", n=6)
    assert found.data is not None and [picture.b64_json for picture in found.data] == [B64] * 6
    assert found.usage is not None and found.usage.output_tokens_details is not None
    assert (found.usage.input_tokens, found.usage.output_tokens_details.image_tokens) == (60, 6720)
    assert len(house.fake.chats) == 6 and house.entry().credits == 6 * PRICE
    house.settled()


async def test_those_pictures_that_came_are_given_and_charged_though_others_failed(build: Build) -> None:
    house = await built(build)
    house.world.price(input="0", output="0", units={"images": 20_000}, valid_from=1)
    house.fake.script(pictures(500, 429))
    reply = await house.caller.post(MAKE, {"model": "m", "prompt": "A cat", "n": 3})
    assert (len(reply.json["data"]), reply.headers["x-openopen8-loss"]) == (1, "n")
    assert house.entry().credits == 20_000
    house.fake.script(status(200, b"<html>"), pictures())
    reply = await house.caller.post(MAKE, {"model": "m", "prompt": "A cat", "n": 2})
    assert len(reply.json["data"]) == 1 and house.world.log()[-1].credits == 20_000
    house.fake.script(pictures(429, 429))
    assert (await house.caller.post(MAKE, {"model": "m", "prompt": "A cat", "n": 2})).status == 429
    house.world.change(Channel, house.channel_id, rest_until=0)
    house.fake.script(status(200, {"promptFeedback": {"blockReason": "SAFETY"}}))
    other = await house.caller.post(MAKE, {"model": "m", "prompt": "A cat", "n": 2})
    assert house.world.log()[-1].credits == 0, other.json
    house.settled()


async def test_openais_client_watches_geminis_drafts_and_gets_the_picture_with_its_counts(build: Build) -> None:
    house = await built(build)
    streams: list[tuple[str, Any]] = [
        ("image_generation", await openai_client(house).images.generate(
            model="m", prompt="A cat", stream=True, partial_images=1, size="1024x1024")),
        ("image_edit", await openai_client(house).images.edit(
            model="m", prompt="A cat", image=PNG, stream=True, partial_images=1)),
    ]  # fmt: skip
    for name, stream in streams:
        first, last = [event async for event in stream]
        assert (first.type, first.b64_json, first.partial_image_index) == (f"{name}.partial_image", DRAFT, 0)
        assert (last.type, last.b64_json, last.output_format) == (f"{name}.completed", B64, "png")
        assert (last.usage.input_tokens, last.usage.output_tokens) == TOKENS
    assert {request.path for request in house.fake.chats} == {f"/v1beta/models/{NEW}:streamGenerateContent?alt=sse"}
    assert [entry.credits for entry in house.world.log()] == [PRICE, PRICE]
    house.settled()


async def test_several_pictures_come_as_events_too_and_models_without_thoughts_show_no_drafts(build: Build) -> None:
    house = await built(build, OLD)
    body = {"model": "m", "prompt": "A cat", "stream": True, "partial_images": 2}
    reply = await house.caller.post(MAKE, body)
    assert [event["type"] for event in reply.events] == ["image_generation.completed"]
    assert reply.headers["x-openopen8-loss"] == "partial_images"
    found: list[Any] = [
        event async for event in await openai_client(house).images.generate(model="m", prompt="x", n=2, stream=True)
    ]
    assert [(event.type, event.b64_json) for event in found] == [("image_generation.completed", B64)] * 2
    assert sum(event.usage.output_tokens for event in found) == found[-1].usage.output_tokens == 2 * TOKENS[1]
    assert [entry.credits for entry in house.world.log()] == [PRICE, 2 * PRICE]
    house.settled()


async def test_who_leaves_with_a_draft_pays_for_a_picture(build: Build) -> None:
    house = await built(build)
    house.fake.script(pictures(held=True))
    talk = house.caller.open(MAKE, {"model": "m", "prompt": "A cat", "stream": True, "partial_images": 2})
    await talk.until(b'"partial_image_index":1')
    talk.leave()
    house.fake.let()
    while not house.world.log():
        await asyncio.sleep(0.01)
    assert (house.entry().status, house.entry().credits) == (499, PRICE)
    house.settled()


async def test_a_stream_without_a_picture_ends_in_an_error_and_costs_what_gemini_counts(build: Build) -> None:
    house = await built(build)
    house.world.price(input="0", output="0", units={"images": 20_000}, valid_from=1)
    refusal = {"candidates": [{"finishReason": "IMAGE_SAFETY", "index": 0}], "usageMetadata": {"promptTokenCount": 9}}
    house.fake.script(status(200, refusal))  # some proxies answer whole
    body = {"model": "m", "prompt": "A cat", "stream": True}
    assert (await house.caller.post(MAKE, body)).json["error"]["code"] == "content_policy_violation"
    with pytest.raises(openai.APIError, match="drew no picture"):
        house.fake.script(saying("I would rather not."))
        async for _ in await openai_client(house).images.generate(model="m", prompt="A cat", stream=True):
            pass
    assert [entry.credits for entry in house.world.log()] == [0, 0]
    house.settled()


def saying(text: str) -> Any:
    async def script(exchange: Any) -> None:
        await exchange.begin()
        part = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
        await exchange.event({"candidates": [part], "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}})
        await exchange.end()

    return script
