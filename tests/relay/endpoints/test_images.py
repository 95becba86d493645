"""POST /v1/images/generations, /v1/images/edits and /v1/images/variations."""

from __future__ import annotations

import asyncio
import base64
import json
from decimal import Decimal
from typing import Any

import openai
import pytest

from openopen8.core.models import Channel
from tests.fakes.upstream import Exchange, raw_stream, status
from tests.relay.endpoints.clients import openai_client
from tests.relay.endpoints.uploads import TYPE, field, file, form, read
from tests.relay.house import Build, House

PATH = "/v1/images/generations"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
B64 = base64.b64encode(PNG).decode()
USAGE = {
    "input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
}  # fmt: skip


def drawn(count: int = 1, usage: Any = USAGE, **more: Any) -> dict[str, Any]:
    body = {"created": 1713833628, "data": [{"b64_json": B64}] * count, "output_format": "png", **more}
    return {**body, "usage": usage} if usage else body


def events(*found: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in found)


def begun(kind: str = "image_generation", at: int = 0, picture: str = B64) -> dict[str, Any]:
    return {"type": f"{kind}.partial_image", "b64_json": picture, "partial_image_index": at, "created_at": 1}


def done(kind: str = "image_generation", picture: str = B64) -> dict[str, Any]:
    return {"type": f"{kind}.completed", "b64_json": picture, "created_at": 1, "usage": USAGE}


async def test_openais_client_gets_its_picture_and_pays_text_and_picture_tokens_apart(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "gpt-image-1"}})
    house.world.price(input="5", output="0", input_image=Decimal(10), output_image=Decimal(40), valid_from=1)
    house.fake.script(status(200, drawn()))
    found = await openai_client(house).images.generate(model="m", prompt="A cat", size="1024x1024", quality="high")
    assert found.data is not None and base64.b64decode(found.data[0].b64_json or "") == PNG
    sent = house.fake.chats[0]
    assert sent.path == PATH
    assert sent.json == {"model": "gpt-image-1", "prompt": "A cat", "size": "1024x1024", "quality": "high"}
    entry = house.entry()
    assert (entry.endpoint, entry.credits) == (PATH, 10 * 5 + 40 * 10 + 4160 * 40)
    house.settled()


async def test_pictures_without_counts_are_charged_by_their_number(house: House) -> None:
    house.world.price(input="5", output="15", units={"images": 20_000}, valid_from=1)
    house.fake.script(status(200, drawn(2, None, data=[{"url": "https://pictures.test/1"}] * 2)))
    found = await openai_client(house).images.generate(model="m", prompt="A cat", n=3, response_format="url")
    assert found.data is not None and [picture.url for picture in found.data] == ["https://pictures.test/1"] * 2
    assert house.entry().credits == 40_000  # those that came
    house.world.price(per_call=700, valid_from=2)
    await openai_client(house).images.generate(model="m", prompt="A cat", n=2)
    assert sorted(entry.credits for entry in house.world.log()) == [700, 40_000]
    house.settled()


async def test_a_number_of_pictures_is_held_before_they_are_drawn(build: Build) -> None:
    house = await build(balance=50_000)
    house.world.price(input="0", output="0", units={"images": 20_000}, valid_from=1)
    house.world.option("strict_holds", True)
    house.fake.script(status(200, drawn(2, None)))
    assert (await house.caller.post(PATH, {"model": "m", "prompt": "x", "n": 3})).status == 403
    assert (await house.caller.post(PATH, {"model": "m", "prompt": "x", "n": 2})).status == 200
    house.world.price(input="0", output="0", output_image=Decimal(2), valid_from=2)  # 8,320 for a picture
    assert (await house.caller.post(PATH, {"model": "m", "prompt": "x", "n": 2})).status == 403
    assert (await house.caller.post(PATH, {"model": "m", "prompt": "x", "n": 1})).status == 200
    house.settled()


