"""OpenAI's own client against whole answers and streams in the Responses format, made from every vendor's."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pydantic
import pytest
from golden_cases import NAMES, answer, asked, content, events, exists, having

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Asked
from relay.neutral import Event, Usage, fold

FORMAT = FORMATS["openai_responses"]
SOURCES = [name for name in NAMES if exists("json_schema", f"{name}.stream.txt")]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"location": {"type": "string"}}}
TOOL: Any = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}


class Person(pydantic.BaseModel):
    name: str
    age: int


class Gateway:
    """Answers each request with the next of ``cases``, as the vendor ``source`` says it."""

    def __init__(self, source: str, *cases: str) -> None:
        self.source = source
        self.cases = list(cases)
        self.requests: list[bytes] = []
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.client = openai.OpenAI(api_key="sk-x", base_url="http://gate/v1", http_client=http, max_retries=0)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body = request.content
        self.requests.append(body)
        seen = FORMAT.glance(body, None, None)
        FORMAT.parse_request(seen)
        case, about = self.cases.pop(0), Asked(seen.model, 1_741_570_283, "req-1", fields=seen.fields)
        if not seen.stream:
            whole = FORMATS[self.source].parse_response(content(case, f"{self.source}.response.json"))
            return httpx.Response(200, content=FORMAT.render_response(whole, about).body)
        happened = events(self.source, content(case, f"{self.source}.stream.txt"))
        writer = FORMAT.writer(about)
        out = b"".join(writer.feed(event) for event in happened)
        usage = fold(happened).usage or Usage(Counts())
        return httpx.Response(200, content=out + writer.end(usage), headers={"content-type": "text/event-stream"})


@pytest.mark.parametrize("source", SOURCES)
def test_a_structured_answer_is_parsed(source: str) -> None:
    gate = Gateway(source, "json_schema", "json_schema")
    whole = gate.client.responses.parse(model="m", input="A person.", text_format=Person)
    with gate.client.responses.stream(model="m", input="A person.", text_format=Person) as stream:
        streamed = stream.get_final_response()
    assert whole.output_parsed == streamed.output_parsed == Person(name="Ada", age=36)


@pytest.mark.parametrize("source", SOURCES)
def test_a_loop_of_tools_runs_and_its_second_turn_is_understood(source: str) -> None:
    gate = Gateway(source, "tool_call", "tool_result")
    asked_for: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    with gate.client.responses.stream(model="m", input=asked_for, tools=[TOOL]) as stream:
        kinds = [event.type for event in stream]
        first = stream.get_final_response()
    (call,) = (item for item in first.output if item.type == "function_call")
    assert json.loads(call.arguments) == {"location": "Paris, France"} and "response.completed" in kinds
    assert "response.function_call_arguments.done" in kinds
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "18 °C, sunny"}
    back = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in first.output]
    second = gate.client.responses.create(model="m", input=[*asked_for, *back, result], tools=[TOOL])
    assert second.output_text == "It is 18 °C and sunny in Paris."
    turns = FORMAT.parse_request(FORMAT.glance(gate.requests[1], None, None)).messages
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]
    assert getattr(turns[1].parts[-1], "id", "") == getattr(turns[2].parts[0], "id", "") == call.call_id


@pytest.mark.parametrize("case", [case for case, name in having("stream.txt") if name == "openai_responses"])
def test_every_stream_is_put_together_to_the_answer_that_it_names(case: str) -> None:
    if case == "error_midstream":
        return
    gate = Gateway("openai_responses", case, case)
    with gate.client.responses.stream(model="m", input="Hi") as stream:
        events_seen = list(stream)
        streamed = stream.get_final_response() if events_seen[-1].type == "response.completed" else None
    whole = gate.client.responses.create(model="m", input="Hi")
    assert [event.sequence_number for event in events_seen] == list(range(len(events_seen)))
    if streamed is None:
        assert events_seen[-1].type == "response.incomplete" and whole.incomplete_details is not None
        return
    assert streamed.output_text == whole.output_text
    assert [item.type for item in streamed.output] == [item.type for item in whole.output]


def test_the_client_reads_what_else_a_response_says() -> None:
    whole = answer("cache_usage")
    response = openai.types.responses.Response.model_validate_json(FORMAT.render_response(whole, asked()).body)
    assert response.usage is not None and response.usage.input_tokens_details.cached_tokens == 1920
    assert response.usage.output_tokens_details.reasoning_tokens == 64
    assert (response.status, response.model, response.tools) == ("completed", "asked-model", [])


def test_the_client_raises_where_a_stream_breaks_off() -> None:
    writer = FORMAT.writer(asked())
    happened: list[Event] = events("openai_responses", content("error_midstream", "openai_responses.stream.txt"))[:-1]
    out = b"".join(writer.feed(event) for event in happened) + writer.fail(Problem(502, "x", "It broke off."))
    reply = httpx.Response(200, content=out, headers={"content-type": "text/event-stream"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: reply))
    client = openai.OpenAI(api_key="sk-x", base_url="http://gate/v1", http_client=http, max_retries=0)
    seen = []
    with pytest.raises(openai.APIError, match="It broke off"):
        for event in client.responses.create(model="m", input="Hi", stream=True):
            seen.append(event)
    assert seen[-1].type == "response.failed" and seen[-1].response.error is not None
    assert seen[-1].response.error.code == "server_error"
