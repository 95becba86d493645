"""POST /v1/rerank."""

from __future__ import annotations

from typing import Any

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


BILLED: list[tuple[dict[str, Any], int, int, int]] = [
    ({"meta": {"billed_units": {"search_units": 3}}}, 1000, 0, 3000),  # Cohere bills searches
    ({"usage": {"total_tokens": 100}}, 0, 5, 500),  # Jina bills tokens
    ({"meta": {"billed_units": {"input_tokens": 100, "search_units": 0}}}, 0, 5, 500),
    ({"meta": {"tokens": {"input_tokens": 100}}}, 0, 5, 500),
    ({}, 0, 5, 5 * 105),  # nothing was reported: our own count
    ({}, 1000, 0, 2000),
    ({}, 1000, 5, 2000),  # where both have a price, searches stand in for tokens that were not reported
    ({"usage": {"total_tokens": 100}}, 1000, 5, 500),
]


async def test_what_the_provider_bills_is_charged_else_the_search_or_our_count(house: House) -> None:
    for at, (answer, searches, tokens, credits) in enumerate(BILLED):
        units = {"search_units": searches} if searches else {}
        house.world.price(input=str(tokens), output="0", units=units, valid_from=1 + at)
        house.fake.script(status(200, ranked(**answer)))
        body = {**QUERY, "documents": ["three"] * 101, "query": "one two three four"}
        reply = await house.caller.post("/v1/rerank", body)
        assert reply.headers["x-openopen8-credits"] == str(credits), answer
    house.settled()


async def test_searches_are_held_before_they_are_made(build: Build) -> None:
    house = await build(balance=1500)
    house.world.price(input="0", output="0", units={"search_units": 1000}, valid_from=1)
    house.world.option("strict_holds", True)
    house.fake.script(status(200, ranked()))
    assert (await house.caller.post("/v1/rerank", {**QUERY, "documents": ["x"] * 101})).status == 403
    assert (await house.caller.post("/v1/rerank", {**QUERY, "documents": ["x"] * 100})).status == 200
    house.settled()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"query": None}, "query"),
    ({"documents": []}, "documents"),
    ({"documents": "x"}, "documents"),
    ({"documents": ["x", 5]}, "documents.1"),
    ({"model": ""}, "model"),
]


async def test_what_can_not_be_ranked_is_told_by_its_field(house: House) -> None:
    for change, param in WRONG:
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
