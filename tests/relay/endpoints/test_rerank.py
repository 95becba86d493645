"""POST /v1/rerank."""

from __future__ import annotations

from typing import Any

import pytest

from openopen8.core.models import Channel
from tests.fakes.upstream import status
from tests.relay.house import Build, House

QUERY = {"model": "m", "query": "one two", "documents": ["three four", {"text": "five"}]}


def ranked(**more: Any) -> dict[str, Any]:
    results = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]
    return {"id": "r-1", "results": results, **more}


async def test_documents_are_ranked_and_every_field_reaches_the_provider(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "vendor/rerank"}})
    house.fake.script(status(200, ranked(model="vendor/rerank", usage={"total_tokens": 40})))
    more = {"top_n": 2, "return_documents": True, "max_chunk_per_doc": 10, "overlap_tokens": 5, "tomorrow": [1]}
    reply = await house.caller.post("/rerank", {**QUERY, **more})
    assert reply.json == {**ranked(usage={"total_tokens": 40}), "model": "m"}
    sent = house.fake.chats[0]
    assert (sent.path, sent.json) == ("/v1/rerank", {**QUERY, **more, "model": "vendor/rerank"})
    entry = house.entry()
    assert (entry.endpoint, entry.input_tokens, entry.credits) == ("/v1/rerank", 40, 200)
    house.settled()


@pytest.mark.parametrize(
    ("answer", "searches", "tokens", "credits"),
    [
        ({"meta": {"billed_units": {"search_units": 3}}}, 3000, 0, 3000),  # Cohere bills searches
        ({"usage": {"total_tokens": 100}}, 0, 5, 500),  # Jina bills tokens
        ({"meta": {"billed_units": {"input_tokens": 100, "search_units": 0}}}, 0, 5, 500),
        ({"meta": {"tokens": {"input_tokens": 100}}}, 0, 5, 500),
        ({}, 0, 5, 25),  # nothing was reported: our own count
        ({}, 2000, 0, 2000),
        ({}, 2000, 5, 2000),  # where both have a price, searches stand in for tokens that were not reported
        ({"usage": {"total_tokens": 100}}, 2000, 5, 500),
    ],
)
async def test_what_the_provider_bills_is_charged_else_the_search_or_our_count(
    house: House, answer: dict[str, Any], searches: int, tokens: int, credits: int
) -> None:
    units = {"search_units": 1000} if searches else {}
    house.world.price(input=str(tokens), output="0", units=units, valid_from=1)
    house.fake.script(status(200, ranked(**answer)))
    documents = ["three"] if searches != 2000 else ["three"] * 101
    await house.caller.post("/v1/rerank", {**QUERY, "documents": documents, "query": "one two three four"})
    assert house.entry().credits == credits
    house.settled()


async def test_searches_are_held_before_they_are_made(build: Build) -> None:
    house = await build(balance=1500)
    house.world.price(input="0", output="0", units={"search_units": 1000}, valid_from=1)
    house.world.option("strict_holds", True)
    house.fake.script(status(200, ranked()))
    assert (await house.caller.post("/v1/rerank", {**QUERY, "documents": ["x"] * 101})).status == 403
    assert (await house.caller.post("/v1/rerank", {**QUERY, "documents": ["x"] * 100})).status == 200
    house.settled()


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"query": None}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "x"}, "documents"),
        ({"documents": ["x", 5]}, "documents.1"),
        ({"model": ""}, "model"),
    ],
)
async def test_what_can_not_be_ranked_is_told_by_its_field(house: House, change: dict[str, Any], param: str) -> None:
    reply = await house.caller.post("/v1/rerank", {**QUERY, **change})
    assert (reply.status, reply.json["error"]["param"]) == (400, param)
    assert house.fake.chats == []


async def test_channels_that_do_not_rank_are_not_asked_and_no_ranking_costs_nothing(house: House) -> None:
    house.fake.script(status(200, {"results": []}))
    assert (await house.caller.post("/v1/rerank", QUERY)).status == 502
    house.world.change(Channel, house.channel_id, type="openai")
    reply = await house.caller.post("/v1/rerank", QUERY)
    assert (reply.status, reply.json["error"]["code"]) == (503, "no_available_channel")
    assert [entry.credits for entry in house.world.log()] == [0, 0]
    house.settled()
