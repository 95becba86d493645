"""What a worker keeps in memory is bounded by bytes, not by a number of requests (lesson B13)."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.upstream import hang, streamed, whole
from tests.fakes.vendors.keeping import Keeping
from tests.relay.driving import question
from tests.relay.house import Build

LONG = "lorem ipsum " * 40_000  # half a megabyte


async def test_large_requests_beyond_the_room_are_refused_at_once_and_the_room_is_free_again(build: Build) -> None:
    house = await build(max_bodies_mb=1)
    house.fake.script(hang())
    first = [house.caller.open(body=question(messages=[{"role": "user", "content": LONG}])) for _ in range(2)]
    while len(house.fake.chats) < 2:
        await asyncio.sleep(0.01)
    refused = await house.caller.chat(messages=[{"role": "user", "content": LONG}])
    assert (refused.status, refused.json["error"]["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    for talk in first:
        talk.leave()
        await talk.end()
    house.fake.script(whole())
    assert (await house.caller.chat(messages=[{"role": "user", "content": LONG}])).status == 200
    gate = house.relay.gate
    assert gate is not None and gate.room.free == 1024 * 1024
    house.settled()


async def test_one_request_may_be_larger_than_the_room(build: Build) -> None:
    house = await build(max_bodies_mb=0.1)
    assert (await house.caller.chat(messages=[{"role": "user", "content": LONG}])).status == 200


async def test_a_stream_under_way_takes_no_room(build: Build) -> None:
    house = await build(max_bodies_mb=1)
    house.fake.script(streamed("one", " two", gated=True))
    talk = house.caller.stream(messages=[{"role": "user", "content": LONG}])
    house.fake.let()
    await talk.until(b"one")
    gate = house.relay.gate
    assert gate is not None and gate.room.free == 1024 * 1024
    house.fake.let()
    assert (await talk.end()).text == "one two"
    house.settled()


@pytest.mark.parametrize(("kind", "store", "takes"), [
    ("openai-responses", True, False), ("openai-compatible", False, False), ("openai-compatible", True, True)
])  # fmt: skip
async def test_what_a_stream_was_asked_takes_room_as_long_as_it_has_to_be_written_down(
    build: Build, kind: str, store: bool, takes: bool
) -> None:
    house = await build(max_bodies_mb=1, channel={"type": kind})
    vendor = Keeping()
    house.fake.script(vendor if kind == "openai-responses" else streamed("one", " two", gated=True))
    body = {"model": "m", "input": LONG, "stream": True, "store": store, "background": kind == "openai-responses"}
    talk = house.caller.open("/v1/responses", body)
    if kind != "openai-responses":
        house.fake.let()
    await talk.until(b"response.in_progress")
    gate = house.relay.gate
    assert gate is not None and (gate.room.free < 1024 * 1024) is takes
    house.fake.let()
    await talk.end()
    assert gate.room.free == 1024 * 1024
