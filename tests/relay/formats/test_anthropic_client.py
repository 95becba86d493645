"""Anthropic's own client against whole answers and streams in Claude's format, made from every vendor's. (N21)"""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import pydantic
import pytest
from anthropic import beta_tool
from golden_cases import NAMES, asked, content, events, exists, having
from official_clients import takes_request

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.anthropic.count import render_count
from relay.formats.format import Asked
from relay.neutral import Citation, Cite, Delta, Event, Start, Stop, Thinking, ToolUse, Usage, fold

FORMAT = FORMATS["anthropic"]
SOURCES = [name for name in NAMES if exists("json_schema", f"{name}.stream.txt")]
QUESTION: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
STATES = ("thinking_signature", "redacted_thinking", "encrypted_reasoning", "thought_signature")
TOOL: Any = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"location": {"type": "string"}}}}


class Person(pydantic.BaseModel):
    name: str
    age: int


class Gateway:
    """Answers each request with the next of ``cases``, as the vendor ``source`` says it."""

    def __init__(self, source: str, *cases: str) -> None:
        self.source = source
        self.cases = list(cases)
        self.requests: list[bytes] = []
        http = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        self.client = anthropic.Anthropic(api_key="sk-x", base_url="http://gate", http_client=http, max_retries=0)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        try:
            seen = FORMAT.glance(body, None, None)
        except Problem as problem:  # the runner of tools wishes for a message thread first
            return httpx2.Response(problem.status, content=FORMAT.render_error(problem, "req-0"))
        self.requests.append(body)
        FORMAT.parse_request(seen)
        case, about = self.cases.pop(0), Asked(seen.model, 1_741_570_283, f"req-{len(self.requests)}")
        if not seen.stream:
            whole = FORMATS[self.source].parse_response(content(case, f"{self.source}.response.json"))
            return httpx2.Response(200, content=FORMAT.render_response(whole, about).body)
        happened = events(self.source, content(case, f"{self.source}.stream.txt"))
        return streamed(happened, about)

    def turns(self, at: int) -> Any:
        """The turns of a request that came."""
        return FORMAT.parse_request(FORMAT.glance(self.requests[at], None, None)).messages


def streamed(happened: list[Event], about: Asked) -> httpx2.Response:
    writer = FORMAT.writer(about)
    out = b"".join(writer.feed(event) for event in happened)
    usage = fold(happened).usage or Usage(Counts())
    return httpx2.Response(200, content=out + writer.end(usage), headers={"content-type": "text/event-stream"})


def client_of(happened: list[Event]) -> anthropic.Anthropic:
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: streamed(happened, asked())))
    return anthropic.Anthropic(api_key="sk-x", base_url="http://gate", http_client=http, max_retries=0)


@pytest.mark.parametrize("source", SOURCES)
def test_a_structured_answer_is_parsed(source: str) -> None:
    gate = Gateway(source, "json_schema", "json_schema")
    about: dict[str, Any] = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "A person."}]}
    whole = gate.client.messages.parse(**about, output_format=Person)
    with gate.client.messages.stream(**about, output_format=Person) as stream:
        final = stream.get_final_message()
    assert whole.parsed_output == final.parsed_output == Person(name="Ada", age=36)
    shape = FORMAT.parse_request(FORMAT.glance(gate.requests[0], None, None)).shape
    assert shape is not None and shape.schema is not None and set(shape.schema["properties"]) == {"name", "age"}


@pytest.mark.parametrize("source", SOURCES)
def test_a_loop_of_tools_runs_and_its_second_turn_is_understood(source: str) -> None:
    gate = Gateway(source, "tool_call", "tool_result")
    with gate.client.messages.stream(model="m", max_tokens=99, messages=QUESTION, tools=[TOOL]) as stream:
        kinds = [event.type for event in stream]
        first = stream.get_final_message()
    (call,) = (block for block in first.content if block.type == "tool_use")
    assert call.input == {"location": "Paris, France"} and first.stop_reason == "tool_use"
    assert "input_json" in kinds and kinds[-1] == "message_stop"
    result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "18 °C, sunny"}
    back: list[Any] = [*QUESTION, first.to_param(), {"role": "user", "content": [result]}]
    second = gate.client.messages.create(model="m", max_tokens=99, messages=back, tools=[TOOL])
    assert [block.text for block in second.content if block.type == "text"] == ["It is 18 °C and sunny in Paris."]
    turns = gate.turns(1)
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]
    assert turns[1].parts[-1].id == turns[2].parts[0].id == call.id


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("source", SOURCES)
def test_the_tool_runner_calls_the_callers_function(source: str, stream: bool) -> None:
    asked_for: list[str] = []

    @beta_tool
    def get_weather(location: str) -> str:
        """The weather of a place.

        Args:
            location: City and country
        """
        asked_for.append(location)
        return "18 °C, sunny"

    gate = Gateway(source, "tool_call", "tool_result")
    runner: Any = gate.client.beta.messages.tool_runner(
        model="m", max_tokens=99, messages=QUESTION, tools=[get_weather], stream=stream
    )
    last = runner.until_done()
    assert asked_for == ["Paris, France"]
    assert "".join(block.text for block in last.content if block.type == "text") == "It is 18 °C and sunny in Paris."
    results = [part for part in gate.turns(1)[-1].parts if hasattr(part, "is_error")]
    assert [(part.parts[0].text, part.is_error) for part in results] == [("18 °C, sunny", False)]


