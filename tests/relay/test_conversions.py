"""Claude's and Gemini's callers with an OpenAI-compatible channel behind; official SDKs over a real socket. (B9)"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import types

from tests.fakes.upstream import as_asked, error_inside, streamed, whole
from tests.relay.house import House
from tests.relay.socketed import served

CLAUDE = {
    "model": "m",
    "max_tokens": 64,
    "system": "Be short.",
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}],
}
GEMINI = {
    "system_instruction": {"parts": [{"text": "Be short."}]},
    "contents": [{"role": "user", "parts": [{"text": "Say hello."}]}],
    "generation_config": {"max_output_tokens": 64},
}


async def test_a_claude_message_reaches_an_openai_channel_and_comes_back(house: House) -> None:
    reply = await house.caller.post("/v1/messages", CLAUDE)
    assert reply.status == 200 and reply.json["content"][0]["text"] == "Hello!"
    assert reply.json["usage"]["input_tokens"] == 1000 and reply.json["usage"]["output_tokens"] == 500
    assert reply.json["model"] == "m" and reply.json["stop_reason"] == "end_turn"
    sent = house.fake.chats[0].json
    assert [m["role"] for m in sent["messages"]] == ["system", "user"] and sent["max_tokens"] == 64
    assert house.entry().credits == 12_500 and house.entry().endpoint == "/v1/messages"
    house.settled()


async def test_a_claude_stream_has_claudes_events(house: House) -> None:
    house.fake.script(streamed("Hel", "lo!"))
    reply = await house.caller.post("/v1/messages", {**CLAUDE, "stream": True})
    kinds = [event["type"] for event in reply.events]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert "".join(e["delta"]["text"] for e in reply.events if e["type"] == "content_block_delta") == "Hello!"
    assert house.entry().credits == 12_500
    house.settled()


@pytest.mark.parametrize("root", ["/v1beta/models/", "/v1/models/", "/models/"])
async def test_gemini_reaches_an_openai_channel_and_comes_back(house: House, root: str) -> None:
    reply = await house.caller.post(f"{root}m:generateContent", GEMINI)
    assert reply.status == 200
    assert reply.json["candidates"][0]["content"]["parts"][0]["text"] == "Hello!"
    assert reply.json["usageMetadata"]["totalTokenCount"] == 1500
    assert house.entry().credits == 12_500
    assert house.entry().endpoint == "/v1beta/models/{model}:generateContent"


async def test_a_gemini_stream_is_sse_or_one_array(house: House) -> None:
    house.fake.script(streamed("Hel", "lo!"))
    sse = await house.caller.post("/v1beta/models/m:streamGenerateContent", GEMINI, query="alt=sse")
    parts = [p["text"] for e in sse.events for c in e["candidates"] for p in c.get("content", {}).get("parts", ())]
    assert "".join(parts) == "Hello!"
    array = await house.caller.post("/v1beta/models/m:streamGenerateContent", GEMINI)
    assert array.headers["content-type"] == "application/json"
    assert json.loads(array.body)[-1]["usageMetadata"]["totalTokenCount"] == 1500
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500]
    house.settled()


async def test_chunks_of_a_converted_stream_pass_as_they_come(house: House) -> None:
    house.fake.script(streamed("<1>", "<2>", "<3>", gated=True))
    talk = house.caller.open("/v1/messages", {**CLAUDE, "stream": True})
    for piece in (b"<1>", b"<2>", b"<3>"):
        house.fake.let()
        await talk.until(piece)
    assert (await talk.end()).whole


async def test_what_a_conversion_loses_is_told_in_a_header_and_in_the_log(house: House) -> None:
    reply = await house.caller.post(
        "/v1/messages", {**CLAUDE, "top_k": 5, "metadata": {"user_id": "u"}, "brand_new": 1}
    )
    assert "brand_new" in reply.headers["x-openopen8-loss"]
    details = house.entry().details
    assert details is not None and "brand_new" in details["losses"]


async def test_missing_usage_is_counted_for_a_claude_caller_too(house: House) -> None:
    house.fake.script(as_asked("one two three", usage=None))
    reply = await house.caller.post("/v1/messages", CLAUDE)
    assert reply.json["usage"]["output_tokens"] == 3
    stream = await house.caller.post("/v1/messages", {**CLAUDE, "stream": True})
    assert stream.events[-2]["usage"]["output_tokens"] == 3
    house.settled()


async def test_a_stream_that_breaks_ends_in_the_callers_own_error_event(house: House) -> None:
    house.fake.script(streamed("Hello", finish=None, done=False, then="cut"))
    claude = await house.caller.post("/v1/messages", {**CLAUDE, "stream": True})
    assert claude.events[-1]["type"] == "error" and b"message_stop" not in claude.body
    gemini = await house.caller.post("/v1beta/models/m:streamGenerateContent", GEMINI)
    assert "error" in json.loads(gemini.body)[-1]
    house.fake.script(error_inside())
    refused = await house.caller.post("/v1/messages", {**CLAUDE, "stream": True})
    assert refused.status == 502 and refused.json["type"] == "error"
    house.settled()


@pytest.mark.parametrize(
    ("change", "named"),
    [({"mcp_servers": [{"name": "x"}]}, "MCP servers"),
     ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search")],
)  # fmt: skip
async def test_what_can_not_be_carried_is_a_400_that_costs_nothing(house: House, change: Any, named: str) -> None:
    reply = await house.caller.post("/v1/messages", {**CLAUDE, **change})
    assert reply.status == 400 and named in reply.json["error"]["message"]
    assert house.fake.chats == [] and house.entry().credits == 0
    house.settled()


async def test_a_claude_callers_tools_reach_a_chat_channel(house: House) -> None:
    tools: list[dict[str, Any]] = [{"name": "f", "input_schema": {"type": "object", "properties": {"a": {}}}}]
    reply = await house.caller.post("/v1/messages", {**CLAUDE, "tools": tools})
    assert reply.status == 200
    assert house.fake.chats[0].json["tools"] == [
        {"type": "function", "function": {"name": "f", "parameters": tools[0]["input_schema"]}}
    ]
    house.settled()


# -- official SDKs -------------------------------------------------------------------------------------


@pytest.fixture
async def address(house: House) -> AsyncIterator[str]:
    """The relay on a real socket."""
    async with served(house) as place:
        yield place


@pytest.mark.parametrize("suffix", ["/v1", ""])
async def test_the_openai_sdk_whole_and_streamed(house: House, address: str, suffix: str) -> None:
    house.fake.script(as_asked())
    client = openai.AsyncOpenAI(api_key=house.key, base_url=address + suffix, max_retries=0)
    messages: Any = [{"role": "user", "content": "Say hello."}]
    answer = await client.chat.completions.create(model="m", messages=messages)
    assert answer.choices[0].message.content == "Hello!" and answer.usage is not None
    entry = house.world.log()[-1]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (entry.input_tokens, entry.output_tokens)
    text, usage = "", None
    options: Any = {"include_usage": True}
    async for event in await client.chat.completions.create(
        model="m", messages=messages, stream=True, stream_options=options
    ):
        text += event.choices[0].delta.content or "" if event.choices else ""
        usage = event.usage or usage
    assert text == "Hello!" and usage is not None and usage.total_tokens == 1500
    assert [model.id async for model in client.models.list()] == ["m"]
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="sk-wrong").chat.completions.create(model="m", messages=messages)
    house.fake.script(streamed("x", finish=None, done=False, then="cut"))
    with pytest.raises(openai.APIError):
        async for _ in await client.chat.completions.create(model="m", messages=messages, stream=True):
            pass
    await client.close()


async def test_the_openai_sdk_over_responses_reaches_a_chat_channel(house: House, address: str) -> None:
    house.fake.script(as_asked())
    client = openai.AsyncOpenAI(api_key=house.key, base_url=address + "/v1", max_retries=0)
    answer = await client.responses.create(model="m", input="Say hello.", max_output_tokens=64)
    assert answer.output_text == "Hello!" and answer.model == "m" and answer.usage is not None
    entry = house.world.log()[-1]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (entry.input_tokens, entry.output_tokens)
    assert house.fake.chats[-1].json["messages"] == [{"role": "user", "content": "Say hello."}]
    text, last = "", None
    async for event in await client.responses.create(model="m", input="Say hello.", stream=True):
        text += event.delta if event.type == "response.output_text.delta" else ""
        last = event
    assert text == "Hello!" and last is not None and last.type == "response.completed"
    assert last.response.usage is not None and last.response.usage.total_tokens == 1500
    house.fake.script(streamed("x", finish=None, done=False, then="cut"))
    with pytest.raises(openai.APIError):
        async for _ in await client.responses.create(model="m", input="Say hello.", stream=True):
            pass
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="sk-wrong").responses.create(model="m", input="Say hello.")
    await client.close()
    house.settled()


async def test_the_anthropic_sdk_whole_and_streamed(house: House, address: str) -> None:
    house.fake.script(as_asked())
    client = anthropic.AsyncAnthropic(api_key=house.key, base_url=address, max_retries=0)
    messages: Any = [{"role": "user", "content": "Say hello."}]
    answer = await client.messages.create(model="m", max_tokens=64, messages=messages)
    assert answer.content[0].text == "Hello!"  # type: ignore[union-attr]
    entry = house.world.log()[-1]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (entry.input_tokens, entry.output_tokens)
    async with client.messages.stream(model="m", max_tokens=64, messages=messages) as stream:
        assert "".join([text async for text in stream.text_stream]) == "Hello!"
        assert (await stream.get_final_message()).usage.output_tokens == 500
    assert [model.id async for model in client.models.list()] == ["m"]
    with pytest.raises(anthropic.APIStatusError) as refused:
        await client.messages.create(model="none", max_tokens=64, messages=messages)
    assert refused.value.status_code == 503
    await client.close()


async def test_the_google_sdk_whole_and_streamed(house: House, address: str) -> None:
    house.fake.script(as_asked())
    client = genai.Client(api_key=house.key, http_options=types.HttpOptions(base_url=address)).aio
    answer = await client.models.generate_content(model="m", contents="Say hello.")
    assert answer.text == "Hello!" and answer.usage_metadata is not None
    entry = house.world.log()[-1]
    assert answer.usage_metadata.prompt_token_count == entry.input_tokens
    assert answer.usage_metadata.candidates_token_count == entry.output_tokens
    pieces = [part.text or "" async for part in await client.models.generate_content_stream(model="m", contents="hi")]
    assert "".join(pieces) == "Hello!"
    assert [model.name async for model in await client.models.list()] == ["models/m"]


async def test_a_caller_that_hangs_up_on_a_real_socket_stops_the_upstream(house: House, address: str) -> None:
    house.fake.script(streamed("one", " two", gated=True))
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.key}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    house.fake.let()
    await reader.readuntil(b"one")
    writer.transport.abort()
    assert await asyncio.to_thread(house.fake.chats[0].left.wait, 10)
    while not house.world.log():
        await asyncio.sleep(0.01)
    assert house.entry().status == 499 and house.entry().credits > 0
    house.settled()


async def test_whole_answers_can_be_fetched_by_any_client(house: House, address: str) -> None:
    house.fake.script(whole())
    async with httpx.AsyncClient(trust_env=False) as client:
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        url, headers = f"{address}/v1/chat/completions", {"authorization": f"Bearer {house.key}"}
        reply = await client.post(url, json=body, headers=headers)
        assert reply.status_code == 200 and reply.headers["x-openopen8-credits"] == "12500"
        odd = {**headers, "host": "x/api/status?"}
        assert (await client.post(url, json=body, headers=odd)).status_code in (200, 400)
        odd = {"host": "x/api/status?"}
        assert (await client.post(url, json=body, headers=odd)).status_code in (400, 401)
