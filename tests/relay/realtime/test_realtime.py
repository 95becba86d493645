"""GET /v1/realtime: OpenAI's own client speaks with its provider through the gateway, and pays response by response."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import openai
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from openopen8.core.models import Channel, Hold, Token
from openopen8.server import door
from openopen8.server.front import NoFront
from openopen8.server.worker import Worker
from tests.fakes.vendors.realtime import MODEL, USAGE, Realtime, until
from tests.relay.house import Build, House

FURTHER = {"cache_read": 1, "input_audio": 32, "cache_read_audio": 2, "output_audio": 64}
RATIOS = {name: Decimal(ratio) for name, ratio in FURTHER.items()}
COST = 400 * 4 + 200 * 1 + 300 * 32 + 100 * 2 + 200 * 16 + 300 * 64
GO = {"type": "response.create"}


@dataclass
class Place:
    """A gateway on a real socket, as a worker serves it, and the provider behind it."""

    house: House
    vendor: Realtime
    address: str

    def dial(self, query: str = "model=rt", **more: Any) -> connect:
        """A plain WebSocket with a bearer token."""
        headers = {"authorization": f"Bearer {self.house.key}"}
        url = f"ws{self.address.removeprefix('http')}/v1/realtime?{query}"
        return connect(url, **{"additional_headers": headers, "proxy": None, **more})

    def client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(api_key=self.house.key, base_url=f"{self.address}/v1", max_retries=0)


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """The relay behind the door that a worker has."""
    settings = {**door.options(house.relay), "lifespan": "off", "log_level": "warning"}
    root = Worker(house.relay, house.relay, NoFront(), None)
    server = uvicorn.Server(uvicorn.Config(root, host="127.0.0.1", port=0, **settings))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture
async def place(build: Build) -> AsyncIterator[Place]:
    vendor = Realtime()
    async with vendor.serving():
        mapping = {"rt": MODEL}
        channel = {"base_url": vendor.url, "type": "openai", "models": ("m", "rt"), "model_mapping": mapping}
        house = await build(channel=channel)
        house.world.price("rt", input="4", output="16", **RATIOS)
        async with served(house) as address:
            yield Place(house, vendor, address)


async def heard(socket: ClientConnection, last: str) -> list[dict[str, Any]]:
    """The events up to one of that type."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while not found or found[-1]["type"] != last:
            found.append(json.loads(await socket.recv()))
    return found


async def test_openais_client_converses_in_text_sound_and_tools_and_pays_each_response_at_once(place: Place) -> None:
    house, seen = place.house, []
    async with place.client().realtime.connect(model="rt") as connection:
        assert (await connection.recv()).session.model == "rt"  # type: ignore[union-attr]
        await connection.session.update(session={"type": "realtime", "model": "rt", "instructions": "Be short."})
        text: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
        await connection.conversation.item.create(item=text)
        await connection.input_audio_buffer.append(audio="UklGRg==" * 200_000)
        for turn in range(2):
            await connection.response.create()
            async for event in connection:
                seen.append(event)
                if event.type == "response.done":
                    break
            charged = [entry.credits for entry in house.world.log()]
            assert charged == [COST] * (turn + 1) and len(house.world.all(Hold)) == 1
    kinds = [event.type for event in seen]
    assert kinds[:2] == ["session.updated", "conversation.item.added"] and "error" not in kinds
    assert seen[0].session.model == "rt" and seen[0].session.instructions == "Be short."
    told = {event.type: event.delta for event in seen if event.type.endswith(".delta")}
    assert told["response.output_text.delta"] == "Hello!"
    assert len(told["response.output_audio.delta"]) == 8000
    assert told["response.function_call_arguments.delta"] == '{"model":"x"}'
    assert [event.response.usage.total_tokens for event in seen if event.type == "response.done"] == [1500] * 2
    assert place.vendor.events[0]["session"] == {"type": "realtime", "model": MODEL, "instructions": "Be short."}
    assert len(place.vendor.events[2]["audio"]) == 1_600_000
    await until(lambda: not house.world.all(Hold) and place.vendor.closed)
    entry, _, end = house.world.log()
    assert (entry.input_tokens, entry.cached_tokens, entry.output_tokens, entry.stream) == (1000, 300, 500, True)
    assert (entry.model, entry.upstream_model, entry.channel_id) == ("rt", MODEL, house.channel_id)
    assert (entry.endpoint, end.credits, end.status) == ("/v1/realtime", 0, 200)
    house.settled()


