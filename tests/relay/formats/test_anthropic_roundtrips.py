"""Whatever the neutral model can say in Claude's words survives them; whatever an upstream sends is survived."""

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
    Answer,
    Arguments,
    Begin,
    CacheMark,
    Choice,
    Citation,
    Delta,
    Document,
    End,
    Event,
    Further,
    Image,
    Message,
    Opaque,
    Part,
    Place,
    Reasoning,
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
    spoken,
)

FORMAT = FORMATS["anthropic"]
USAGE = Usage(Counts(50, 2, 7, 3), further=Further(cache_write_5m=20, cache_write_1h=10))

quick = settings(max_examples=50, deadline=None)
words = st.text(min_size=1, max_size=8)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
ids = st.from_regex(r"toolu_[a-zA-Z0-9]{1,8}", fullmatch=True)
states = st.from_regex(r"[A-Za-z0-9+/]{1,12}={0,2}", fullmatch=True)
arguments = st.dictionaries(words, st.integers(-9, 9) | words, max_size=2).map(
    lambda it: msgspec.json.encode(it).decode()
)
gemini = st.none() | st.builds(Opaque, st.just("gemini"), states)
places = st.builds(Place, st.sampled_from(("char", "page", "block")), st.integers(0, 3), st.integers(4, 9))
citations = st.builds(Citation, title=words, quote=words, document=st.integers(0, 3), place=places)
texts = st.builds(Text, words, st.lists(citations, max_size=2).map(tuple), signature=gemini)
own = st.builds(Opaque, st.just("anthropic"), states)
thoughts = (
    st.builds(Thinking, words)
    | st.builds(Thinking, words | st.just(""), own)
    | st.builds(Thinking, words, st.builds(Opaque, st.just("gemini"), states))
    | st.builds(Thinking, st.just(""), own, st.just(True))
    | st.builds(Thinking, words | st.just(""), st.builds(Opaque, st.just("openai"), states), id=names)
)
calls = st.builds(ToolUse, ids, names, arguments, signature=gemini)
parts = st.lists(texts | thoughts | calls, max_size=6).map(tuple)


def told(parts: tuple[Part, ...]) -> Choice:
    return Choice(0, parts, "tools" if any(isinstance(part, ToolUse) for part in parts) else "stop")


