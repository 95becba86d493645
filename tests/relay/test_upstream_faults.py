"""Providers that fail in every way: status, retries, charges and words. (B7, B8, L8, N3, N11)"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from relay import streaming
from tests.fakes import upstream as fakes
from tests.fakes.upstream import FakeUpstream, Script, free_port, status, streamed, whole
from tests.relay.driving import Reply
from tests.relay.house import Build, House

SLOW = {"streaming_timeout": 0.4}


def said(reply: Reply) -> str:
    """Everything that the caller could read."""
    return reply.body.decode() + json.dumps(reply.headers)


def clean(reply: Reply) -> None:
    """Neither keys nor addresses of providers."""
    for secret in ("upstream-key", "127.0.0.1", "http://", "Traceback"):
        assert secret not in said(reply)


FAULTS: list[tuple[str, Script, int, str]] = [
    ("500", status(500), 502, "upstream_error"),
    ("404", status(404), 502, "upstream_error"),
    ("302", status(302, headers={"location": "http://127.0.0.1:1/"}), 502, "upstream_error"),
    ("401", status(401), 502, "upstream_error"),
    ("429", status(429, headers={"retry-after": "7"}), 429, "upstream_rate_limited"),
    ("hangs", fakes.hang(), 504, "upstream_timeout"),
    ("cut at once", fakes.cut_at_once(), 502, "upstream_error"),
    ("garbage", fakes.garbage(), 502, "upstream_error"),
    ("no http", fakes.raw_stream(b"\x00\xff\x00"), 502, "upstream_error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("name", "script", "wanted", "code"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_a_provider_that_fails_before_answering_is_not_charged(
    build: Build, name: str, script: Script, wanted: int, code: str, stream: bool
) -> None:
    house = await build(**SLOW)
    house.fake.script(script)
    reply = await house.caller.chat(stream=stream)
    assert (reply.status, reply.headers["x-openopen8-error"]) == (wanted, code)
    assert reply.json["error"]["code"] == code
    clean(reply)
    assert (house.entry().status, house.entry().credits) == (wanted, 0)
    assert len(house.fake.chats) == 1
    house.settled()


WHOLE_FAULTS: list[tuple[str, Script]] = [
    ("cut in the middle", fakes.cut_whole()),
    ("error inside a 200", whole(error={"message": "fell over"})),
    ("no choices", whole(choices=[])),
]


@pytest.mark.parametrize(("name", "script"), WHOLE_FAULTS, ids=[row[0] for row in WHOLE_FAULTS])
async def test_a_whole_answer_that_is_none_is_tried_elsewhere(house: House, name: str, script: Script) -> None:
    with FakeUpstream(whole("second")) as second:
        house.world.channel(second.url, priority=-1)
        house.fake.script(script)
        reply = await house.caller.chat()
        assert reply.json["choices"][0]["message"]["content"] == "second"
        assert house.entry().retries == 1 and house.entry().credits == 12_500
    house.settled()


async def test_a_refused_connection_is_a_502(build: Build) -> None:
    house = await build(channel={"base_url": f"http://127.0.0.1:{free_port()}"})
    reply = await house.caller.chat()
    assert (reply.status, reply.headers["x-openopen8-error"]) == (502, "upstream_error")
    clean(reply)
    house.settled()


async def test_a_name_that_does_not_exist_is_a_502(build: Build) -> None:
    house = await build(channel={"base_url": "http://no-such-host.invalid"})
    reply = await house.caller.chat()
    assert reply.status == 502 and "invalid" not in said(reply).replace("invalid_request", "")
    house.settled()


@pytest.mark.parametrize("code", [400, 413, 422])
async def test_what_the_caller_did_wrong_passes_at_once_with_the_vendors_words(house: House, code: int) -> None:
    house.world.channel(house.fake.url, priority=-1)
    house.fake.script(status(code, {"error": {"message": "max_tokens is too large"}}))
    reply = await house.caller.chat()
    assert reply.status == code and reply.json["error"]["message"] == "max_tokens is too large"
    assert len(house.fake.chats) == 1
    assert (house.entry().status, house.entry().credits) == (code, 0)
    house.settled()


async def test_a_vendors_message_is_stripped_of_keys_and_addresses(house: House) -> None:
    words = "Incorrect key sk-abcdef1234567890abcdef provided at https://api.vendor.test/v1 (10.1.2.3)"
    house.fake.script(status(400, {"error": {"message": words}}))
    reply = await house.caller.chat()
    for secret in ("sk-abcdef", "vendor.test", "10.1.2.3"):
        assert secret not in said(reply)


async def test_429_passes_only_when_all_said_429(house: House) -> None:
    with FakeUpstream(status(429, headers={"retry-after": "30"})) as other:
        house.world.channel(other.url, priority=-1)
        house.fake.script(status(429, headers={"retry-after": "7"}))
        reply = await house.caller.chat()
        assert reply.status == 429 and reply.headers["retry-after"] == "7"
        assert reply.json["error"]["message"] == "upstream says 429"
    house.settled()


async def test_one_429_and_one_500_are_a_502(house: House) -> None:
    with FakeUpstream(status(500)) as other:
        house.world.channel(other.url, priority=-1)
        house.fake.script(status(429))
        assert (await house.caller.chat()).status == 502


@pytest.mark.parametrize("stream", [False, True])
async def test_another_channel_answers_when_the_first_fails(house: House, stream: bool) -> None:
    with FakeUpstream(streamed("second") if stream else whole("second")) as second:
        second_id = house.world.channel(second.url, priority=-1)
        house.fake.script(status(500))
        reply = await house.caller.chat(stream=stream)
        assert reply.status == 200 and "second" in reply.body.decode()
        entry = house.entry()
        assert (entry.retries, entry.channel_id, entry.credits) == (1, second_id, 12_500)
        assert entry.details is not None and entry.details["attempts"][0]["status"] == 500
    house.settled()


async def test_each_channel_and_key_is_tried_once_and_no_more_than_the_retries_allow(build: Build) -> None:
    house = await build(channel={"keys": ("key-a", "key-b")})
    house.fake.script(status(500))
    await house.caller.chat()
    assert sorted(request.key for request in house.fake.chats) == ["key-a", "key-b"]
    for _ in range(4):
        house.world.channel(house.fake.url)
    house.fake.requests.clear()
    await house.caller.chat()
    assert len(house.fake.chats) == 3


async def test_a_disabled_channel_is_never_tried(house: House) -> None:
    from openopen8.core.models import Channel

    house.world.channel(house.fake.url, keys=("other",), priority=5)
    house.world.change(Channel, house.channel_id, enabled=False)
    await house.caller.chat()
    assert [request.key for request in house.fake.chats] == ["other"]


async def test_the_admins_status_map_is_applied(build: Build) -> None:
    house = await build(channel={"status_map": {"404": 400, "400": 503}})
    house.fake.script(status(404))
    assert (await house.caller.chat()).status == 400
    house.fake.script(status(400))
    assert (await house.caller.chat()).status == 502


@pytest.mark.parametrize("texts", [(), ("Hello",)])
async def test_a_stream_that_ends_without_its_ending_is_an_error_and_never_a_clean_done(
    house: House, texts: tuple[str, ...]
) -> None:
    house.fake.script(streamed(*(texts or ("",)), finish=None, done=False, then="cut"))
    reply = await house.caller.chat(stream=True)
    assert reply.status == 200 and reply.whole
    assert reply.events[-1]["error"]["code"] == "upstream_error"
    assert "[DONE]" not in reply.events
    clean(reply)
    entry = house.entry()
    assert entry.status == 200 and entry.error.startswith("upstream_error") and entry.credits > 0
    house.settled()


async def test_a_stream_cut_before_its_first_event_is_tried_elsewhere(house: House) -> None:
    async def only_head(exchange: fakes.Exchange) -> None:
        await exchange.begin()
        await exchange.chunk(b": hello\n\n")
        await exchange.cut()

    house.fake.script(only_head, streamed("second"))
    house.world.channel(house.fake.url, priority=-1)
    reply = await house.caller.chat(stream=True)
    assert reply.text == "second" and house.entry().retries == 1
    house.settled()


@pytest.mark.parametrize("then", ["end", "cut"])
async def test_a_stream_without_done_ends_normally_when_a_finish_reason_was_seen(house: House, then: str) -> None:
    house.fake.script(streamed("Hello", done=False, then=then))
    reply = await house.caller.chat(stream=True)
    assert reply.events[-1] == "[DONE]" and reply.text == "Hello"
    assert house.entry().credits == 12_500 and house.entry().error == ""
    house.settled()


@pytest.mark.parametrize("then", ["hang", "heartbeats"])
async def test_silence_or_heartbeats_after_the_finish_reason_end_the_stream(
    house: House, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(streaming, "QUIET", 0.2)
    house.fake.script(streamed("Hello", done=False, then=then))
    reply = await house.caller.chat(stream=True)
    assert reply.events[-1] == "[DONE]" and house.entry().credits == 12_500
    assert await asyncio.to_thread(house.fake.chats[0].left.wait, 10)
    house.settled()


async def test_heartbeats_alone_are_a_timeout(build: Build) -> None:
    house = await build(**SLOW)
    house.fake.script(fakes.heartbeats())
    reply = await house.caller.chat(stream=True)
    assert reply.status == 504 and house.entry().credits == 0
    assert await asyncio.to_thread(house.fake.chats[0].left.wait, 10)
    house.settled()


@pytest.mark.parametrize("then", ["hang", "heartbeats"])
async def test_a_stream_that_falls_silent_ends_in_an_error_event(build: Build, then: str) -> None:
    house = await build(**SLOW)
    house.fake.script(streamed("Hello", finish=None, done=False, then=then))
    reply = await house.caller.chat(stream=True)
    assert reply.text == "Hello" and reply.events[-1]["error"]["code"] == "upstream_timeout"
    assert house.entry().credits > 0
    house.settled()


async def test_a_request_that_takes_too_long_in_all_is_ended(build: Build) -> None:
    house = await build(request_timeout=0.5, keep_alive_seconds=0.1)
    house.fake.script(streamed("Hello", finish=None, done=False, then="heartbeats"))
    reply = await house.caller.chat(stream=True)
    assert reply.events[-1]["error"]["code"] == "upstream_timeout"
    house.fake.script(fakes.hang())
    assert (await house.caller.chat()).status == 504
    house.settled()


async def test_an_event_without_end_is_an_error_and_not_kept(house: House) -> None:
    house.fake.script(fakes.huge_line())
    assert (await house.caller.chat(stream=True)).status == 502
    assert house.entry().credits == 0
    house.settled()


async def test_a_slow_trickle_arrives_whole(house: House) -> None:
    house.fake.script(fakes.trickle("slowly"))
    reply = await house.caller.chat(stream=True)
    assert reply.text == "slowly" and reply.events[-1] == "[DONE]" and house.entry().credits == 12_500
    house.settled()


async def test_an_error_as_first_event_of_a_200_is_retried_and_costs_nothing(house: House) -> None:
    house.fake.script(fakes.error_inside(), streamed("second"))
    second = house.world.channel(house.fake.url, priority=-1)
    reply = await house.caller.chat(stream=True)
    assert reply.text == "second" and house.entry().channel_id == second
    house.settled()


async def test_an_error_as_first_event_everywhere_is_an_error_status(house: House) -> None:
    house.fake.script(fakes.error_inside())
    reply = await house.caller.chat(stream=True)
    assert (reply.status, house.entry().status, house.entry().credits) == (502, 502, 0)
    house.settled()


async def test_an_error_in_the_middle_ends_the_stream_and_charges_what_came(house: House) -> None:
    async def later(exchange: fakes.Exchange) -> None:
        await exchange.begin()
        await exchange.event(fakes.chunk({"content": "one two"}))
        await exchange.gate()
        await exchange.event({"error": {"message": "the model fell over", "code": 500}})
        await exchange.end()

    house.fake.script(later)
    talk = house.caller.stream()
    await talk.until(b"one two")
    house.fake.let()
    reply = await talk.end()
    assert reply.events[-1]["error"]["message"] == "the model fell over" and "[DONE]" not in reply.events
    assert house.entry().output_tokens == 2 and house.entry().credits > 0
    house.settled()


STOPPED = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}'
OPEN = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
ODD: list[tuple[str, tuple[bytes, ...]]] = [
    ("done twice", (STOPPED + b"\n\n", b"data: [DONE]\n\ndata: [DONE]\n\n")),
    ("ping and crlf", (b": ping\r\n\r\n", OPEN + b"\r\n\r\n", END + b"\r\n\r\ndata: [DONE]\r\n\r\n")),
    ("no blank line at the end", (STOPPED + b"\n\n", b"data: [DONE]")),
    ("split characters", (OPEN[:-5] + b"\xe2\x82", b'\xac"}}]}\n\n' + END + b"\n\n")),
]


@pytest.mark.parametrize(("name", "pieces"), ODD, ids=[row[0] for row in ODD])
async def test_odd_event_streams_do_not_crash_anything(house: House, name: str, pieces: tuple[bytes, ...]) -> None:
    house.fake.script(fakes.raw_stream(*pieces))
    reply = await house.caller.chat(stream=True)
    assert reply.text.startswith("x") and reply.events.count("[DONE]") == 1
    house.settled()


async def test_a_connection_that_the_provider_had_closed_meanwhile_is_no_failure(house: House) -> None:
    async def once(exchange: fakes.Exchange) -> None:
        await whole()(exchange)
        exchange.alive = False

    house.fake.script(once)
    for _ in range(4):
        assert (await house.caller.chat()).status == 200
    house.settled()


@pytest.mark.parametrize("path", ["/v1/messages", "/v1beta/models/m:generateContent"])
async def test_failures_speak_the_callers_format(house: House, path: str) -> None:
    house.fake.script(status(500))
    body: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    if "gen" in path:
        body = {"contents": [{"parts": [{"text": "x"}]}]}
    reply = await house.caller.post(path, body)
    assert reply.status == 502 and reply.headers["x-openopen8-error"] == "upstream_error"
    if "gen" in path:
        assert reply.json["error"]["status"] == "INTERNAL"
        assert reply.json["error"]["details"][0]["reason"] == "upstream_error"
    else:
        assert reply.json["type"] == "error" and reply.json["error"]["type"] == "api_error"
        assert reply.json["request_id"] == reply.headers["x-request-id"] == reply.headers["request-id"]
