"""What people use of the official SDKs beyond plain calls: streams with events, parsing, loops that run by themselves.

Each asks a provider that plays ``WEATHER``, through the gateway, and checks what the helper gives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import pydantic
from google import genai
from google.genai import types
from openai.lib.responses_tool_runner import AsyncRegisteredFunction, AsyncResponsesToolRunner

from tests.fakes.vendors import Play

WEATHER = Play(((("get_weather", {"location": "Paris"}),),), "It is sunny.")
ASKED: Any = {"role": "user", "content": "What is the weather in Paris?"}


class Person(pydantic.BaseModel):
    """A person."""

    name: str
    age: int


class GetWeather(pydantic.BaseModel):
    """The weather of a place, now."""

    location: str


ADA = Person(name="Ada", age=36)


async def chat(address: str, key: str) -> None:
    """OpenAI chat: ``stream`` with its events, ``parse``, parsed functions."""
    async with openai.AsyncOpenAI(api_key=key, base_url=address + "/v1", max_retries=0) as client:
        chats: Any = client.chat.completions
        parsed = await chats.parse(model="m", messages=[ASKED], response_format=Person)
        assert parsed.choices[0].message.parsed == ADA
        async with chats.stream(model="m", messages=[ASKED], response_format=Person) as stream:
            kinds = [event.type async for event in stream]
            final = await stream.get_final_completion()
        assert final.choices[0].message.parsed == ADA and {"chunk", "content.delta", "content.done"} <= set(kinds)
        tool = openai.pydantic_function_tool(GetWeather, name="get_weather")
        parsed = await chats.parse(model="m", messages=[ASKED], tools=[tool])
        assert parsed.choices[0].message.tool_calls[0].function.parsed_arguments == GetWeather(location="Paris")
        async with chats.stream(model="m", messages=[ASKED], tools=[tool]) as stream:
            events = [event async for event in stream]
            final = await stream.get_final_completion()
        done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
        assert [event.parsed_arguments for event in done] == [GetWeather(location="Paris")]
        deltas = [event for event in events if event.type == "tool_calls.function.arguments.delta"]
        assert "".join(event.arguments_delta for event in deltas) == done[0].arguments
        assert final.choices[0].finish_reason == "tool_calls"


async def responses(address: str, key: str) -> None:
    """OpenAI Responses: ``stream`` with its events, ``parse``, the runner of tools."""
    async with openai.AsyncOpenAI(api_key=key, base_url=address + "/v1", max_retries=0) as client:
        asked: Any = {"model": "m", "input": [ASKED], "store": False}
        parsed: Any = await client.responses.parse(**asked, text_format=Person)
        assert parsed.output_parsed == ADA
        async with client.responses.stream(**asked, text_format=Person) as stream:
            kinds = [event.type async for event in stream]
            final: Any = await stream.get_final_response()
        assert final.output_parsed == ADA and kinds[-1] == "response.completed" and "response.output_text.done" in kinds
        tool: Any = openai.pydantic_function_tool(GetWeather, name="get_weather")["function"]
        parsed = await client.responses.parse(**asked, tools=[{"type": "function", **tool}])
        (call,) = (item for item in parsed.output if item.type == "function_call")
        assert call.name == "get_weather" and '"Paris"' in call.arguments
        for streamed in (False, True):
            await _run(
                client, {**asked, "include": ["reasoning.encrypted_content"]}, {"type": "function", **tool}, streamed
            )


async def _run(client: openai.AsyncOpenAI, asked: Any, tool: Any, streamed: bool) -> None:
    places: list[object] = []

    async def execute(args: dict[str, object]) -> str:
        places.append(args["location"])
        return "sunny"

    runner = AsyncResponsesToolRunner(functions=[AsyncRegisteredFunction(tool, execute)])
    last = await runner.run(client, asked, max_steps=4, stream=streamed, eager=streamed)
    assert places == ["Paris"] and last.output_text == WEATHER.answer


@anthropic.beta_async_tool
async def get_weather(location: str) -> str:
    """The weather of a place, now.

    Args:
        location: City
    """
    return f"sunny in {location}"


async def claude(address: str, key: str) -> None:
    """Anthropic: ``stream`` with its events, ``parse``, the runner of tools, counting."""
    async with anthropic.AsyncAnthropic(api_key=key, base_url=address, max_retries=0) as client:
        asked: Any = {"model": "m", "max_tokens": 4096, "messages": [ASKED]}
        parsed: Any = await client.messages.parse(**asked, output_format=Person)
        assert parsed.parsed_output == ADA
        async with client.messages.stream(**asked, output_format=Person) as shaped:
            assert (await shaped.get_final_message()).parsed_output == ADA
        beta: Any = await client.beta.messages.parse(**asked, output_format=Person)
        assert beta.parsed_output == ADA
        thinking: Any = {"type": "enabled", "budget_tokens": 1024}
        async with client.messages.stream(**asked, thinking=thinking, tools=[get_weather.to_dict()]) as stream:
            kinds = {event.type async for event in stream}
            final = await stream.get_final_message()
        assert {"message_start", "input_json", "content_block_stop", "message_delta", "message_stop"} <= kinds
        assert final.stop_reason == "tool_use" and final.content[-1].input == {"location": "Paris"}  # type: ignore[union-attr]
        async with client.messages.stream(**asked) as plain:
            assert "".join([text async for text in plain.text_stream]) == WEATHER.answer
        for streamed in (False, True):
            runner: Any = client.beta.messages.tool_runner(
                **asked, thinking=thinking, tools=[get_weather], stream=streamed
            )
            last = await runner.until_done()
            assert [block.text for block in last.content if block.type == "text"] == [WEATHER.answer]
        assert (await client.messages.count_tokens(model="m", messages=[ASKED])).input_tokens > 0


async def gemini(address: str, key: str) -> None:
    """Google: ``generate_content_stream``, functions called by themselves, ``response_schema``, chats, counting."""
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=address)).aio
    places: list[str] = []

    def get_weather(location: str) -> str:
        """The weather of a place, now."""
        places.append(location)
        return "sunny"

    for fields in ({"response_schema": Person}, {"response_json_schema": Person.model_json_schema()}):
        shape: Any = {"response_mime_type": "application/json", **fields}
        answer = await client.models.generate_content(model="m", contents="A person.", config=shape)
        assert answer.parsed in (ADA, ADA.model_dump())
    tools: Any = {"tools": [get_weather], "thinking_config": {"include_thoughts": True}}
    answer = await client.models.generate_content(model="m", contents="Weather?", config=tools)
    assert answer.text == WEATHER.answer and places == ["Paris"]
    pieces = [part async for part in await client.models.generate_content_stream(model="m", contents="?", config=tools)]
    assert "".join(_plain(piece) for piece in pieces) == WEATHER.answer and places == ["Paris"] * 2
    chat = client.chats.create(model="m", config=tools)
    assert (await chat.send_message("Weather?")).text == WEATHER.answer
    said = [piece async for piece in await chat.send_message_stream("And now?")]
    assert "".join(_plain(piece) for piece in said) == WEATHER.answer
    assert (await client.models.count_tokens(model="m", contents="Weather?")).total_tokens


def _plain(answer: types.GenerateContentResponse) -> str:
    parts = [part for found in answer.candidates or () for part in (found.content and found.content.parts) or ()]
    return "".join(part.text or "" for part in parts if not part.thought)


HELPERS: dict[str, Callable[[str, str], Awaitable[None]]] = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic": claude,
    "gemini": gemini,
}
"""By the caller's format: address and key."""
