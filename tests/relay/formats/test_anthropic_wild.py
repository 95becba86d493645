"""Requests of any make, and upstreams of any behaviour: what becomes of them has the right form."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from claude_values import (
    FORMAT,
    SCHEMA,
    USAGE,
    arguments,
    base,
    gemini,
    ids,
    names,
    quick,
    results,
    said,
    shown,
    states,
    tools,
    words,
)
from golden_cases import asked, events, frames, written
from hypothesis import given, settings
from hypothesis import strategies as st
from official_clients import takes_request

from openopen8.core.errors import Problem
from relay.formats import FORMATS
from relay.formats.format import Garbage
from relay.neutral import (
    EFFORTS,
    Audio,
    Block,
    CacheMark,
    Citation,
    Document,
    Image,
    Message,
    Reasoning,
    Refusal,
    Request,
    Shape,
    Source,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    fold,
    spoken,
)

MODELS = (
    "claude-3-haiku-20240307",
    "claude-sonnet-4-5",
    "claude-opus-4-6",
    "claude-opus-4-8",
    "claude-sonnet-5-5",
    "m",
)
foreign = st.one_of(
    shown,
    results,
    said,
    st.builds(ToolUse, words, names, words, st.booleans(), gemini),
    st.builds(Refusal, words),
    st.builds(Thinking, words, gemini),
    st.builds(Text, words, st.just((Citation("https://example.com/", "x"),)), signature=gemini),
    st.builds(Audio, st.none(), st.just(""), words, words),
    st.builds(Document, st.builds(Source, st.just("base64"), states, st.just("text/csv")), words),
    st.builds(Image, st.builds(Source, st.just("file"), words, maker=st.sampled_from(("openai", "anthropic")))),
    st.builds(Block, st.just("anthropic"), st.just("search_result"), st.just({"type": "search_result", "content": [],
                                                                              "source": "s", "title": "t"})),
)  # fmt: skip
wild_requests = st.builds(
    Request,
    st.sampled_from(MODELS),
    st.lists(
        st.builds(
            Message,
            st.sampled_from(("user", "assistant", "system")),
            st.lists(foreign, max_size=3).map(tuple),
            st.just("") | words,
        ).filter(lambda turn: turn.role != "system" or all(isinstance(part, Text) for part in turn.parts)),
        min_size=1,
        max_size=4,
    ).map(tuple),
    base["system"],
    max_tokens=st.none() | st.integers(1, 50_000),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(1, 9),
    stop=st.lists(words, max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 9),
    tools=st.lists(tools | st.builds(Tool, names, words, freeform=st.just(True)), max_size=2).map(tuple),
    tool_choice=st.none()
    | st.builds(ToolChoice, st.sampled_from(("auto", "none", "required")), st.lists(names, max_size=1).map(tuple))
    | st.builds(ToolChoice, st.just("named"), names.map(lambda name: (name,))),
    parallel_tools=st.none() | st.booleans(),
    shape=st.none() | st.just(Shape("object")) | st.just(Shape("schema", SCHEMA, "n", "d")),
    reasoning=st.none()
    | st.builds(
        Reasoning,
        st.sampled_from((None, *EFFORTS)),
        st.none() | st.integers(0, 90_000),
        st.sampled_from((None, "none", "auto", "detailed")),
    ),
    user=st.none() | words,
    safety_id=st.none() | words,
    service_tier=st.sampled_from((None, "auto", "default", "flex", "priority")),
    cache=st.none() | st.builds(CacheMark, st.sampled_from(("", "1h", "24h"))),
)


@settings(max_examples=150, deadline=None)
@given(wild_requests)
def test_whatever_is_asked_is_refused_or_reaches_claude_in_a_form_that_it_takes(request: Request) -> None:
    try:
        body = FORMAT.render_request(request).body
    except Problem as problem:
        assert problem.status == 400
        return
    assert takes_request("anthropic", body)
    value = json.loads(body)
    if value["messages"]:
        FORMAT.parse_request(FORMAT.glance(body, None, None))
    thinking = value.get("thinking", {"type": "disabled"})
    assert thinking.get("budget_tokens", 1_024) >= 1_024 and thinking.get("budget_tokens", 0) < value["max_tokens"]
    if thinking["type"] in ("enabled", "adaptive"):
        assert value.get("tool_choice", {}).get("type") not in ("any", "tool") and "temperature" not in value
    for turn in value["messages"]:
        assert turn["content"] and all(block.get("text", "x").strip() for block in turn["content"][:-1])
    roles = [turn["role"] for turn in value["messages"]]
    assert all(before == "user" for before, role in zip(["", *roles], roles, strict=False) if role == "system")


def gist(request: Request) -> list[tuple[str, str, tuple[Any, ...], tuple[Any, ...]]]:
    """Who says what, calls what, and got what, turn by turn."""
    turns: list[tuple[str, str, tuple[Any, ...], tuple[Any, ...]]] = []
    for turn in (Message("system", request.system), *request.messages):
        told = "".join(part.text for part in turn.parts if isinstance(part, Text))
        called = tuple((part.id, part.name, part.arguments) for part in turn.parts if isinstance(part, ToolUse))
        got = tuple((part.id, spoken(part.parts)) for part in turn.parts if isinstance(part, ToolResult))
        if turns and turns[-1][0] == turn.role:
            role, before, calls, gave = turns.pop()
            turns.append((role, before + told, calls + called, gave + got))
        else:
            turns.append((turn.role, told, called, got))
    return turns


simple_turns = st.lists(
    st.tuples(
        st.builds(
            lambda results, text: Message("user", (*results, Text(text))),
            st.lists(st.builds(ToolResult, ids, names.map(lambda text: (Text(text),)), st.booleans()), max_size=2),
            names,
        ),
        st.lists(
            st.builds(Text, names) | st.builds(ToolUse, ids, names, arguments) | st.builds(Thinking, words), min_size=1
        ).map(lambda parts: Message("assistant", tuple(parts))),
    ),
    max_size=3,
).map(lambda pairs: (*(turn for pair in pairs for turn in pair), Message("user", (Text("Go on."),))))


@pytest.mark.parametrize(("other", "model"), [("openai_chat", "deepseek-chat"), ("openai_responses", "gpt-5")])
@quick
@given(
    simple_turns,
    st.lists(st.builds(Text, names), max_size=1).map(tuple),
    st.lists(tools, min_size=1, max_size=2).map(tuple),
)
def test_what_is_said_called_and_given_survives_the_way_into_another_format_and_back(
    other: str, model: str, messages: tuple[Message, ...], system: tuple[Text, ...], offered: tuple[Any, ...]
) -> None:
    asked_for = Request("claude-sonnet-4-5", messages, system, max_tokens=900, tools=offered)
    body = FORMAT.render_request(asked_for).body
    ours = msgspec.structs.replace(FORMAT.parse_request(FORMAT.glance(body, None, None)), model=model)
    sent = FORMATS[other].render_request(ours)
    theirs = FORMATS[other].parse_request(FORMATS[other].glance(sent.body, None, None))
    back = FORMAT.render_request(msgspec.structs.replace(theirs, model="claude-sonnet-4-5")).body
    again = FORMAT.parse_request(FORMAT.glance(back, None, None))
    assert gist(again) == gist(theirs) == gist(ours)
    assert [tool.name for tool in again.tools] == [tool.name for tool in offered]
    errors = any(part.is_error for turn in messages for part in turn.parts if isinstance(part, ToolResult))
    assert ("is_error" in sent.losses) == errors


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
BLOCKS = ("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "web_search_tool_result", "later")
DELTAS = ("text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta", "later_delta")
KINDS = ("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
         "message_stop", "ping", "error", "later", "", 5)  # fmt: skip
FIELDS = ("text", "thinking", "signature", "partial_json", "citation", "citations", "data", "name", "id", "input",
          "stop_reason", "stop_sequence", "stop_details")  # fmt: skip
NEVER = st.sampled_from(("oo8.thoughts.", "oo8.thoughts.e30=", "oo8.gemini.", "oo8.", "end_turn"))
blocks = st.fixed_dictionaries(
    {"type": st.sampled_from(BLOCKS) | junk}, optional=dict.fromkeys(FIELDS, words | NEVER | junk)
)
deltas = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(DELTAS), **dict.fromkeys(FIELDS, words | NEVER | junk)}
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "content": junk | st.lists(blocks, max_size=3),
        "usage": junk | st.dictionaries(st.sampled_from(("input_tokens", "output_tokens", "iterations")), junk),
        **dict.fromkeys(("model", "id", "stop_reason", "stop_details", "error", "type"), junk),
    },
)
wild = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        "index": st.integers(0, 2) | junk,
        "content_block": blocks | junk,
        "delta": deltas | junk,
        "message": answers | junk,
        "usage": junk | st.just({"output_tokens": 5}),
    },
)


@quick
@given(st.lists(wild, max_size=8))
def test_whatever_events_come_the_caller_gets_a_stream_of_the_right_form(sent: list[dict[str, Any]]) -> None:
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in sent)
    happened = [event for event in events("anthropic", stream) if type(event).__name__ != "StreamError"]
    fold(happened)
    for name in FORMATS:
        writer = FORMATS[name].writer(asked())
        assert b"".join(writer.feed(event) for event in happened) + writer.end(USAGE)
    found = [json.loads(frame.data) for frame in frames(written("anthropic", happened, USAGE))]
    assert [found[0]["type"], found[-1]["type"]] == ["message_start", "message_stop"]
    begun = [event["index"] for event in found if event["type"] == "content_block_start"]
    ended = [event["index"] for event in found if event["type"] == "content_block_stop"]
    assert begun == ended == list(range(len(begun)))


@quick
@given(st.lists(wild, max_size=8))
def test_whatever_events_pass_nothing_raises_and_no_name_shows(sent: list[dict[str, Any]]) -> None:
    assert FORMAT.tap is not None
    tap = FORMAT.tap("asked", True)
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in sent)
    out = b"".join(tap.feed(frame) for frame in frames(stream))
    for frame in frames(out + tap.end(USAGE)):
        value = json.loads(frame.data)
        if value["type"] == "message_start" and isinstance(value.get("message"), dict):
            assert value["message"].get("model") in ("asked", None)
    assert json.loads(frames(tap.fail(Problem(502, "x", "Broken.")))[-1].data)["error"]["message"] == "Broken."


@quick
@given(answers)
def test_whatever_an_answer_holds_it_is_an_answer_or_garbage(body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    assert FORMAT.survey is not None and FORMAT.patch_response is not None
    FORMAT.survey(raw)
    FORMAT.patch_response(raw, "asked")
    try:
        answer = FORMAT.parse_response(raw)
    except Garbage:
        return
    for name in FORMATS:
        FORMATS[name].render_response(answer, asked())
