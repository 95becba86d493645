"""``retry_empty_answers``: an answer with nothing in it is asked for again, and never charged. (N5)"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openopen8.core.models import Channel, ChannelKey
from relay.opening import LONGEST
from tests.fakes.exchange import Exchange, Script
from tests.fakes.scripts import answer, by_turns, chunk, raw_stream, status, streamed, whole
from tests.fakes.vendors import ANSWER, MODELS, VENDORS
from tests.relay.callers import CALLERS
from tests.relay.formats.golden_cases import GOLDEN
from tests.relay.house import Build, House
from tests.relay.socketed import served

ONE_WAY = True

KINDS = {
    "openai_chat": "openai-compatible",
    "openai_responses": "openai-responses",
    "anthropic": "anthropic",
    "gemini": "gemini",
}
PAIRS = [(name, name) for name in KINDS] + [
    ("openai_chat", "anthropic"),
    ("openai_responses", "gemini"),
    ("anthropic", "openai_chat"),
    ("gemini", "openai_responses"),
]
"""The caller's format, and the channel's."""
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def golden(case: str, format: str, stream: bool) -> Script:
    """A vendor's answer as its documents show it."""
    if stream:
        return raw_stream((GOLDEN / case / f"{format}.stream.txt").read_bytes())
    return status(200, (GOLDEN / case / f"{format}.response.json").read_bytes())


async def picky(build: Build, format: str = "openai_chat") -> House:
    """Two channels at an installation that retries empty answers."""
    kind = KINDS[format]
    channel = {"type": kind, "model_mapping": {"m": MODELS[kind]}}
    house = await build(channel=channel)
    house.world.channel(name="another", base_url=house.fake.url, **channel)
    house.world.option("retry_empty_answers", True)
    return house


@both
@pytest.mark.parametrize(("caller", "channel"), PAIRS)
async def test_the_next_one_is_asked_and_its_answer_alone_is_charged(
    build: Build, caller: str, channel: str, stream: bool
) -> None:
    house = await picky(build, channel)
    house.fake.script(golden("empty", channel, stream), VENDORS[KINDS[channel]]())
    async with served(house) as address:
        text, tokens = await CALLERS[caller](address, house.key, stream, False)
    assert text == ANSWER and tokens == (1000, 500)
    entry = house.entry()
    assert (entry.retries, entry.input_tokens, entry.credits) == (1, 1000, 12_500)
    house.settled()


@both
async def test_where_all_are_empty_the_caller_is_told_so_and_not_charged(build: Build, stream: bool) -> None:
    house = await picky(build)
    house.fake.script(golden("empty", "openai_chat", stream))
    for _ in range(6):
        reply = await house.caller.chat(stream)
        assert reply.status == 502 and reply.json["error"]["code"] == "empty_answer"
        assert reply.json["error"]["message"] == "The model's answer was empty. You are not charged for it."
        assert reply.headers["x-should-retry"] == "false"
    assert len(house.fake.chats) == 12
    for entry in house.world.log():
        assert (entry.credits, entry.input_tokens, entry.status) == (0, 0, 502)
        assert entry.details is not None and [one["kind"] for one in entry.details["attempts"]] == ["empty"] * 2
    house.settled()
    # what is asked may be the cause: nobody else is to lose a channel for it
    assert all(key.enabled and not key.rest_until for key in house.world.all(ChannelKey))
    assert not any(channel.rest_until for channel in house.world.all(Channel))


TOLD = [
    ("tool_call", "openai_responses"),
    ("redacted_thinking", "anthropic"),
    ("encrypted_reasoning", "openai_responses"),
    ("image_out", "gemini"),
    ("refusal_words", "openai_chat"),
    ("content_filter", "gemini"),
]
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/gemini:generateContent",
}
ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Hi"}],
    "max_tokens": 64,
    "input": "Hi",
    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
}


