"""Counts and losses that come late, early, or in an odd place: charged and logged as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.exchange import Exchange
from tests.fakes.upstream import raw_stream, status, streamed, whole
from tests.fakes.vendors.play import MODELS, named_events
from tests.relay.driving import question
from tests.relay.house import Build, House

TEXT = "one two three four five six"
CLAUDE: dict[str, Any] = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Count."}]}
BEGUN = {"input_tokens": 400, "cache_read_input_tokens": 600, "output_tokens": 1}


def claude_stream(*deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """A stream whose end tells no counts."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODELS["anthropic"], "content": [],
               "stop_reason": None, "stop_sequence": None, "usage": BEGUN}  # fmt: skip
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT}},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}},
        {"type": "message_stop"},
    ]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_claude_stream_whose_end_tells_no_counts_is_charged_for_all_its_output(build: Build, path: str) -> None:
    house = await build(channel={"type": "anthropic"})
    house.fake.script(raw_stream(*named_events(claude_stream())))
    reply = await house.caller.post(path, {**CLAUDE, "stream": True, "stream_options": {"include_usage": True}})
    entry = house.entry()
    assert (entry.input_tokens, entry.cached_tokens, entry.output_tokens) == (1000, 600, 6)
    assert entry.receipt is not None and "counted locally" in entry.receipt["notes"]
    told = [event["usage"] for event in reply.events if isinstance(event, dict) and event.get("usage")]
    assert (told[-1].get("output_tokens") or told[-1].get("completion_tokens")) == 6
    house.settled()


async def test_what_only_the_end_of_a_stream_loses_stands_in_the_log(build: Build) -> None:
    house = await build(channel={"type": "anthropic"})
    place = {"type": "char_location", "document_index": 0, "start_char_index": 0, "end_char_index": 3}
    cited = {"type": "citations_delta", "citation": {**place, "cited_text": "one", "document_title": None}}
    house.fake.script(raw_stream(*named_events(claude_stream(cited))))
    asked = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    await house.caller.post("/v1beta/models/m:streamGenerateContent", asked, query="alt=sse")
    details = house.entry().details
    assert details is not None and "citations" in details["losses"]
    house.settled()


USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}


def moonshot(stream: bool) -> Any:
    if not stream:
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        return status(200, {"id": "1", "model": "m", "choices": [{**choice, "usage": USAGE}]})
    first = {"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}
    head = {"id": "1", "object": "chat.completion.chunk", "model": "m"}
    chunks = [b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n" for choice in (first, last)]
    return raw_stream(*chunks, b"data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_counts_within_a_choice_are_the_answers_counts(house: House, path: str, stream: bool) -> None:
    house.fake.script(moonshot(stream))
    reply = await house.caller.post(path, question(stream, max_tokens=9, stream_options={"include_usage": True}))
    entry = house.entry()
    assert (entry.input_tokens, entry.output_tokens, entry.credits) == (1000, 500, 12_500)
    told = [event["usage"] for event in reply.events if isinstance(event, dict) and event.get("usage")]
    if stream:
        assert (told[-1].get("output_tokens") or told[-1].get("completion_tokens")) == 500
    house.settled()


async def test_a_stream_that_breaks_off_is_charged_by_the_counts_in_its_own_row(build: Build) -> None:
    """The prompt as its provider told it at the beginning, the words as they came. (L9)"""
    house = await build(channel={"type": "anthropic"})

    async def breaking_off(exchange: Exchange) -> None:
        await exchange.begin()
        for piece in named_events(claude_stream()[:-2]):
            await exchange.chunk(piece)
        await exchange.gate()
        await exchange.cut()

    house.fake.script(breaking_off)
    talk = house.caller.open("/v1/chat/completions", {**CLAUDE, "stream": True})
    await talk.until(b"six")
    house.fake.let()
    assert "error" in (await talk.end()).events[-1]
    entry = house.entry()
    assert (entry.input_tokens, entry.cached_tokens, entry.output_tokens) == (1000, 600, 6)
    assert entry.receipt is not None
    counted = {line["bucket"]: line["count"] for line in entry.receipt["lines"]}
    assert counted == {"input": 400, "cache_read": 600, "output": 6}
    house.settled()


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_without_a_word_costs_what_its_provider_counts(house: House, stream: bool) -> None:
    """It is an answer: not asked for again, and its output costs nothing. (N5)"""
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000}
    house.fake.script(streamed(usage=usage) if stream else whole("", usage))
    reply = await house.caller.chat(stream)
    assert reply.status == 200 and len(house.fake.chats) == 1
    assert (house.entry().output_tokens, house.entry().credits) == (0, 5_000)
    house.settled()