async def test_large_pictures_pass_byte_for_byte(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "up"}})
    raw = json.dumps(drawn(data=[{"b64_json": "A" * 6_000_000}], tomorrow=1.0)).encode()
    house.fake.script(status(200, raw))
    reply = await house.caller.post("/images/generations", {"model": "m", "prompt": "x"})
    assert reply.body == raw and house.entry().output_tokens == 4160
    house.fake.script(status(200, b'{"model": "up",' + raw[1:]))
    reply = await house.caller.post(PATH, {"model": "m", "prompt": "x"})
    assert reply.body == b'{"model": "m",' + raw[1:]


async def test_openais_client_watches_its_picture_emerge(house: House) -> None:
    large = base64.b64encode(bytes(7_000_000)).decode()
    stream = events(begun(), begun(at=1, picture=large)), events(done(picture=large))
    house.fake.script(raw_stream(*stream))
    found: list[Any] = [
        event
        async for event in await openai_client(house).images.generate(
            model="m", prompt="A cat", stream=True, partial_images=2
        )
    ]
    assert [event.type.partition(".")[2] for event in found] == ["partial_image", "partial_image", "completed"]
    assert found[-1].b64_json == large and found[-1].usage.output_tokens == 4160
    assert (house.entry().credits, house.entry().stream) == (50 * 5 + 4160 * 15, True)
    house.settled()


async def test_several_pictures_in_one_stream_are_all_charged_and_one_that_is_cut_is_no_whole(house: House) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.chunk(events(begun(), done(), begun()))
        await exchange.gate()
        await exchange.end()

    body = {"model": "m", "prompt": "A cat", "stream": True, "n": 2}
    house.fake.script(raw_stream(events(begun(), done(), begun(), done())))
    reply = await house.caller.post(PATH, body)
    assert reply.whole and [event["type"] for event in reply.events].count("image_generation.completed") == 2
    assert house.entry().output_tokens == 8320
    house.fake.script(script)
    talk = house.caller.open(PATH, body)
    await talk.until(b"completed")
    house.fake.let()
    reply = await talk.end()
    assert reply.events[-1]["error"]["code"] == "upstream_error"
    assert sorted(entry.output_tokens for entry in house.world.log()) == [4160, 8320]
    house.settled()


async def test_who_leaves_with_a_picture_that_is_nearly_done_pays_for_one(house: House) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.chunk(events(*sketches))
        await exchange.gate()

    prices: tuple[dict[str, Any], ...] = ({"output_image": Decimal(40)}, {"units": {"images": 20_000}})
    shapes: tuple[dict[str, Any], ...] = ({}, {"quality": "low", "size": "1024x1024"}, {"quality": "new", "size": "1"})
    for at, (price, shape, credits) in enumerate((
        (prices[0], shapes[0], 4160 * 40), (prices[0], shapes[1], 272 * 40), (prices[0], shapes[2], 4160 * 40),
        (prices[1], shapes[0], 20_000),
    )):  # fmt: skip
        house.world.price(input="0", output="0", **price, valid_from=at + 1)
        sketches = [{**begun(at=number), **shape} for number in range(3)]
        house.fake.script(script)
        talk = house.caller.open(PATH, {"model": "m", "prompt": "A cat", "stream": True, "partial_images": 3})
        await talk.until(b'"partial_image_index": 2')
        talk.leave()
        house.fake.let()
        while len(house.world.log()) == at:
            await asyncio.sleep(0.01)
        assert (house.world.log()[-1].status, house.world.log()[-1].credits) == (499, credits)
    house.settled()


async def test_a_model_that_does_not_stream_answers_whole(house: House) -> None:
    house.fake.script(status(200, drawn()))
    reply = await house.caller.post(PATH, {"model": "m", "prompt": "A cat", "stream": True})
    assert reply.json == drawn() and reply.headers["content-type"] == "application/json"