@both
async def test_whatever_a_model_says_or_does_is_no_empty_answer(build: Build, stream: bool) -> None:
    house = await build()
    house.world.option("retry_empty_answers", True)
    for format, kind in KINDS.items():
        house.world.channel(type=kind, base_url=house.fake.url, models=(format,))
        house.world.price(format)
    for case, format in TOLD:
        house.fake.script(golden(case, format, stream))
        path = PATHS[format].replace("generate", "streamGenerate") if stream and format == "gemini" else PATHS[format]
        asked = {**ASKED, "model": format, "stream": stream}
        reply = await house.caller.post(path, asked, query="alt=sse" if format == "gemini" else "")
        assert reply.status == 200, case
        assert house.world.log()[-1].input_tokens, case
    assert len(house.fake.chats) == len(TOLD)
    house.settled()


@both
async def test_an_answer_that_had_to_end_before_its_first_word_is_one(build: Build, stream: bool) -> None:
    """All its tokens went into thoughts that nobody is shown: asked again it would do the same."""
    house = await picky(build)
    house.fake.script(by_turns(streamed("", finish="length"), status(200, answer("", finish="length"))))
    assert (await house.caller.chat(stream)).status == 200 and len(house.fake.chats) == 1
    assert house.entry().credits == 12_500


async def test_an_answer_that_is_made_in_the_background_has_nothing_in_it_yet(build: Build) -> None:
    house = await picky(build, "openai_responses")
    response = {"id": "resp_1", "object": "response", "created_at": 1, "status": "queued", "model": "gpt-5",
                "output": [], "background": True, "store": True, "usage": None}  # fmt: skip
    house.fake.script(status(200, response))
    reply = await house.caller.post("/v1/responses", {"model": "m", "input": "Hi", "background": True})
    assert reply.status == 200 and reply.json["status"] == "queued" and len(house.fake.chats) == 1


async def test_a_stream_begins_with_its_first_word_and_flows_from_there_on(build: Build) -> None:
    house = await picky(build)
    opened = asyncio.Event()
    here, words = asyncio.get_running_loop(), streamed("one", "two", gated=True)

    async def told(exchange: Exchange) -> None:
        here.call_soon_threadsafe(opened.set)
        await words(exchange)

    house.fake.script(told, whole())
    talk = house.caller.stream()
    await opened.wait()
    for _ in range(3):  # time enough for its first event, which says nothing
        await house.caller.chat()
    assert not talk.reply.status and not talk.reply.body
    house.fake.let()
    await talk.until(b"one")
    assert b'"role"' in talk.reply.body and b"two" not in talk.reply.body
    house.fake.let()
    assert (await talk.end()).text == "onetwo"
    assert [entry.credits for entry in house.world.log()] == [12_500] * 4
    house.settled()


async def test_a_stream_that_breaks_off_before_its_first_word_is_asked_for_again(build: Build) -> None:
    house = await picky(build)

    async def breaking_off(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event(chunk({"role": "assistant", "content": ""}))
        await exchange.cut()

    house.fake.script(breaking_off, streamed())
    assert (await house.caller.chat(True)).text == "Hello!"
    assert house.entry().credits == 12_500
    house.settled()


async def test_no_opening_is_held_back_beyond_its_bound(build: Build) -> None:
    house = await picky(build)

    async def endless(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event({**chunk({"role": "assistant", "content": ""}), "padding": "x" * LONGEST})
        await exchange.gate()
        await exchange.event(chunk({}, "stop"))
        await exchange.event(b"[DONE]")
        await exchange.end()

    house.fake.script(endless)
    talk = house.caller.stream()
    await talk.until(b"xxx")
    house.fake.let()
    assert (await talk.end()).status == 200 and len(house.fake.chats) == 1


async def test_embeddings_have_no_words_and_are_none_the_emptier(build: Build) -> None:
    house = await picky(build)
    vector = {"object": "embedding", "index": 0, "embedding": [0.1]}
    body = {"object": "list", "model": "m", "data": [vector], "usage": {"prompt_tokens": 10, "total_tokens": 10}}
    house.fake.script(status(200, body))
    assert (await house.caller.post("/v1/embeddings", {"model": "m", "input": "Hi"})).status == 200
