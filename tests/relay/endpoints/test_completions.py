"""POST /v1/completions, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.upstream import Exchange, Script, raw_stream, status
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House

USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}


def completion(text: str = "Hello!", usage: Any = USAGE, finish: str | None = "stop") -> dict[str, Any]:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    body = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "upstream-m", "choices": [choice]}
    return {**body, "usage": usage} if usage else body


def told(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)


def streamed(*texts: str, usage: Any = USAGE, done: bool = True) -> Script:
    """As OpenAI streams: the counts come in a chunk of their own, when they were asked for."""

    async def script(exchange: Exchange) -> None:
        pieces = [completion(text, None, None) for text in texts]
        pieces.append(completion("", None, "stop"))
        if usage and (exchange.received.json.get("stream_options") or {}).get("include_usage"):
            pieces.append({**completion("", usage), "choices": []})
        await raw_stream(*[told(piece) for piece in pieces], *([told(b"[DONE]")] if done else []))(exchange)

    return script


async def test_openais_client_gets_its_completion_and_pays_for_it(house: House) -> None:
    house.fake.script(status(200, completion()))
    found = await openai_client(house).completions.create(model="m", prompt="Say hello.")
    assert (found.choices[0].text, found.model) == ("Hello!", "m")
    assert house.fake.chats[0].path == "/v1/completions"
    assert (house.entry().credits, house.entry().endpoint) == (12_500, "/v1/completions")
    house.settled()


@pytest.mark.parametrize("asked", [True, False])
async def test_openais_client_streams_and_sees_the_counts_if_it_asked(build: Build, asked: bool) -> None:
    house = await build(channel={"model_mapping": {"m": "upstream-m"}})
    house.fake.script(streamed("Hel", "lo!"))
    more: Any = {"stream_options": {"include_usage": True}} if asked else {}
    chunks = [
        c async for c in await openai_client(house).completions.create(model="m", prompt="x", stream=True, **more)
    ]
    assert "".join(c.choices[0].text for c in chunks if c.choices) == "Hello!"
    assert {c.model for c in chunks} == {"m"}
    assert [c.usage.total_tokens for c in chunks if c.usage] == ([1500] if asked else [])
    assert house.fake.chats[0].json["stream_options"] == {"include_usage": True}
    assert (house.entry().credits, house.entry().stream) == (12_500, True)
    assert house.entry().first_token_ms is not None
    house.settled()


async def test_the_charge_is_committed_before_the_end_is_sent(house: House) -> None:
    booked: list[int] = []

    def watch(message: Any) -> None:
        if b"[DONE]" in message.get("body", b""):
            booked.append(house.entry().credits)

    house.fake.script(streamed("a"))
    await house.caller.open("/v1/completions", {"model": "m", "prompt": "x", "stream": True}, watch=watch).end()
    assert booked == [12_500]


async def test_counts_that_never_come_are_counted_here_and_shown_to_who_asked(house: House) -> None:
    house.fake.script(streamed("one two", " three", usage=None), status(200, completion("one two three", usage=None)))
    body = {"model": "m", "prompt": "four words of prompt", "stream": True, "stream_options": {"include_usage": True}}
    reply = await house.caller.post("/v1/completions", body)
    assert reply.events[-1] == "[DONE]" and reply.events[-2]["usage"]["completion_tokens"] == 3
    await house.caller.post("/v1/completions", {"model": "m", "prompt": "four words of prompt"})
    for entry in house.world.log():
        assert (entry.input_tokens, entry.output_tokens, entry.credits) == (4, 3, 65)
    house.settled()


async def test_a_stream_that_is_cut_ends_in_an_error_and_costs_what_came(house: House) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.chunk(told(completion("one two", None, None)))
        await exchange.gate()
        await exchange.cut()

    house.fake.script(script)
    talk = house.caller.open("/v1/completions", {"model": "m", "prompt": "x", "stream": True})
    await talk.until(b"one two")
    house.fake.let()
    reply = await talk.end()
    assert reply.whole and reply.events[-1]["error"]["code"] == "upstream_error"
    assert (house.entry().output_tokens, house.entry().credits) == (2, 35)
    house.settled()


async def test_an_error_in_place_of_the_first_event_is_tried_elsewhere_and_costs_nothing(build: Build) -> None:
    house = await build(channel={"priority": 9})
    house.world.channel(house.fake.url)
    house.fake.script(raw_stream(told({"error": {"message": "fell over"}})), streamed("a"))
    reply = await house.caller.post("/v1/completions", {"model": "m", "prompt": "x", "stream": True})
    assert reply.events[0]["choices"][0]["text"] == "a" and reply.events[-1] == "[DONE]"
    assert (house.entry().retries, house.entry().credits) == (1, 12_500)


async def test_comments_crlf_and_odd_events_do_no_harm(house: House) -> None:
    body = told(completion("a", None, None)).replace(b"\n", b"\r\n")
    house.fake.script(
        raw_stream(b": ping\r\n\r\n", body[:17], body[17:], b"data: 17\n\ndata: nonsense\n\ndata: []\n\n",
                   told({**completion("", None), "choices": None}), told(completion("", None)), told(b"[DONE]"))
    )  # fmt: skip
    reply = await house.caller.post("/v1/completions", {"model": "m", "prompt": "x", "stream": True})
    assert reply.whole and reply.body.endswith(b"data: [DONE]\n\n")
    assert house.entry().status == 200 and house.entry().output_tokens == 1
    house.settled()


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"prompt": None}, None),
        ({"prompt": []}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
    ],
)
async def test_wrong_fields_are_told_by_name(house: House, more: dict[str, Any], param: str | None) -> None:
    house.fake.script(status(200, completion()))
    reply = await house.caller.post("/v1/completions", {"model": "m", "prompt": "x", **more})
    assert reply.status == (400 if param else 200)
    assert param is None or reply.json["error"]["param"] == param


async def test_a_hold_covers_every_prompt_and_every_try(build: Build) -> None:
    house = await build(balance=40_000)
    house.fake.script(status(200, completion()))
    body = {"model": "m", "prompt": ["a", "b"], "n": 3, "max_tokens": 450}
    house.world.option("strict_holds", True)
    assert (await house.caller.post("/v1/completions", body)).status == 403  # 6 × 450 × 15
    assert (await house.caller.post("/v1/completions", {**body, "n": 1})).status == 200
