"""Whatever the neutral model can say in Responses' words survives them; whatever an upstream sends is survived."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from golden_cases import asked, events, frames, written
from hypothesis import given, settings
from hypothesis import strategies as st
from official_clients import stream_text

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Garbage
from relay.neutral import (
    EFFORTS,
    Answer,
    Arguments,
    Audio,
    Begin,
    Choice,
    Citation,
    Delta,
    Document,
    End,
    Event,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Shape,
    Source,
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

FORMAT = FORMATS["openai_responses"]
USAGE = Usage(Counts(5, 2, 7, 3))

quick = settings(max_examples=50, deadline=None)
words = st.text(min_size=1, max_size=8)
ids = st.from_regex(r"call_[a-zA-Z0-9]{1,8}", fullmatch=True)
states = st.from_regex(r"[A-Za-z0-9+/]{1,12}={0,2}", fullmatch=True)
arguments = st.dictionaries(words, st.integers() | words, max_size=2).map(json.dumps)
gemini = st.none() | st.builds(Opaque, st.just("gemini"), states)
citations = st.lists(st.builds(Citation, url=words, title=words, start=st.just(0), end=st.just(1)), max_size=1)
texts = st.builds(Text, words, citations.map(tuple))
pictures = st.builds(Image, st.builds(Source, st.just("base64"), states, st.just("image/png")))
thoughts = (
    st.builds(Thinking, words)
    | st.builds(Thinking, words, st.builds(Opaque, st.sampled_from(("anthropic", "gemini")), states))
    | st.builds(Thinking, st.just(""), st.builds(Opaque, st.just("anthropic"), states), st.just(True))
    | st.builds(Thinking, words | st.just(""), st.builds(Opaque, st.just("openai"), states), id=ids)
)
calls = st.builds(ToolUse, ids, words, arguments, signature=gemini) | st.builds(
    ToolUse, ids, words, words, st.just(True)
)
signed = st.builds(lambda part, state: msgspec.structs.replace(part, signature=state), texts | pictures, gemini)
parts = st.lists(signed | thoughts | calls | st.builds(Refusal, words), max_size=6).map(tuple)


def told(parts: tuple[Part, ...]) -> Answer:
    stop = "tools" if any(isinstance(part, ToolUse) for part in parts) else "stop"
    if stop == "stop" and any(isinstance(part, Refusal) for part in parts):
        stop = "refusal"
    return Answer("", "", (msgspec.convert({"index": 0, "stop": stop}, Choice),), USAGE)


@quick
@given(parts)
def test_an_answer_comes_back_from_the_caller_as_it_went(parts: tuple[Part, ...]) -> None:
    choice = msgspec.structs.replace(told(parts).choices[0], parts=parts)
    body = FORMAT.render_response(Answer("", "", (choice,), USAGE), asked()).body
    assert FORMAT.parse_response(body).choices == (choice,)
    output = json.loads(body)["output"]
    made = [item["id"] for item in output if "req1" in item["id"]]
    assert len(set(made)) == len(made)


@quick
@given(parts)
def test_a_streamed_answer_is_the_whole_one(parts: tuple[Part, ...]) -> None:
    choice = msgspec.structs.replace(told(parts).choices[0], parts=parts)
    happened: list[Event] = [Start(), *(event for part in parts for event in (Begin(part), End()))]
    out = written("openai_responses", [*happened, Stop(choice.stop or "stop")], USAGE)
    stream_text("openai_responses", out)
    assert fold(events("openai_responses", out)).choices == (choice,)
    last = json.loads(frames(out)[-1].data)["response"]
    whole = json.loads(FORMAT.render_response(Answer("", "", (choice,), USAGE), asked()).body)
    assert last == whole


@quick
@given(parts, st.data())
def test_a_conversation_comes_back_to_its_makers_with_all_their_state(
    parts: tuple[Part, ...], data: st.DataObject
) -> None:
    """What a caller got is what it sends with its next turn."""
    body = FORMAT.render_response(Answer("", "", (Choice(0, parts),), USAGE), asked()).body
    output = json.loads(body)["output"]
    for item in output:
        if data.draw(st.booleans()):
            item.pop("id" if item["type"] in ("message", "function_call") else "status", None)
    sent = json.dumps({"model": "m", "input": [*output, {"role": "user", "content": "Go on."}]}).encode()
    turns = FORMAT.parse_request(FORMAT.glance(sent, None, None)).messages
    expected = tuple(msgspec.structs.replace(part, citations=()) if isinstance(part, Text) else part for part in parts)
    assert turns == ((Message("assistant", expected),) if parts else ()) + (Message("user", (Text("Go on."),)),)


sources = (
    st.builds(Source, st.just("url"), st.just("https://example.com/a.png"))
    | st.builds(Source, st.just("base64"), states, st.just("image/png"))
    | st.builds(Source, st.just("file"), ids, maker=st.just("openai"))
)
asked_parts = st.one_of(
    st.builds(Text, words),
    st.builds(Image, sources, st.sampled_from(("", "low", "high"))),
    st.builds(Audio, st.builds(Source, st.just("base64"), states, st.just("audio/wav")), st.just("wav")),
    st.builds(Document, st.builds(Source, st.just("base64"), states, st.just("application/pdf")), words),
)
given_back = st.lists(st.builds(Text, words) | st.builds(Image, sources), min_size=1, max_size=2)
results = st.lists(st.builds(ToolResult, ids, given_back.map(tuple)), min_size=1, max_size=2).map(
    lambda parts: Message("user", tuple(parts))
)
user_turns = st.builds(Message, st.just("user"), st.lists(asked_parts, min_size=1, max_size=3).map(tuple))
model_turns = st.builds(
    Message,
    st.just("assistant"),
    st.lists(
        st.builds(Text, words)
        | st.builds(ToolUse, ids, words, arguments)
        | st.builds(Thinking, words, st.builds(Opaque, st.just("openai"), states), id=ids)
        | st.builds(Refusal, words),
        min_size=1,
        max_size=3,
    ).map(tuple),
)
tools = st.builds(Tool, words, words, st.none() | st.just({"type": "object"}), st.none() | st.just(True))
requests = st.builds(
    Request,
    st.just("gpt-4o"),
    st.lists(st.tuples(user_turns | results, model_turns), max_size=2).flatmap(
        lambda turns: st.builds(lambda last: (*(turn for pair in turns for turn in pair), last), user_turns)
    ),
    st.lists(st.builds(Text, words), max_size=1).map(tuple),
    stream=st.booleans(),
    max_tokens=st.none() | st.integers(16, 1000),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    tools=st.lists(tools, min_size=1, max_size=2).map(tuple),
    tool_choice=st.none() | st.builds(ToolChoice, st.sampled_from(("auto", "none", "required"))),
    parallel_tools=st.none() | st.booleans(),
    shape=st.none() | st.just(Shape("object")) | st.builds(Shape, st.just("schema"), st.just({"a": 1}), words),
    verbosity=st.none() | st.just("low"),
    reasoning=st.none() | st.builds(Reasoning, st.sampled_from(EFFORTS), summary=st.none()),
    user=st.none() | words,
    metadata=st.none() | st.dictionaries(words, words, max_size=2),
    service_tier=st.none() | st.just("flex"),
    cache_key=st.none() | words,
)


@quick
@given(requests)
def test_a_request_comes_back_from_the_vendor_as_it_went(request: Request) -> None:
    rendered = FORMAT.render_request(request)
    assert rendered.losses == ()
    assert FORMAT.parse_request(FORMAT.glance(rendered.body, None, None)) == request


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KINDS = ("message", "function_call", "custom_tool_call", "reasoning", "web_search_call", "image_generation_call", "x")
NAMES = (
    "response.created", "response.in_progress", "response.completed", "response.incomplete", "response.failed", "error",
    "response.output_item.added", "response.output_item.done", "response.content_part.added",
    "response.output_text.delta", "response.output_text.done", "response.output_text.annotation.added",
    "response.refusal.delta", "response.reasoning_summary_text.delta", "response.reasoning_text.delta",
    "response.function_call_arguments.delta", "response.function_call_arguments.done", "response.audio.delta",
    "response.custom_tool_call_input.delta", "response.audio.transcript.delta", "response.later.delta", "", 5,
)  # fmt: skip
contents = st.dictionaries(
    st.sampled_from(("type", "text", "refusal", "annotations", "logprobs")), words | junk, max_size=3
)
items = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS) | junk},
    optional={
        **dict.fromkeys(("id", "call_id", "name", "arguments", "input", "encrypted_content", "result"), words | junk),
        **dict.fromkeys(("content", "summary"), junk | st.lists(contents, max_size=2)),
    },
)  # fmt: skip
responses = st.fixed_dictionaries(
    {}, optional={"output": junk | st.lists(items, max_size=2), "usage": junk, "status": words | junk, "error": junk,
                  "model": junk, "id": junk, "incomplete_details": junk, "tool_usage": junk, "service_tier": junk},
)  # fmt: skip
wild = st.fixed_dictionaries(
    {"type": st.sampled_from(NAMES)},
    optional={
        **dict.fromkeys(
            ("output_index", "content_index", "summary_index", "sequence_number"), st.integers(0, 2) | junk
        ),
        **dict.fromkeys(("delta", "text", "arguments", "item_id"), words | junk),
        **dict.fromkeys(("annotation", "logprobs", "part"), junk),
        "item": items | junk,
        "response": responses | junk,
    },
)


@quick
@given(st.lists(wild, max_size=8))
def test_whatever_events_come_the_caller_gets_a_stream_of_the_right_form(sent: list[dict[str, Any]]) -> None:
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in sent)
    happened = [event for event in events("openai_responses", stream) if type(event).__name__ != "StreamError"]
    fold(happened)
    for name in FORMATS:
        writer = FORMATS[name].writer(asked())
        assert b"".join(writer.feed(event) for event in happened) + writer.end(USAGE)
    out = written("openai_responses", happened, USAGE)
    found = [json.loads(frame.data) for frame in frames(out)]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert found[-1]["type"] in ("response.completed", "response.incomplete")


@quick
@given(st.lists(wild, max_size=8))
def test_whatever_events_pass_nothing_raises_and_no_name_shows(sent: list[dict[str, Any]]) -> None:
    assert FORMAT.tap is not None
    tap = FORMAT.tap("asked", True)
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in sent)
    out = b"".join(tap.feed(frame) for frame in frames(stream))
    for frame in frames(out + tap.end(USAGE)):
        response = json.loads(frame.data).get("response")
        if isinstance(response, dict) and response.get("model") is not None:
            assert response["model"] == "asked"
    assert json.loads(frames(tap.fail(Problem(502, "x", "Broken.")))[-1].data)["message"] == "Broken."


@quick
@given(responses)
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


@quick
@given(st.lists(st.tuples(st.integers(0, 1), words), max_size=6))
def test_arguments_that_an_upstream_mixes_reach_their_calls(pieces: list[tuple[int, str]]) -> None:
    happened: list[Event] = [Start(), Begin(ToolUse("call_a", "f")), Begin(ToolUse("call_b", "g"))]
    happened += [Arguments(text, call) for call, text in pieces]
    out = written("openai_responses", [*happened, Stop("tools")], USAGE)
    whole = tuple("".join(text for call, text in pieces if call == at) or "{}" for at in (0, 1))
    found = fold(events("openai_responses", out)).parts
    assert found == (ToolUse("call_a", "f", whole[0]), ToolUse("call_b", "g", whole[1]))


@quick
@given(st.lists(st.sampled_from(("text", "refusal", "thinking")), max_size=6))
def test_deltas_without_beginnings_and_ends_are_told_apart(kinds: list[Any]) -> None:
    happened: list[Event] = [Delta(f"{at} ", 0, kind) for at, kind in enumerate(kinds)]
    out = written("openai_responses", happened, USAGE)
    stream_text("openai_responses", out)
    assert fold(events("openai_responses", out)).parts == fold(happened).parts