async def test_openais_client_edits_uploaded_pictures(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "gpt-image-1"}})
    house.fake.script(status(200, drawn()))
    found = await openai_client(house).images.edit(
        model="m", image=("a.png", PNG), mask=("mask.png", PNG[::-1]), prompt="A hat", n=1
    )
    assert found.usage is not None and found.usage.total_tokens == 4210
    sent = read(house.fake.chats[0])
    assert sent == {"model": "gpt-image-1", "prompt": "A hat", "n": "1", "image": PNG, "mask": PNG[::-1]}
    assert house.fake.chats[0].path == "/v1/images/edits" and house.entry().credits == 50 * 5 + 4160 * 15
    house.settled()


async def test_an_edit_streams_and_takes_several_pictures(house: House) -> None:
    house.fake.script(raw_stream(events(begun("image_edit"), done("image_edit"))))
    pictures = [file("image[]", PNG, "1.png"), file("image[]", PNG, "2.png")]
    body = form(field("prompt", "A hat"), *pictures, field("stream", "true"), field("model", "m"))
    reply = await house.caller.post("/images/edits", body, headers=TYPE)
    assert [event["type"] for event in reply.events] == ["image_edit.partial_image", "image_edit.completed"]
    assert house.fake.chats[0].body == body and house.entry().credits == 50 * 5 + 4160 * 15


async def test_an_edit_in_json_names_its_pictures(house: House) -> None:
    house.fake.script(status(200, drawn()))
    body = {"model": "m", "prompt": "A hat", "images": [{"image_url": "https://pictures.test/1"}]}
    assert (await house.caller.post("/v1/images/edits", body)).json == drawn()
    assert house.fake.chats[0].json == body


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # of the client: vendors still have it
async def test_openais_client_gets_variations(house: House) -> None:
    house.world.price(input="0", output="0", units={"images": 300}, valid_from=1)
    house.fake.script(status(200, drawn(2, None)))
    await openai_client(house).images.create_variation(model="m", image=("a.png", PNG), n=2)
    assert read(house.fake.chats[0]) == {"model": "m", "n": "2", "image": PNG}
    assert (house.entry().endpoint, house.entry().credits) == ("/v1/images/variations", 600)
    house.settled()


async def test_what_can_not_be_drawn_is_told_by_its_field(house: House) -> None:
    wrong: list[tuple[str, Any, str]] = [
        (PATH, {"model": "m"}, "prompt"),
        (PATH, {"prompt": "x"}, "model"),
        (PATH, {"model": "m", "prompt": "x", "n": 0}, "n"),
        (PATH, {"model": "m", "prompt": "x", "stream": "yes"}, "stream"),
        ("/v1/images/edits", {"model": "m", "prompt": "x"}, "images"),
        ("/v1/images/edits", form(field("model", "m"), file("image", PNG)), "prompt"),
        ("/v1/images/edits", form(field("model", "m"), field("prompt", "x")), "image"),
        ("/v1/images/variations", form(field("model", "m"), field("n", "many"), file("image", PNG)), "n"),
        ("/v1/images/variations", {"model": "m"}, "image"),
    ]
    for path, body, param in wrong:
        reply = await house.caller.post(path, body, headers=TYPE if isinstance(body, bytes) else None)
        assert (reply.status, reply.json["error"]["param"]) == (400, param), path
    assert house.fake.chats == []


async def test_no_picture_costs_nothing_and_channels_that_do_not_draw_are_not_asked(house: House) -> None:
    for nothing in ({"data": []}, {"error": {"message": "x"}}, b"<html>"):
        house.fake.script(status(200, nothing))
        house.world.change(Channel, house.channel_id, rest_until=0)
        assert (await house.caller.post(PATH, {"model": "m", "prompt": "x"})).status == 502
    house.fake.script(status(400, {"error": {"message": "Your request was rejected", "code": "moderation_blocked"}}))
    with pytest.raises(openai.BadRequestError, match="rejected"):
        await openai_client(house).images.generate(model="m", prompt="x")
    house.world.change(Channel, house.channel_id, type="anthropic")
    assert (await house.caller.post(PATH, {"model": "m", "prompt": "x"})).status == 503
    assert {entry.credits for entry in house.world.log()} == {0}
    house.settled()
