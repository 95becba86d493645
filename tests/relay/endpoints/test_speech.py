"""POST /v1/audio/speech."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

from tests.fakes.upstream import Exchange, Script, hang, raw_stream, status
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House

BODY = {"model": "m", "input": "one two three", "voice": "alloy"}
SOUND = bytes(range(256)) * 40


def sound(*pieces: bytes, kind: str = "audio/mpeg", then: str = "end") -> Script:
    """Sound in pieces, each behind the gate. ``then``: ``end`` or ``cut``."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin({"content-type": kind})
        for piece in pieces:
            await exchange.chunk(piece)
            await exchange.gate()
        await (exchange.end() if then == "end" else exchange.cut())

    return script


def events(*found: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in found)


async def test_openais_client_hears_the_bytes_and_pays_by_the_character(house: House) -> None:
    house.world.price(input="5", output="0", units={"characters": 7}, valid_from=1)
    house.fake.script(sound(SOUND[:5000], SOUND[5000:], kind="audio/L16; rate=24000"))
    house.fake.let(2)
    talk = openai_client(house).audio.speech.with_streaming_response
    async with talk.create(model="m", input="one two three", voice="alloy", response_format="pcm") as heard:
        assert heard.headers["content-type"] == "audio/L16; rate=24000"
        assert await heard.read() == SOUND
    sent = house.fake.chats[0]
    assert (sent.path, sent.json) == ("/v1/audio/speech", {**BODY, "response_format": "pcm"})
    entry = house.entry()
    assert (entry.endpoint, entry.credits, entry.status) == ("/v1/audio/speech", 13 * 7, 200)
    assert entry.first_token_ms is not None
    house.settled()


async def test_sound_is_passed_on_as_it_comes_and_paid_before_its_end(house: House) -> None:
    house.world.price(input="5", output="0", units={"characters": 7}, valid_from=1)
    house.fake.script(sound(b"first", b"second"))
    booked: list[int] = []

    def watch(message: Any) -> None:
        booked.append(len(house.world.log()))

    talk = house.caller.open("/audio/speech", BODY, watch=watch)
    await talk.until(b"firs")
    assert b"second" not in talk.reply.body and not any(booked)
    house.fake.let(2)
    reply = await talk.end()
    assert reply.whole and reply.body == b"firstsecond" and booked[-1] == 1
    assert reply.headers["x-content-type-options"] == "nosniff"
    house.settled()


async def test_sound_that_is_cut_is_cut_for_the_caller_too(house: House) -> None:
    house.world.price(input="5", output="0", units={"characters": 7}, valid_from=1)
    house.fake.script(sound(b"first", then="cut"))
    house.fake.let()
    reply = await house.caller.post("/v1/audio/speech", BODY)
    assert reply.body == b"firs" and not reply.whole
    assert (house.entry().credits, house.entry().status) == (91, 200)
    assert "upstream_error" in house.entry().error
    house.settled()


async def test_a_caller_who_hangs_up_stops_the_provider_and_pays(house: House) -> None:
    house.world.price(input="5", output="0", units={"characters": 7}, valid_from=1)
    house.fake.script(sound(b"first", b"second"))
    talk = house.caller.open("/v1/audio/speech", BODY)
    await talk.until(b"firs")
    talk.leave()
    await talk.end()
    assert house.fake.requests[0].left.wait(5)
    assert (house.entry().status, house.entry().credits) == (499, 91)
    house.settled()


async def test_speech_in_events_is_charged_by_its_counts_also_where_characters_have_a_price(house: House) -> None:
    house.world.price(input="5", output="0", output_audio=Decimal(15), units={"characters": 7}, valid_from=1)
    usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
    delta = {"type": "speech.audio.delta", "audio": base64.b64encode(SOUND).decode()}
    stream = events(delta, {"type": "speech.audio.done", "usage": usage})
    house.fake.script(raw_stream(stream[:99], stream[99:]))
    reply = await house.caller.post("/v1/audio/speech", {**BODY, "stream_format": "sse"})
    assert reply.body == stream and reply.headers["content-type"].startswith("text/event-stream")
    entry = house.entry()
    assert (entry.input_tokens, entry.output_tokens, entry.credits, entry.stream) == (14, 101, 14 * 5 + 101 * 15, True)
    house.settled()


async def test_a_model_that_can_not_speak_in_events_is_heard_all_the_same(house: House) -> None:
    house.world.price(per_call=700, valid_from=1)
    house.fake.script(sound(SOUND))
    house.fake.let()
    reply = await house.caller.post("/v1/audio/speech", {**BODY, "stream_format": "sse"})
    assert (reply.body, reply.headers["content-type"], house.entry().credits) == (SOUND, "audio/mpeg", 700)


async def test_what_is_no_sound_is_tried_elsewhere_and_costs_nothing(build: Build) -> None:
    house = await build(channel={"priority": 9})
    house.world.channel(house.fake.url)
    empty = raw_stream()
    page = status(200, b"<html>Welcome!</html>", {"content-type": "text/html"})
    for nothing in (status(500), status(200, {"error": {"message": "no voice"}}), page, empty):
        house.fake.script(nothing, sound(SOUND, kind="image/svg+xml"))
        house.fake.let()
        reply = await house.caller.post("/v1/audio/speech", BODY)
        # a type that a browser might run is not passed on as such
        assert (reply.body, reply.headers["content-type"]) == (SOUND, "application/octet-stream")
    house.fake.script(status(200, {"error": {"message": "no voice"}}))
    assert (await house.caller.post("/v1/audio/speech", BODY)).status == 502
    assert [entry.credits for entry in house.world.log() if entry.status == 502] == [0]
    house.settled()


async def test_a_provider_that_stays_silent_is_a_504(build: Build) -> None:
    house = await build(streaming_timeout=0.2)
    house.fake.script(hang())
    assert (await house.caller.post("/v1/audio/speech", BODY)).status == 504
    house.settled()


async def test_there_must_be_a_text_to_speak(house: House) -> None:
    for given in (None, "", 5, ["x"]):
        reply = await house.caller.post("/v1/audio/speech", {**BODY, "input": given})
        assert (reply.status, reply.json["error"]["param"]) == (400, "input")