async def test_azures_resources_speak_it_too(build: Build) -> None:
    vendor = Realtime(azure=True)
    async with vendor.serving():
        channel = {"base_url": vendor.url, "type": "azure", "models": ("m", "rt"), "model_mapping": {"rt": MODEL}}
        house = await build(channel=channel)
        house.world.price("rt", input="4", output="16", **RATIOS)
        async with served(house) as address, Place(house, vendor, address).dial() as socket:
            await heard(socket, "session.created")
            await socket.send(json.dumps(GO))
            await heard(socket, "response.done")
        await until(lambda: not house.world.all(Hold) and vendor.closed)
        assert [entry.credits for entry in house.world.log()] == [COST, 0]
        house.settled()


async def test_a_token_may_come_in_each_of_the_three_ways_and_no_log_has_it(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "uvicorn.error")
    key = place.house.key
    protocols: Any = ["realtime", f"openai-insecure-api-key.{key}"]
    ways: list[tuple[str, dict[str, Any], str | None]] = [
        ("model=rt", {}, None),
        (f"model=rt&token={key}", {"additional_headers": {}}, None),
        ("model=rt", {"additional_headers": {}, "subprotocols": protocols}, "realtime"),
    ]
    for query, more, protocol in ways:
        async with place.dial(query, **more) as socket:
            await heard(socket, "session.created")
            assert socket.subprotocol == protocol
    assert all(key not in str(head) for head in place.vendor.heads)
    assert "[accepted]" in caplog.text and key not in caplog.text


async def test_no_log_has_the_token_of_a_session_that_finds_no_room(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "uvicorn.error")
    place.house.relay.running = 1_000_000
    with pytest.raises(InvalidStatus) as refused:
        async with place.dial(f"model=rt&token={place.house.key}", additional_headers={}):
            pass
    place.house.relay.running = 0
    assert refused.value.response.status_code == 503
    assert "503" in caplog.text and place.house.key not in caplog.text


async def test_what_speaks_against_a_session_is_said_before_it_begins(place: Place) -> None:
    house = place.house
    poor = house.world.token(house.world.user(balance=0))[1]
    spent = house.world.token(house.user, quota=10, expires_at=1)[1]
    cases: list[tuple[str, str, int, str]] = [
        ("model=rt", "sk-" + "a" * 48, 401, "invalid_api_key"),
        ("model=rt", spent, 401, "token_expired"),
        ("model=rt", poor, 403, "insufficient_user_quota"),
        ("model=other", house.key, 503, "no_available_channel"),
        ("", house.key, 400, "invalid_request"),
        (f"model=rt&token={poor}", house.key, 401, "invalid_api_key"),
    ]
    for query, key, status, code in cases:
        with pytest.raises(InvalidStatus) as refused:
            async with place.dial(query, additional_headers={"authorization": f"Bearer {key}"}):
                pass
        response = refused.value.response
        assert (response.status_code, json.loads(response.body or b"")["error"]["code"]) == (status, code)
        assert response.headers["x-request-id"] and response.headers["x-openopen8-error"] == code
    assert place.vendor.heads == []
    house.settled()


async def test_a_provider_that_refuses_the_handshake_is_an_http_error(place: Place) -> None:
    for status, told in [(400, 400), (429, 429), (500, 502), (301, 502), (401, 502)]:
        place.vendor.status = status
        place.house.clock.advance(60_000)
        with pytest.raises(InvalidStatus) as refused:
            async with place.dial():
                pass
        assert refused.value.response.status_code == told
    assert len(place.vendor.heads) == 5  # nobody followed the redirect
    assert [(entry.status, entry.credits) for entry in place.house.world.log()] == [
        (400, 0), (429, 0), (502, 0), (502, 0), (502, 0)
    ]  # fmt: skip
    place.house.settled()


