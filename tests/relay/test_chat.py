"""POST /v1/chat/completions, whole and streamed, when all goes well."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.upstream import as_asked, streamed, whole
from tests.relay.driving import question
from tests.relay.house import Build, House


async def test_1000_in_and_500_out_at_5_and_15_cost_12500_credits(house: House) -> None:
    reply = await house.caller.chat()
    assert reply.status == 200
    assert reply.json["choices"][0]["message"]["content"] == "Hello!"
    assert reply.headers["x-openopen8-credits"] == "12500"
    assert reply.headers["x-openopen8-remaining"] == str(1_000_000_000 - 12_500)
    entry = house.entry()
    assert (entry.credits, entry.input_tokens, entry.output_tokens, entry.status) == (12_500, 1000, 500, 200)
    assert entry.request_id == reply.headers["x-request-id"]
    assert entry.channel_id == house.channel_id and entry.upstream_model == "m"
    house.settled()


async def test_the_answers_model_is_the_name_that_was_asked_for(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "vendor/m-2"}})
    reply = await house.caller.chat()
    assert house.fake.chats[0].json["model"] == "vendor/m-2"
    assert reply.json["model"] == "m"
    house.fake.script(streamed())
    events = (await house.caller.chat(stream=True)).events
    assert {event["model"] for event in events[:-1]} == {"m"}
    assert [e.upstream_model for e in house.world.log()] == ["vendor/m-2"] * 2


async def test_unknown_fields_pass_through_byte_for_byte(house: House) -> None:
    body = b'{ "model" : "m",\n "messages":[{"role":"user","content":"hi","x":1.50}], "brand_new":{"a":[1e400]} }'
    await house.caller.post(body=body)
    assert house.fake.chats[0].body == body


async def test_upstream_fields_of_tomorrow_reach_the_caller(house: House) -> None:
    house.fake.script(whole(brand_new={"deep": [1, 2]}))
    assert (await house.caller.chat()).json["brand_new"] == {"deep": [1, 2]}


async def test_a_stream_ends_with_done_and_hides_the_usage_that_was_not_asked_for(house: House) -> None:
    house.fake.script(streamed("Hel", "lo!"))
    reply = await house.caller.chat(stream=True)
    assert reply.text == "Hello!" and reply.events[-1] == "[DONE]"
    assert house.fake.chats[0].json["stream_options"] == {"include_usage": True}
    assert not any(event.get("usage") for event in reply.events[:-1])
    assert reply.headers["x-accel-buffering"] == "no"
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert house.entry().credits == 12_500 and house.entry().stream
    assert house.entry().first_token_ms is not None
    house.settled()


async def test_a_stream_shows_the_usage_that_was_asked_for(house: House) -> None:
    house.fake.script(streamed("Hello!"))
    reply = await house.caller.chat(stream=True, stream_options={"include_usage": True})
    shown = [event["usage"] for event in reply.events[:-1] if event.get("usage")]
    assert shown == [{"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}]


async def test_the_next_chunk_is_sent_only_after_the_caller_has_seen_the_last(house: House) -> None:
    pieces = [f"<{n}>" for n in range(8)]
    house.fake.script(streamed(*pieces, gated=True))
    talk = house.caller.stream()
    for piece in pieces:
        house.fake.let()
        await talk.until(piece.encode())
    assert (await talk.end()).text == "".join(pieces)


@pytest.mark.parametrize(("stream", "mark"), [(True, b"[DONE]"), (False, b"Hello!")])
async def test_the_charge_is_committed_before_the_end_of_the_answer_is_sent(
    house: House, stream: bool, mark: bytes
) -> None:
    booked: list[int] = []

    def watch(message: Any) -> None:
        if mark in message.get("body", b""):
            booked.append(house.entry().credits)

    house.fake.script(as_asked())
    await house.caller.open(body=question(stream), watch=watch).end()
    assert booked == [12_500]


async def test_missing_usage_is_counted_locally_and_the_log_says_so(house: House) -> None:
    house.fake.script(whole("one two three", usage=None), streamed("one two", " three", usage=None))
    await house.caller.chat()
    await house.caller.chat(stream=True)
    for entry in house.world.log():
        assert entry.receipt is not None and "counted locally" in entry.receipt["notes"]
        assert entry.output_tokens == 3 and entry.input_tokens > 0 and entry.credits > 0
    house.settled()


async def test_usage_that_contradicts_itself_is_clamped_and_kept(house: House) -> None:
    raw = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 999}}
    house.fake.script(whole(usage=raw))
    await house.caller.chat()
    entry = house.entry()
    assert entry.details is not None and entry.details["raw_usage"] == raw
    assert entry.receipt is not None and all(line["count"] >= 0 for line in entry.receipt["lines"])
    assert entry.credits >= 0
    house.settled()


async def test_a_quiet_stream_gets_keep_alive_comments(build: Build) -> None:
    house = await build(keep_alive_seconds=0.05)
    house.fake.script(streamed("a", "b", gated=True))
    talk = house.caller.stream()
    await talk.until(b": keep-alive\n\n")
    house.fake.let(2)
    assert (await talk.end()).text == "ab"


async def test_connections_to_the_provider_are_used_again(house: House) -> None:
    for _ in range(5):
        await house.caller.chat()
    house.fake.script(streamed())
    for _ in range(5):
        await house.caller.chat(stream=True)
    assert house.fake.connections == 1


async def test_paths_work_with_and_without_v1_and_no_more(house: House) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert (await house.caller.post("/chat/completions", body)).status == 200
    assert (await house.caller.post("/v1/v1/chat/completions", body)).status == 404
    assert (await house.caller.post("/v1/chat/completionz", body)).status == 404
    assert (await house.caller.get("/v1/chat/completions")).status == 405


async def test_base_urls_work_with_and_without_v1(build: Build) -> None:
    house = await build(channel={"models": ("m",), "priority": 1})
    await house.caller.chat()
    house.world.channel(house.fake.url + "/v1/", models=("m2",))
    house.world.price("m2")
    await house.caller.chat(model="m2")
    assert [request.path for request in house.fake.chats] == ["/v1/chat/completions"] * 2


async def test_the_channels_parameters_and_headers_go_out_and_hop_by_hop_ones_do_not(build: Build) -> None:
    override = {"X-Org": "acme", "Host": "evil.test", "Content-Length": "1", "Connection": "close", "Bad\r\nName": "x"}
    house = await build(
        channel={"parameter_override": {"temperature": 0.5, "top_p": None}, "header_override": override}
    )
    await house.caller.chat(temperature=2, top_p=0.9)
    sent = house.fake.chats[0]
    assert sent.json["temperature"] == 0.5 and sent.json["top_p"] is None
    assert sent.headers["x-org"] == "acme" and sent.headers["host"] == f"127.0.0.1:{house.fake.port}"
    assert sent.headers["authorization"] == "Bearer upstream-key"
    assert int(sent.headers["content-length"]) == len(sent.body)


async def test_an_admin_may_write_the_authorization_header(build: Build) -> None:
    house = await build(channel={"header_override": {"Authorization": "Basic abc"}})
    await house.caller.chat()
    assert house.fake.chats[0].headers["authorization"] == "Basic abc"


async def test_headers_of_the_provider_do_not_reach_the_caller(house: House) -> None:
    leaky = {"x-goog-api-key": "secret", "set-cookie": "a=b", "authorization": "Bearer k", "openai-processing-ms": "7"}
    house.fake.script(whole(headers=leaky))
    reply = await house.caller.chat()
    assert reply.headers["openai-processing-ms"] == "7"
    assert not {"x-goog-api-key", "set-cookie", "authorization"} & set(reply.headers)
    await house.caller.chat()
    assert "cookie" not in house.fake.chats[1].headers


async def test_unknown_body_fields_never_steer_the_outbound_host(house: House) -> None:
    evil = "http://203.0.113.9"
    more = {"api_base": evil, "base_url": evil, "host": evil, "endpoint": evil, "url": evil, "api_key": "k"}
    headers = {"x-portkey-custom-host": evil, "x-base-url": evil, "host": "x/api/status?"}
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **more}
    reply = await house.caller.post(body=body, headers=headers)
    assert reply.status == 200 and len(house.fake.chats) == 1
    assert house.fake.chats[0].headers["host"] == f"127.0.0.1:{house.fake.port}"
