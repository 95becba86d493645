"""The vendors' own Python clients, fed with what the writers and error renderers produce."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
from golden_cases import NAMES, asked, content, events
from google import genai
from google.genai import errors as google_errors
from google.genai import types as google

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.neutral import Event, Usage

USAGE = Usage(Counts(input=20, cache_read=80, output=5))
PROBLEM = Problem(502, "upstream_error", "The provider broke off.")


HTTP: dict[str, Any] = {"openai_chat": httpx, "openai_responses": httpx, "anthropic": httpx2, "gemini": httpx}


def ask(name: str, status: int, body: bytes) -> tuple[str, tuple[int, int]]:
    """Text and counts that the client of ``name`` finds in an answer."""
    http = HTTP[name]
    kind = "text/event-stream" if status == 200 else "application/json"
    answer = http.Response(status, content=body, headers={"content-type": kind})
    return ASK[name](http.Client(transport=http.MockTransport(lambda _: answer)))


def ask_openai(http: Any) -> tuple[str, tuple[int, int]]:
    client = openai.OpenAI(api_key="sk-x", base_url="http://gate/v1", http_client=http, max_retries=0)
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
    chunks = list(stream)
    usage = chunks[-1].usage
    assert usage is not None and usage.prompt_tokens_details is not None
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    return text, (usage.prompt_tokens, usage.completion_tokens)


def ask_responses(http: Any) -> tuple[str, tuple[int, int]]:
    client = openai.OpenAI(api_key="sk-x", base_url="http://gate/v1", http_client=http, max_retries=0)
    with client.responses.stream(model="m", input="Hi") as stream:
        response = stream.get_final_response()
    assert response.usage is not None
    return response.output_text, (response.usage.input_tokens, response.usage.output_tokens)


def ask_claude(http: Any) -> tuple[str, tuple[int, int]]:
    client = anthropic.Anthropic(api_key="sk-x", base_url="http://gate", http_client=http, max_retries=0)
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as stream:
        message = stream.get_final_message()
    usage = message.usage
    text = "".join(block.text for block in message.content if block.type == "text")
    return text, (usage.input_tokens + (usage.cache_read_input_tokens or 0), usage.output_tokens)


def ask_gemini(http: Any) -> tuple[str, tuple[int, int]]:
    options = google.HttpOptions(base_url="http://gate", httpx_client=http)
    client = genai.Client(api_key="x", http_options=options)
    chunks = list(client.models.generate_content_stream(model="m", contents="Hi"))
    usage = chunks[-1].usage_metadata
    assert usage is not None
    counts = (usage.prompt_token_count or 0, usage.candidates_token_count or 0)
    return "".join(chunk.text or "" for chunk in chunks), counts


ASK: dict[str, Callable[[Any], tuple[str, tuple[int, int]]]] = {
    "openai_chat": ask_openai,
    "openai_responses": ask_responses,
    "anthropic": ask_claude,
    "gemini": ask_gemini,
}
RAISED: dict[str, Any] = {
    "openai_chat": openai.APIError,
    "openai_responses": openai.APIError,
    "anthropic": anthropic.APIError,
    "gemini": google_errors.APIError,
}


def written(name: str, happened: list[Event]) -> tuple[bytes, Any]:
    writer = FORMATS[name].writer(asked())
    return b"".join(writer.feed(event) for event in happened), writer


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("name", NAMES)
def test_the_official_client_reads_a_stream_to_its_end(name: str, source: str) -> None:
    out, writer = written(name, events(source, content("text", f"{source}.stream.txt")))
    text, counts = ask(name, 200, out + writer.end(USAGE))
    assert (text, counts) == ("Hello! How can I assist you today? 👋", (100, 5))


@pytest.mark.parametrize("name", NAMES)
def test_the_official_client_raises_on_an_error_amid_a_stream(name: str) -> None:
    out, writer = written(name, events(name, content("error_midstream", f"{name}.stream.txt")))
    with pytest.raises(RAISED[name], match="The provider broke off"):
        ask(name, 200, out + writer.fail(PROBLEM))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 502, 503])
def test_the_official_client_raises_on_an_error_answer(name: str, status: int) -> None:
    body = FORMATS[name].render_error(Problem(status, "some_code", "What to do."), "req-1")
    with pytest.raises(RAISED[name], match="What to do") as caught:
        ask(name, status, body)
    assert getattr(caught.value, "status_code", None) == status or getattr(caught.value, "code", None) == status