async def test_another_channel_is_tried_and_a_dead_one_is_a_502(place: Place) -> None:
    house = place.house
    mapping = {"rt": MODEL}
    dead = house.world.channel("http://127.0.0.1:9", models=("rt",), type="openai", priority=9, model_mapping=mapping)
    async with place.dial() as socket:
        await heard(socket, "session.created")
    await until(lambda: house.world.log())
    assert (house.entry().retries, house.entry().channel_id) == (1, house.channel_id)
    house.world.change(Channel, house.channel_id, enabled=False)
    with pytest.raises(InvalidStatus) as refused:
        async with place.dial():
            pass
    assert refused.value.response.status_code == 502 and house.world.log()[-1].channel_id == dead
    house.settled()


async def test_a_session_ends_with_an_error_when_the_quota_does(place: Place) -> None:
    house = place.house
    house.key = house.world.token(house.user, quota=COST + 1)[1]
    async with place.dial() as socket:
        await socket.send(json.dumps(GO))
        await heard(socket, "response.done")
        await socket.send(json.dumps(GO))
        told = await heard(socket, "error")
        assert [event["type"] for event in told][-2:] == ["response.done", "error"]
        assert told[-1]["error"]["code"] == "token_quota_exhausted"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (1008, "token_quota_exhausted")
    await until(lambda: place.vendor.closed)
    assert [entry.credits for entry in house.world.log()] == [COST, COST, 0]
    house.settled()


async def test_of_responses_that_run_at_once_each_is_held_and_paid(place: Place) -> None:
    house, place.vendor.hold = place.house, True
    house.key = house.world.token(house.user, rate_limit=2)[1]
    async with place.dial() as socket:
        for number in (1, 2):
            await socket.send(json.dumps(GO))
            await heard(socket, "response.function_call_arguments.delta")
            assert len(house.world.all(Hold)) == number
        await socket.send(json.dumps(GO))
        assert (await heard(socket, "error"))[-1]["error"]["code"] == "429"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1013
    await until(lambda: not house.world.all(Hold) and place.vendor.closed)
    assert [entry.credits > 0 for entry in house.world.log() if entry.status == 200] == [True, False]
    house.settled()


async def test_one_of_several_that_is_over_is_paid_and_the_others_stay_held(place: Place) -> None:
    house, place.vendor.hold = place.house, True
    async with place.dial() as socket:
        for _ in range(2):
            await socket.send(json.dumps(GO))
            await heard(socket, "response.function_call_arguments.delta")
        for left in (1, 1):
            await socket.send(json.dumps({"type": "response.cancel"}))
            await heard(socket, "response.done")
            assert len(house.world.all(Hold)) == left
    await until(lambda: not house.world.all(Hold) and place.vendor.closed)
    assert [entry.credits for entry in house.world.log()] == [COST, COST, 0]
    house.settled()


async def test_a_token_that_is_disabled_ends_its_session_at_the_next_response(place: Place) -> None:
    async with place.dial() as socket:
        await heard(socket, "session.created")
        place.house.world.change(Token, place.house.token_id, enabled=False)
        await socket.send(json.dumps(GO))
        told = await heard(socket, "error")
    assert told[-1]["error"]["code"] == "token_disabled"
    assert place.house.world.log()[0].credits == COST
    place.house.settled()


async def test_another_model_than_the_admitted_one_does_not_get_in(place: Place) -> None:
    async with place.dial() as socket:
        await heard(socket, "session.created")
        await socket.send(r'{"type":"session.update","s\u0065ssion":{"type":"realtime","m\u006fdel":"dear"}}')
        await heard(socket, "session.updated")
        for odd in ('{"type":"session.update","session":{"model":"a","model":"b"}}', "[", '{"type":"a","type":"b"}'):
            await socket.send(odd)
            assert (await heard(socket, "error"))[-1]["error"]["code"] == "invalid_request"
    assert [event["session"] for event in place.vendor.events] == [{"type": "realtime", "model": MODEL}]


