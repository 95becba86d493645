"""Official SDKs as callers of every format: one question, and a loop of tools to its end, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
from google import genai
from google.genai import types

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TOOLS = ("f", "g")
GO: Any = {"role": "user", "content": "Go."}
Told = tuple[str, tuple[int | None, int | None]]
"""The answer's text, and its tokens: input, output."""


def result(name: str, args: Any) -> str:
    """What a tool says."""
    assert name in TOOLS and list(args) == ["a"]
    return f"ok {args['a']}"


async def chat(address: str, key: str, stream: bool, tools: bool) -> Told:
    """OpenAI chat completions."""
    async with openai.AsyncOpenAI(api_key=key, base_url=address + "/v1", max_retries=0) as client:
        more: dict[str, Any] = {"reasoning_effort": "low", "max_tokens": 4096} if tools else {"max_tokens": 64}
        if tools:
            more["tools"] = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in TOOLS]
        messages: list[Any] = [GO]
        for _ in range(5):
            if stream:
                asked = {**more, "stream_options": {"include_usage": True}}
                async with client.chat.completions.stream(model="m", messages=messages, **asked) as events:
                    answer: Any = await events.get_final_completion()
            else:
                answer = await client.chat.completions.create(model="m", messages=messages, **more)
            message = answer.choices[0].message
            if not message.tool_calls:
                assert answer.model == "m"
                return message.content or "", (answer.usage.prompt_tokens, answer.usage.completion_tokens)
            messages.append(_plain(message.model_dump(exclude_none=True)))
            for call in message.tool_calls:
                told = result(call.function.name, json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": told})
    raise AssertionError("the loop does not end")


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """Without what only the client's own helpers add."""
    message.pop("parsed", None)
    for call in message.get("tool_calls", ()):
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return message


async def responses(address: str, key: str, stream: bool, tools: bool) -> Told:
    """OpenAI Responses, without a memory of the server."""
    async with openai.AsyncOpenAI(api_key=key, base_url=address + "/v1", max_retries=0) as client:
        more: dict[str, Any] = {"store": False, "include": ["reasoning.encrypted_content"]}
        if tools:
            more["reasoning"] = {"effort": "low", "summary": "auto"}
            declared = {"type": "function", "parameters": SCHEMA, "strict": False}
            more["tools"] = [{**declared, "name": name} for name in TOOLS]
        items: list[Any] = [GO]
        for _ in range(5):
            if stream:
                async with client.responses.stream(model="m", input=items, max_output_tokens=4096, **more) as events:
                    answer: Any = await events.get_final_response()
            else:
                answer = await client.responses.create(model="m", input=items, max_output_tokens=4096, **more)
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                assert answer.model == "m"
                return answer.output_text, (answer.usage.input_tokens, answer.usage.output_tokens)
            items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
            for call in calls:
                told = result(call.name, json.loads(call.arguments))
                items.append({"type": "function_call_output", "call_id": call.call_id, "output": told})
    raise AssertionError("the loop does not end")


async def claude(address: str, key: str, stream: bool, tools: bool) -> Told:
    """Anthropic's messages."""
    async with anthropic.AsyncAnthropic(api_key=key, base_url=address, max_retries=0) as client:
        more: dict[str, Any] = {}
        if tools:
            more["thinking"] = {"type": "enabled", "budget_tokens": 1024}
            more["tools"] = [{"name": name, "input_schema": SCHEMA} for name in TOOLS]
        messages: list[Any] = [GO]
        for _ in range(5):
            if stream:
                async with client.messages.stream(model="m", max_tokens=4096, messages=messages, **more) as events:
                    answer: Any = await events.get_final_message()
            else:
                answer = await client.messages.create(model="m", max_tokens=4096, messages=messages, **more)
            calls = [block for block in answer.content if block.type == "tool_use"]
            if not calls:
                assert answer.model == "m"
                text = "".join(block.text for block in answer.content if block.type == "text")
                return text, (answer.usage.input_tokens, answer.usage.output_tokens)
            messages.append({"role": "assistant", "content": [block.model_dump() for block in answer.content]})
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": result(call.name, call.input)}
                       for call in calls]  # fmt: skip
            messages.append({"role": "user", "content": results})
    raise AssertionError("the loop does not end")


async def gemini(address: str, key: str, stream: bool, tools: bool) -> Told:
    """Google's generateContent."""
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=address)).aio
    config = types.GenerateContentConfig(max_output_tokens=4096)
    if tools:
        config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        declared = [types.FunctionDeclaration(name=name, parameters_json_schema=SCHEMA) for name in TOOLS]
        config.tools = [types.Tool(function_declarations=declared)]
    contents: list[Any] = [types.Content(role="user", parts=[types.Part(text="Go.")])]
    for _ in range(5):
        if stream:
            found: list[Any] = []
            async for part in await client.models.generate_content_stream(model="m", contents=contents, config=config):
                found.append(part)
        else:
            found = [await client.models.generate_content(model="m", contents=contents, config=config)]
        parts = [p for f in found for c in f.candidates or () for p in (c.content.parts if c.content else None) or ()]
        calls = [part.function_call for part in parts if part.function_call]
        usage = found[-1].usage_metadata
        if not calls:
            assert found[-1].model_version == "m"
            text = "".join(part.text or "" for part in parts if not part.thought)
            return text, (usage.prompt_token_count, usage.candidates_token_count)
        contents.append(types.Content(role="model", parts=parts))
        results = [types.FunctionResponse(id=call.id, name=call.name, response={"result": result(call.name, call.args)})
                   for call in calls]  # fmt: skip
        contents.append(types.Content(role="user", parts=[types.Part(function_response=told) for told in results]))
    raise AssertionError("the loop does not end")


CALLERS: dict[str, Callable[[str, str, bool, bool], Awaitable[Told]]] = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic": claude,
    "gemini": gemini,
}
"""By the caller's format: address, key, stream, tools."""
