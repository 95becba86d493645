"""Google's own client against answers, streams and loops of tools in Gemini's format, made from every vendor's."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pydantic
import pytest
from golden_cases import ALL_CASES, NAMES, content, events, exists, having
from google import genai
from google.genai import errors, types
from google_requests import takes_request

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Asked
from relay.neutral import Message, Opaque, Request, Text, Thinking, ToolResult, ToolUse, Usage, fold

FORMAT = FORMATS["gemini"]
SOURCES = [name for name in NAMES if exists("json_schema", f"{name}.stream.txt")]


class Person(pydantic.BaseModel):
    name: str
    age: int


def get_weather(location: str) -> str:
    """The weather of a place, now."""
    return f"18 °C, sunny in {location}"


class Gateway:
    """Answers each request with the next of ``cases``, as the vendor ``source`` says it."""

    def __init__(self, source: str, *cases: str) -> None:
        self.source = source
        self.cases = list(cases)
        self.requests: list[bytes] = []
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        options = types.HttpOptions(base_url="http://gate", httpx_client=http)
        self.client = genai.Client(api_key="x", http_options=options)

    def asked(self, at: int) -> Any:
        """The neutral form of a request."""
        return FORMAT.parse_request(FORMAT.glance(self.requests[at], "m", None))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.content)
        self.asked(-1)
        case, about = self.cases.pop(0), Asked("m", 1_741_570_283, f"req-{len(self.requests)}")
        if "streamGenerateContent" not in str(request.url):
            whole = FORMATS[self.source].parse_response(content(case, f"{self.source}.response.json"))
            return httpx.Response(200, content=FORMAT.render_response(whole, about).body)
        happened = events(self.source, content(case, f"{self.source}.stream.txt"))
        writer = FORMAT.writer(about)
        out = b"".join(writer.feed(event) for event in happened)
        usage = fold(happened).usage or Usage(Counts())
        return httpx.Response(200, content=out + writer.end(usage), headers={"content-type": "text/event-stream"})


@pytest.mark.parametrize("source", SOURCES)
def test_a_structured_answer_is_parsed(source: str) -> None:
    gate = Gateway(source, "json_schema")
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Person)
    answer = gate.client.models.generate_content(model="m", contents="A person.", config=config)
    assert answer.parsed == Person(name="Ada", age=36)
    shape = gate.asked(0).shape
    assert shape.schema["properties"]["age"]["type"] == "integer" and shape.schema["required"] == ["name", "age"]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("stream", [False, True])
def test_functions_are_called_by_themselves_and_their_results_understood(source: str, stream: bool) -> None:
    gate = Gateway(source, "tool_call", "tool_result")
    chat = gate.client.chats.create(model="m", config=types.GenerateContentConfig(tools=[get_weather]))
    asking = "What is the weather in Paris?"
    if stream:
        text = "".join(chunk.text or "" for chunk in chat.send_message_stream(asking))
    else:
        text = chat.send_message(asking).text or ""
    assert text == "It is 18 °C and sunny in Paris."
    first, second = gate.asked(0), gate.asked(1)
    assert [tool.name for tool in first.tools] == ["get_weather"]
    calls = [part for turn in second.messages for part in turn.parts if isinstance(part, ToolUse)]
    results = [part for turn in second.messages for part in turn.parts if isinstance(part, ToolResult)]
    assert [call.id for call in calls] == [result.id for result in results] and calls[0].id
    assert results[0].parts == (Text("18 °C, sunny in Paris, France"),)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("source", "case", "maker"),
    [
        (source, case, maker)
        for case, maker in (("thinking_signature", "anthropic"), ("redacted_thinking", "anthropic"),
                            ("encrypted_reasoning", "openai"), ("thought_signature", "gemini"))
        for source in SOURCES
        if exists(case, f"{source}.stream.txt") and (source != "gemini" or maker == "gemini")
    ],
)  # fmt: skip
def test_a_chat_carries_every_vendors_state_to_the_next_turn(source: str, case: str, maker: str, stream: bool) -> None:
    gate = Gateway(source, case, "text")
    chat = gate.client.chats.create(model="m")
    for text in ("Think.", "Go on."):
        if stream:
            list(chat.send_message_stream(text))
        else:
            chat.send_message(text)
    (expected,) = _states(FORMATS[source].parse_response(content(case, f"{source}.response.json")).parts)
    assert _states(gate.asked(1).messages[1].parts) == [expected] and expected.maker == maker


def _states(parts: Any) -> list[Opaque]:
    return [part.signature for part in parts if isinstance(part, ToolUse | Thinking | Text) and part.signature]


@pytest.mark.parametrize("case", [case for case, name in having("response.json") if name == "gemini"])
def test_every_golden_answer_is_one_for_the_client_too(case: str) -> None:
    gate = Gateway("gemini", case, case)
    whole = gate.client.models.generate_content(model="m", contents="Hi")
    chunks = list(gate.client.models.generate_content_stream(model="m", contents="Hi"))
    first = [chunk for chunk in chunks if chunk.candidates and not chunk.candidates[0].index]
    assert "".join(chunk.text or "" for chunk in first) == (whole.text or "")
    assert chunks[-1].usage_metadata == whole.usage_metadata
    streamed = [call for chunk in chunks for call in chunk.function_calls or []]
    assert [call.args for call in streamed] == [call.args for call in whole.function_calls or []]
    assert chunks[-1].candidates and whole.candidates
    assert chunks[-1].candidates[0].finish_reason == whole.candidates[0].finish_reason


GOLDEN = [
    (case, file) for case in ALL_CASES for file in ("gemini.request.json", "gemini.sent.json") if exists(case, file)
]


@pytest.mark.parametrize(("case", "file"), GOLDEN)
def test_every_golden_request_is_one_that_the_client_could_send(case: str, file: str) -> None:
    takes_request(content(case, file))


@pytest.mark.parametrize("caller", NAMES)
@pytest.mark.parametrize("stream", [False, True])
def test_geminis_signature_comes_back_byte_for_byte_from_callers_of_every_format(caller: str, stream: bool) -> None:
    """The second turn of a tool loop whose first one Gemini answered."""
    about, form = Asked("m", 1, "req-1"), FORMATS[caller]
    if stream:
        happened = events("gemini", content("thought_signature", "gemini.stream.txt"))
        writer = form.writer(about)
        out = b"".join(writer.feed(event) for event in happened) + writer.end(Usage(Counts(1, output=1)))
        answered = fold(events(caller, out))
    else:
        whole = FORMAT.parse_response(content("thought_signature", "gemini.response.json"))
        answered = form.parse_response(form.render_response(whole, about).body)
    (call,) = (part for part in answered.parts if isinstance(part, ToolUse))
    turns = (Message("assistant", answered.parts), Message("user", (ToolResult(call.id, (Text("18 °C"),)),)))
    request = Request("gemini-3-pro", (Message("user", (Text("Hi"),)), *turns))
    rendered = FORMAT.render_request(request)
    (part,) = json.loads(rendered.body)["contents"][1]["parts"]
    assert part["thoughtSignature"] == "CsYBAdHtim9zhdlmKVLMEXAvP4ckWqr0bbC1XQqvzUlsVd5Ag8Yg" and rendered.losses == ()


def test_pictures_and_files_of_the_client_are_understood() -> None:
    gate = Gateway("gemini", "text")
    data = bytes(range(251, 256)) * 3
    file = types.Part.from_uri(file_uri="https://example.com/a.pdf", mime_type="application/pdf")
    parts: list[Any] = ["What?", types.Part.from_bytes(data=data, mime_type="image/png"), file]
    gate.client.models.generate_content(model="m", contents=parts)
    _, image, document = gate.asked(0).messages[0].parts
    assert not set(image.source.value) & set("-_") and image.source.media_type == "image/png"
    assert (document.source.kind, document.source.value) == ("url", "https://example.com/a.pdf")


def test_the_client_raises_where_a_stream_breaks_off() -> None:
    writer = FORMAT.writer(Asked("m", 1, "req-1"))
    happened = events("gemini", content("error_midstream", "gemini.stream.txt"))[:-1]
    out = b"".join(writer.feed(event) for event in happened) + writer.fail(Problem(503, "x", "It broke off."))
    reply = httpx.Response(200, content=out, headers={"content-type": "text/event-stream"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: reply))
    client = genai.Client(api_key="x", http_options=types.HttpOptions(base_url="http://gate", httpx_client=http))
    seen = []
    with pytest.raises(errors.APIError, match="It broke off") as caught:
        seen += client.models.generate_content_stream(model="m", contents="Hi")
    assert caught.value.code == 503 and json.loads(json.dumps(caught.value.details))["error"]["status"] == "UNAVAILABLE"