async def test_close_codes_are_passed_on_both_ways(place: Place) -> None:
    place.vendor.leaves = (4001, "session expired")
    async with place.dial() as socket:
        await socket.send(json.dumps(GO))
        with pytest.raises(ConnectionClosed):
            await heard(socket, "response.done")
        assert (socket.close_code, socket.close_reason) == (4001, "session expired")
    await until(lambda: place.house.world.log())
    assert place.house.entry().error.startswith("upstream_error")
    place.vendor.closed.clear()
    async with place.dial() as socket:
        await heard(socket, "session.created")
        await socket.close(4002, "bye")
    await until(lambda: place.vendor.closed)
    assert place.vendor.closed == [(4002, "bye")]
    place.house.settled()


async def test_a_caller_that_leaves_in_the_middle_pays_what_came(place: Place) -> None:
    place.vendor.hold = True
    async with place.dial() as socket:
        await socket.send(json.dumps(GO))
        await heard(socket, "response.function_call_arguments.delta")
        socket.transport.abort()
    await until(lambda: place.vendor.closed)
    assert place.vendor.events[-1]["type"] == "response.cancel"
    assert place.house.world.log()[0].credits == COST
    place.house.settled()


async def test_without_usage_the_texts_are_counted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(USAGE, "input_tokens", 0)
    monkeypatch.setitem(USAGE, "output_tokens", 0)
    monkeypatch.setitem(USAGE, "total_tokens", 0)
    async with place.dial() as socket:
        await socket.send(json.dumps(GO))
        await heard(socket, "response.done")
        assert place.house.entry().output_tokens > 0 and "counted" in str(place.house.entry().receipt)


async def test_the_older_form_is_asked_for_and_a_plain_request_is_told_to_upgrade(place: Place) -> None:
    headers = {"authorization": f"Bearer {place.house.key}", "openai-beta": "realtime=v1"}
    async with place.dial(additional_headers=headers) as socket:
        await heard(socket, "session.created")
    assert place.vendor.heads[0]["openai-beta"] == "realtime=v1"
    assert (await place.house.caller.get("/v1/realtime")).status == 426


async def test_what_is_written_down_is_charged_at_the_price_of_the_model_that_does_it(place: Place) -> None:
    house = place.house
    house.world.price("whisper-1", units={"seconds": "7"})
    house.world.price("gpt-4o-transcribe", input="2", output="5", input_audio=Decimal(3))
    tokens = {"input_tokens": 20, "output_tokens": 10, "input_token_details": {"text_tokens": 5, "audio_tokens": 15}}
    usages: list[tuple[str, dict[str, Any]]] = [
        ("whisper-1", {"type": "duration", "seconds": 2.5}),
        ("gpt-4o-transcribe", {"type": "tokens", "total_tokens": 30, **tokens}),
    ]
    async with place.dial() as socket:
        for model, usage in usages:
            place.vendor.transcription = usage
            session = {"type": "realtime", "audio": {"input": {"transcription": {"model": model}}}}
            await socket.send(json.dumps({"type": "session.update", "session": session}))
            await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
            await heard(socket, "conversation.item.input_audio_transcription.completed")
        assert [(e.model, e.credits) for e in house.world.log()] == [("whisper-1", 21), ("gpt-4o-transcribe", 105)]
        session["audio"]["input"]["transcription"]["model"] = "unpriced"
        await socket.send(json.dumps({"type": "session.update", "session": session}))
        assert (await heard(socket, "error"))[-1]["error"]["code"] == "model_not_priced"
    await until(lambda: not house.world.all(Hold))
    house.settled()


async def test_other_paths_have_no_websocket(place: Place) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws{place.address.removeprefix('http')}/v1/other", proxy=None):
            pass
    assert refused.value.response.status_code == 404