def compact(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """A call without arguments has an empty object in a whole answer, and nothing in a stream."""
    fitted = []
    for choice in choices:
        found = (
            msgspec.structs.replace(part, arguments=part.arguments or "{}") if isinstance(part, ToolUse) else part
            for part in choice.parts
        )
        fitted.append(msgspec.structs.replace(choice, parts=tuple(found)))
    return tuple(fitted)


@quick
@given(parts)
def test_an_answer_comes_back_from_the_caller_as_it_went(parts: tuple[Part, ...]) -> None:
    rendered = FORMAT.render_response(Answer("", "", (told(parts),), USAGE), asked())
    parsed = FORMAT.parse_response(rendered.body)
    assert parsed.choices == (told(parts),) and rendered.losses == ()
    assert parsed.usage is not None and msgspec.structs.replace(parsed.usage, raw=None) == USAGE


@quick
@given(parts)
def test_a_streamed_answer_is_the_whole_one(parts: tuple[Part, ...]) -> None:
    choice = told(parts)
    happened: list[Event] = [Start(), *(event for part in parts for event in (Begin(part), End()))]
    out = written("anthropic", [*happened, Stop(choice.stop or "stop")], USAGE)
    stream_text("anthropic", out)
    again = fold(events("anthropic", out))
    assert compact(again.choices) == compact((choice,))
    assert again.usage is not None and msgspec.structs.replace(again.usage, raw=None) == USAGE


@quick
@given(parts)
def test_a_conversation_comes_back_to_its_makers_with_all_their_state(parts: tuple[Part, ...]) -> None:
    """What a caller got is what it sends with its next turn."""
    body = FORMAT.render_response(Answer("", "", (told(parts),), USAGE), asked()).body
    turns = [{"role": "assistant", "content": json.loads(body)["content"]}, {"role": "user", "content": "Go on."}]
    sent = json.dumps({"model": "m", "max_tokens": 9, "messages": turns}).encode()
    said = Message("assistant", parts)
    assert FORMAT.parse_request(FORMAT.glance(sent, None, None)).messages == (said, Message("user", (Text("Go on."),)))


cache = st.none() | st.builds(CacheMark, st.sampled_from(("", "5m", "1h")))
bytes_of = [st.builds(Source, st.just("base64"), states, st.just(kind)) for kind in ("image/png", "application/pdf")]
files = st.builds(Source, st.just("file"), names, maker=st.just("anthropic"))
images = st.builds(
    Image, st.builds(Source, st.just("url"), st.just("https://example.com/a.png")) | bytes_of[0] | files, cache=cache
)
papers = (
    st.builds(Source, st.just("url"), st.just("https://example.com/a"), st.just("application/pdf"))
    | st.builds(Source, st.just("text"), words, st.just("text/plain"))
    | bytes_of[1]
    | files
)
documents = st.builds(Document, papers, title=words, context=words, cite=st.booleans(), cache=cache)
plain = st.builds(Text, names, cache=cache)
shown = st.one_of(plain, images, documents)
results = st.builds(ToolResult, ids, st.lists(shown, max_size=2).map(tuple), st.booleans(), cache=cache)
user_turns = st.builds(
    lambda first, then: Message("user", (*first, *then)),
    st.lists(results, max_size=2),
    st.lists(shown, min_size=1, max_size=3),
)
said = st.one_of(
    st.builds(Text, names, st.lists(citations, max_size=1).map(tuple), cache),
    st.builds(ToolUse, ids, names, arguments, cache=cache),
    st.builds(Thinking, words, own),
    st.builds(Thinking, st.just(""), own, st.just(True)),
)
model_turns = st.builds(Message, st.just("assistant"), st.lists(said, min_size=1, max_size=3).map(tuple))
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED: dict[str, Any] = {**SCHEMA, "additionalProperties": False}
tools = st.builds(Tool, names, words, st.none() | st.just(SCHEMA), cache=cache) | st.builds(
    Tool, names, words, st.just(CLOSED), st.just(True)
)
base: dict[str, Any] = {
    "messages": st.lists(st.tuples(user_turns, model_turns), max_size=2).flatmap(
        lambda turns: st.builds(lambda last: (*(turn for pair in turns for turn in pair), last), user_turns)
    ),
    "system": st.lists(plain, max_size=2).map(tuple),
    "stream": st.booleans(),
    "stop": st.lists(names, max_size=2).map(tuple),
    "tools": st.lists(tools, min_size=1, max_size=2).map(tuple),
    "user": st.none() | words,
    "service_tier": st.sampled_from((None, "auto", "default")),
    "cache": cache,
}
requests = st.one_of(
    st.builds(
        Request,
        st.just("claude-sonnet-4-5"),
        **base,
        max_tokens=st.integers(1, 10_000),
        temperature=st.none() | st.floats(0, 1),
        top_k=st.none() | st.integers(1, 9),
        tool_choice=st.builds(ToolChoice, st.sampled_from(("auto", "required"))),
        parallel_tools=st.none() | st.just(False),
        shape=st.none() | st.just(Shape("schema", CLOSED, strict=True)),
        reasoning=st.none() | st.just(Reasoning("none")),
    ),
    st.builds(
        Request,
        st.just("claude-opus-5-5"),
        **base,
        max_tokens=st.integers(1, 10_000),
        tool_choice=st.none() | st.just(ToolChoice("auto")),
        reasoning=st.builds(
            Reasoning, st.sampled_from((None, "low", "max")), summary=st.sampled_from((None, "none", "auto"))
        ),
    ),
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


@quick
@given(arguments, arguments, st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=20))
def test_arguments_that_an_upstream_mixes_reach_their_calls(one: str, two: str, order: list[tuple[bool, int]]) -> None:
    left = [one, two]
    happened: list[Event] = [Start(), Begin(ToolUse("call_a", "f")), Begin(ToolUse("call_b", "g"))]
    for first, size in [*order, (True, 99), (False, 99)]:
        at = 0 if first else 1
        if left[at]:
            happened.append(Arguments(left[at][:size], at))
            left[at] = left[at][size:]
    writer = FORMAT.writer(asked())
    out = b"".join(writer.feed(event) for event in [*happened, Stop("tools")]) + writer.end(USAGE)
    stream_text("anthropic", out)
    assert fold(events("anthropic", out)).parts == (ToolUse("call_a", "f", one), ToolUse("call_b", "g", two))
    assert writer.losses == {}


@quick
@given(st.lists(st.sampled_from(("text", "refusal", "thinking")), max_size=6))
def test_deltas_without_beginnings_and_ends_are_told_apart(kinds: list[Any]) -> None:
    happened: list[Event] = [Delta(f"{at} ", 0, kind) for at, kind in enumerate(kinds)]
    out = written("anthropic", happened, USAGE)
    stream_text("anthropic", out)
    again, expected = fold(events("anthropic", out)).parts, fold(happened).parts
    assert spoken(again) == spoken(expected)
    assert [part for part in again if isinstance(part, Thinking)] == [
        part for part in expected if isinstance(part, Thinking)
    ]
