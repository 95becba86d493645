"""Whatever the neutral model can say in Claude's words survives them, there and back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from claude_values import FORMAT, USAGE, arguments, parts, quick, requests
from golden_cases import asked, events, written
from hypothesis import given
from hypothesis import strategies as st
from official_clients import stream_text, takes_request

from relay.neutral import (
    Answer,
    Arguments,
    Begin,
    Choice,
    Delta,
    End,
    Event,
    Message,
    Part,
    Request,
    Start,
    Stop,
    Text,
    Thinking,
    ToolUse,
    fold,
    spoken,
)


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


@quick
@given(requests)
def test_a_request_comes_back_from_the_vendor_as_it_went(request: Request) -> None:
    rendered = FORMAT.render_request(request)
    assert rendered.losses == () and takes_request("anthropic", rendered.body)
    assert FORMAT.parse_request(FORMAT.glance(rendered.body, None, None)) == request


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
