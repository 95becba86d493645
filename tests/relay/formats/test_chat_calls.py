"""Tool calls in OpenAI's form: as odd as vendors send them, and as official clients read them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import openai
import pytest
from golden_cases import asked, content, events, frames, written
from hypothesis import given, settings
from hypothesis import strategies as st

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Asked
from relay.framing import SSE
from relay.neutral import (
    Arguments,
    Begin,
    Block,
    Citation,
    Cite,
    Delta,
    End,
    Event,
    Message,
    Opaque,
    Request,
    Sign,
    Start,
    Stop,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Usage,
    fold,
)

FORMAT = FORMATS["openai_chat"]
USAGE = Usage(Counts(3, 0, 4))


def piece(*calls: dict[str, Any], finish: str | None = None, **delta: Any) -> bytes:
    inner = {**delta, **({"tool_calls": list(calls)} if calls else {})}
    chunk = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": inner, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def called(*pieces: bytes) -> list[tuple[str, str, str]]:
    parts = fold(events("openai_chat", b"".join(pieces))).parts
    return [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolUse)]


def entry(index: Any = None, id: str | None = None, name: str | None = None, text: Any = None) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", text)) if value is not None}
    named = {key: value for key, value in (("index", index), ("id", id)) if value is not None}
    return {**named, "type": "function", "function": function}


@pytest.mark.parametrize(
    "pieces",
    [
        # as OpenAI
        (piece(entry(0, "a", "f", "")), piece(entry(0, text='{"x"')), piece(entry(0, text=":1}")),
         piece(entry(1, "b", "g", "{}"))),
        # id and name again in every piece
        (piece(entry(0, "a", "f", '{"x"')), piece(entry(0, "a", "f", ":1}")), piece(entry(1, "b", "g", "{}"))),
        # no index
        (piece(entry(None, "a", "f", '{"x"')), piece(entry(None, text=":1}")), piece(entry(None, "b", "g", "{}"))),
        # both whole in one chunk, every one with index 0
        (piece(entry(0, "a", "f", '{"x":1}'), entry(0, "b", "g", "{}")),),
        # the name comes after the first arguments
        (piece(entry(0, "a", None, '{"x"')), piece(entry(0, None, "f", ":1}")), piece(entry(1, "b", "g", "{}"))),
        # arguments as an object
        (piece(entry(0, "a", "f", {"x": 1})), piece(entry(1, "b", "g", {}))),
        # pieces of two calls in turn
        (piece(entry(0, "a", "f", '{"x"'), entry(1, "b", "g", "{")), piece(entry(0, text=":1}"), entry(1, text="}"))),
    ],
)  # fmt: skip
def test_however_a_vendor_names_the_pieces_the_calls_are_whole(pieces: tuple[bytes, ...]) -> None:
    assert called(*pieces) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_calls_without_ids_are_told_apart_by_their_names() -> None:
    assert called(piece(entry(None, None, "f", "{}")), piece(entry(None, None, "g", "{}"))) == [
        ("", "f", "{}"),
        ("", "g", "{}"),
    ]


def test_a_call_that_never_gets_a_name_is_none() -> None:
    assert called(piece(entry(0, "a", None, "{}"))) == []


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "function_call"])
def test_an_answer_that_calls_tools_ended_to_call_them(finish: str) -> None:
    stream = piece(entry(0, "a", "f", "{}")) + piece(finish=finish)
    assert fold(events("openai_chat", stream)).stop == "tools"
    message = {"tool_calls": [entry(0, "a", "f", "{}")]}
    whole = {"choices": [{"message": message, "finish_reason": finish}]}
    assert FORMAT.parse_response(json.dumps(whole).encode()).stop == "tools"


def test_the_older_form_of_calls_is_read_and_answered() -> None:
    stream = piece(function_call={"name": "f", "arguments": "{"}) + piece(function_call={"arguments": "}"})
    assert called(stream) == [("", "f", "{}")]
    body = {
        "model": "m", "functions": [{"name": "f", "parameters": {"type": "object"}}], "function_call": {"name": "f"},
        "messages": [{"role": "user", "content": "Hi"},
                     {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
                     {"role": "function", "name": "f", "content": "42"}],
    }  # fmt: skip
    request = FORMAT.parse_request(FORMAT.glance(json.dumps(body).encode(), None, None))
    call, result = request.messages[1].parts[0], request.messages[2].parts[0]
    assert isinstance(call, ToolUse) and isinstance(result, ToolResult) and call.id == result.id != ""
    assert request.tools == (Tool("f", schema={"type": "object"}),)
    assert request.tool_choice is not None and request.tool_choice.mode == "named"


def test_a_call_without_an_id_gets_one_that_can_be_answered_with() -> None:
    happened: list[Event] = [Begin(ToolUse("", "f")), Arguments("{}"), Begin(ToolUse("", "g")), Stop("tools")]
    streamed = called(written("openai_chat", happened, USAGE))
    whole = FORMAT.parse_response(FORMAT.render_response(fold(happened), asked()).body).parts
    ids = [id for id, _, _ in streamed]
    assert ids == [part.id for part in whole if isinstance(part, ToolUse)]
    assert len(set(ids)) == 2 and all(ids)


CUSTOM = json.dumps([{"type": "custom", "custom": {"name": "run"}}, {"type": "function", "function": {"name": "f"}}])


def test_a_tool_of_free_text_is_called_with_text_also_where_the_vendor_only_knows_json() -> None:
    wish = Asked("m", 1, "r", fields={"tools": msgspec.Raw(CUSTOM.encode())})
    happened: list[Event] = [Begin(ToolUse("1", "run")), Arguments('{"inp'), Arguments('ut":"a\\nb"}'),
                             Begin(ToolUse("2", "f")), Arguments("{}", 1), Stop("tools")]  # fmt: skip
    expected = (ToolUse("1", "run", "a\nb", freeform=True), ToolUse("2", "f", "{}"))
    writer = FORMAT.writer(wish)
    out = b"".join(writer.feed(event) for event in happened) + writer.end(USAGE)
    assert fold(events("openai_chat", out)).parts == expected
    assert FORMAT.parse_response(FORMAT.render_response(fold(happened), wish).body).parts == expected


def test_a_vendor_that_only_knows_json_is_offered_a_function_instead() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a+/"}}
    tools = (Tool("run", "Runs.", freeform=True, grammar=grammar),)
    history = (Message("user", (Text("Hi"),)), Message("assistant", (ToolUse("1", "run", "aa", freeform=True),)))
    body = json.loads(FORMAT.render_request(Request("deepseek-chat", history, tools=tools)).body)
    function = body["tools"][0]["function"]
    assert function["parameters"]["required"] == ["input"] and "start: /a+/" in function["description"]
    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"input":"aa"}'
    own = json.loads(FORMAT.render_request(Request("gpt-5", history, tools=tools)).body)
    assert own["tools"][0]["custom"]["format"] == grammar
    assert own["messages"][1]["tool_calls"][0]["custom"] == {"name": "run", "input": "aa"}


def test_the_official_client_joins_a_stream_into_what_it_sends_back_unharmed() -> None:
    signature = Opaque("gemini", "c2ln")
    happened: list[Event] = [
        Start(), Delta("I think", 0, "thinking"), Delta(" so.", 0, "thinking"), Sign(Opaque("anthropic", "cHJvb2Y=")),
        Delta("Let me "), Delta("look."), Begin(ToolUse("1", "f", signature=signature)), Arguments('{"a"'),
        Arguments(":1}"), Begin(ToolUse("2", "g")), Arguments("{}", 1), Stop("tools"),
    ]  # fmt: skip
    stream = written("openai_chat", happened, USAGE)
    answer = httpx.Response(200, content=stream, headers={"content-type": "text/event-stream"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    client = openai.OpenAI(api_key="sk-x", base_url="http://gate/v1", http_client=http, max_retries=0)
    turn: Any = {"role": "user", "content": "Hi"}
    with client.chat.completions.stream(model="m", messages=[turn]) as running:
        message = running.get_final_completion().choices[0].message
    results = [{"role": "tool", "tool_call_id": id, "content": "42"} for id in ("1", "2")]
    back = {"model": "m", "messages": [turn, message.model_dump(exclude_unset=True), *results]}
    request = FORMAT.parse_request(FORMAT.glance(json.dumps(back).encode(), None, None))
    assert request.messages[1].parts == fold(happened).parts and request.losses == ()


def test_foreign_state_never_reaches_openai_and_that_is_said() -> None:
    thought = Thinking("hm", Opaque("anthropic", "x"))
    parts = (
        thought,
        Text("a", signature=Opaque("gemini", "y")),
        ToolUse("1", "f", "{}", signature=Opaque("gemini", "z")),
    )
    turns = (
        Message("user", (Text("Hi"),)),
        Message("assistant", parts),
        Message("user", (ToolResult("1", (Text("r"),)),)),
    )
    rendered = FORMAT.render_request(Request("gpt-5", turns))
    assert set(rendered.losses) == {"thinking", "signature"}
    assert json.loads(rendered.body)["messages"][1] == {
        "role": "assistant", "content": "a",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }  # fmt: skip
    other = FORMAT.render_request(Request("deepseek-reasoner", turns))
    again = FORMAT.parse_request(FORMAT.glance(other.body, None, None))
    assert other.losses == () and again.messages[1].parts == parts


@pytest.mark.parametrize("case", ["parallel_tools", "thinking_signature", "encrypted_reasoning", "audio_out"])
def test_wherever_the_bytes_of_calls_and_thoughts_are_cut_nothing_changes(case: str) -> None:
    stream = content(case, "openai_chat.stream.txt")
    whole = events("openai_chat", stream)
    for at in range(0, len(stream), 7):
        decoder, reader, found = SSE(), FORMAT.reader(), list[Event]()
        for part in (stream[:at], stream[at:]):
            for frame in decoder.feed(part):
                found += reader.feed(frame)
        assert found == whole


_scalar = st.none() | st.integers(-1, 2) | st.sampled_from(["", "a", "{}", "function", "custom", "reasoning.text"])
_keys = st.sampled_from(
    ["index", "id", "name", "arguments", "function", "custom", "input", "type", "text", "data", "format", "url",
     "image_url", "url_citation", "extra_content", "google", "content", "logprob", "token", "thinking"]
)  # fmt: skip
_value = st.recursive(_scalar, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_keys, inner, max_size=4))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["content", "tool_calls", "reasoning_details", "reasoning", "audio", "images",
                             "annotations", "function_call", "refusal"]),
            _value,
            max_size=4,
        ),
        max_size=4,
    ),
    _value,
)  # fmt: skip
def test_whatever_a_vendor_puts_into_a_message_nothing_raises(deltas: list[dict[str, Any]], logprobs: Any) -> None:
    reader, tap, happened = FORMAT.reader(), FORMAT.tap, list[Event]()
    assert tap is not None
    listening = tap("m", True)
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs}
        raw = json.dumps({"choices": [choice]}).encode()
        for frame in frames(b"data: " + raw + b"\n\n"):
            happened += reader.feed(frame)
            listening.feed(frame)
        body = {"choices": [{"message": delta, "logprobs": logprobs, "finish_reason": "stop"}]}
        FORMAT.render_response(FORMAT.parse_response(json.dumps(body).encode()), asked())
    written("openai_chat", happened, USAGE)
    fold(happened)


def test_several_thoughts_and_signatures_keep_apart_in_a_stream() -> None:
    happened: list[Event] = [
        Delta("one", 0, "thinking"), Sign(Opaque("anthropic", "s1")), End(),
        Begin(Thinking(signature=Opaque("anthropic", "hidden"), redacted=True)), End(),
        Delta("two", 0, "thinking"), Sign(Opaque("anthropic", "s2")), End(),
        Delta("Yes."), Sign(Opaque("gemini", "s3")), Stop("stop"),
    ]  # fmt: skip
    expected = fold(happened).parts
    assert len(expected) == 4
    stream = written("openai_chat", happened, USAGE)
    assert fold(events("openai_chat", stream)).parts == expected
    body = FORMAT.render_response(fold(happened), asked()).body
    assert FORMAT.parse_response(body).parts == expected
    details = json.loads(body)["choices"][0]["message"]["reasoning_details"]
    assert [entry["index"] for entry in details] == [0, 1, 2, 3]
    deltas = [
        json.loads(frame.data)["choices"][0]["delta"] for frame in frames(stream) if b"reasoning_details" in frame.data
    ]
    assert [entry["index"] for delta in deltas for entry in delta["reasoning_details"]] == [0, 1, 2, 3]


def test_a_call_of_a_free_text_tool_at_the_very_end_is_not_held_back() -> None:
    writer = FORMAT.writer(Asked("m", 1, "r", fields={"tools": msgspec.Raw(CUSTOM.encode())}))
    happened: list[Event] = [Begin(ToolUse("1", "run")), Arguments('{"input":"a"}'), Stop("tools")]
    out = b"".join(writer.feed(event) for event in happened) + writer.end(USAGE)
    assert fold(events("openai_chat", out)).parts == (ToolUse("1", "run", "a", freeform=True),)


def test_of_allowed_tools_other_vendors_are_offered_only_those() -> None:
    tools, choice = (Tool("f"), Tool("g"), Tool("h")), ToolChoice("required", ("f", "h"))
    request = Request("deepseek-chat", (Message("user", (Text("Hi"),)),), tools=tools, tool_choice=choice)
    body = json.loads(FORMAT.render_request(request).body)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f", "h"] and body["tool_choice"] == "required"


def test_what_a_streamed_answer_loses_is_named_at_its_end() -> None:
    writer = FORMAT.writer(asked())
    happened: list[Event] = [
        Delta("a"),
        Cite(Citation(quote="b", document=0)),
        Begin(Block("gemini", "x", {})),
        Stop("stop"),
    ]
    for event in happened:
        writer.feed(event)
    writer.end(USAGE)
    assert set(writer.losses) == {"citations", "block"}