STATES = ("thinking_signature", "redacted_thinking", "encrypted_reasoning", "thought_signature")


@pytest.mark.parametrize(
    ("source", "case"),
    [(source, case) for case, source in having("stream.txt") if case in STATES and source in SOURCES],
)
def test_state_that_the_caller_sends_back_is_what_its_maker_gave(source: str, case: str) -> None:
    gate = Gateway(source, case, case)
    with gate.client.messages.stream(model="m", max_tokens=99, messages=QUESTION, tools=[TOOL]) as stream:
        kinds = {event.type for event in stream}
        first = stream.get_final_message()
    assert all(block.signature is not None for block in first.content if block.type == "thinking")
    if any(block.type == "thinking" for block in first.content):
        assert {"thinking", "signature"} <= kinds
    back: list[Any] = [*QUESTION, first.to_param(), {"role": "user", "content": "Go on."}]
    gate.client.messages.create(model="m", max_tokens=99, messages=back, tools=[TOOL])
    made = FORMATS[source].parse_response(content(case, f"{source}.response.json")).parts
    given = gate.turns(1)[1].parts
    signed = [part.signature for part in made if isinstance(part, Thinking | ToolUse)]
    assert [part.signature for part in given if isinstance(part, Thinking | ToolUse)] == signed
    assert any(signed)


def test_citations_reach_the_caller_as_events() -> None:
    cited = Citation(title="Notes", quote="The grass is green.", document=0)
    page = Citation("https://example.com/", "A page", "green")
    client = client_of([Start(), Delta("Green."), Cite(cited), Cite(page), Stop("stop")])
    with client.messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream:
        found = [event.citation for event in stream if event.type == "citation"]
        final = stream.get_final_message()
    assert [one.type for one in found] == ["web_search_result_location"]
    assert getattr(final.content[0], "citations", None) == found and final.content[0].type == "text"


@pytest.mark.parametrize("case", [case for case, name in having("stream.txt") if name == "anthropic"])
def test_every_stream_is_put_together_to_the_whole_answer(case: str) -> None:
    if case == "error_midstream":
        return
    gate = Gateway("anthropic", case, case)
    with gate.client.messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream:
        streamed = stream.get_final_message()
    whole = gate.client.messages.create(model="m", max_tokens=9, messages=QUESTION)
    assert [block.to_dict() for block in streamed.content] == [block.to_dict() for block in whole.content]
    assert (streamed.stop_reason, streamed.stop_sequence) == (whole.stop_reason, whole.stop_sequence)
    assert streamed.stop_details == whole.stop_details
    counted = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    assert [getattr(streamed.usage, name) for name in counted] == [getattr(whole.usage, name) for name in counted]
    assert streamed.usage.output_tokens_details == whole.usage.output_tokens_details


@pytest.mark.parametrize(
    ("case", "file"),
    [
        (case, file)
        for case, _ in having("request.json", "sent.json")
        for file in ("request.json", "sent.json")
        if exists(case, f"anthropic.{file}")
    ],
)
def test_the_golden_requests_are_what_the_clients_types_say(case: str, file: str) -> None:
    assert takes_request("anthropic", content(case, f"anthropic.{file}"))


def test_tokens_are_counted_for_the_official_client() -> None:
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, content=render_count(42))))
    client = anthropic.Anthropic(api_key="sk-x", base_url="http://gate", http_client=http, max_retries=0)
    assert client.messages.count_tokens(model="m", messages=QUESTION).input_tokens == 42
    assert json.loads(render_count(42)) == {"input_tokens": 42}
