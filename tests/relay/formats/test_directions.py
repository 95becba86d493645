"""Random requests from callers of each format to providers of each other: kept, or reported as lost; never made up."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from golden_cases import MODELS, NAMES, asked, events, written
from hypothesis import given, settings
from hypothesis import strategies as st

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.neutral import (
    Answer,
    Choice,
    End,
    Event,
    Image,
    Message,
    Opaque,
    Part,
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
    UsageReport,
    fold,
    spoken,
)
from relay.neutral import Begin as BeginEvent

MORE = os.environ.get("OO8_FUZZ_EXAMPLES")
quick = settings(max_examples=int(MORE or 15), deadline=None, derandomize=not MORE)
"""The same ones each time, but for those who ask for more."""
PAIRS = [(source, target) for source in NAMES for target in NAMES if source != target]

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
arguments = st.dictionaries(names, st.integers(-9, 9) | words | st.booleans(), max_size=2).map(
    lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
)
pictures = st.builds(Image, st.just(Source("base64", "iVBORw0KGgo=", "image/png")))
schema = st.sampled_from(
    ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
     {"type": "object", "properties": {"b": {"type": "array", "items": {"type": "integer"}}}})
)  # fmt: skip
tools = st.lists(st.builds(Tool, names, words | st.just(""), schema), max_size=2, unique_by=lambda tool: tool.name)


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """Whole turns, results after their calls."""
    found: list[Message] = []
    for at in range(draw(st.integers(0, 2))):
        asking = draw(st.lists(st.builds(Text, words) | pictures, min_size=1, max_size=2))
        found.append(Message("user", tuple(asking)))
        count = draw(st.integers(0, 2))
        calls = tuple(ToolUse(f"call_{at}{nth}", draw(names), draw(arguments)) for nth in range(count))
        said: tuple[Part, ...] = tuple(draw(st.lists(st.builds(Text, words), min_size=not calls, max_size=1)))
        found.append(Message("assistant", (*said, *calls)))
        if calls:
            results = (ToolResult(call.id, (Text(draw(words)),), draw(st.booleans())) for call in calls)
            found.append(Message("user", tuple(results)))
    return (*found, Message("user", (Text(draw(words)),)))


requests = st.builds(
    Request,
    st.just("m"),
    turns(),
    st.lists(st.builds(Text, words), max_size=1).map(tuple),
    max_tokens=st.none() | st.integers(16, 9_000),
    temperature=st.none() | st.sampled_from((0.0, 0.5, 1.0, 1.5)),
    top_p=st.none() | st.sampled_from((0.5, 1.0)),
    top_k=st.none() | st.integers(1, 40),
    stop=st.lists(words, max_size=2).map(tuple),
    n=st.sampled_from((1, 1, 2)),
    seed=st.none() | st.integers(0, 9),
    presence_penalty=st.none() | st.sampled_from((0.5, -1.0)),
    frequency_penalty=st.none() | st.just(0.5),
    tools=tools.map(tuple),
    tool_choice=st.none() | st.builds(ToolChoice, st.sampled_from(("auto", "none", "required"))),
    parallel_tools=st.none() | st.booleans(),
    shape=st.none() | st.builds(Shape, st.just("schema"), schema, st.just("person")),
    reasoning=st.none() | st.builds(Reasoning, st.sampled_from(("none", "low", "high"))),
    user=st.none() | names,
    metadata=st.none() | st.dictionaries(names, names, min_size=1, max_size=1),
    service_tier=st.none() | st.sampled_from(("flex", "priority")),
    store=st.none() | st.just(True),
    stream=st.booleans(),
)

REPORTED = {
    "max_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
    "presence_penalty": "presence_penalty", "frequency_penalty": "frequency_penalty",
    "parallel_tools": "parallel_tool", "shape": "response_format", "reasoning": "reasoning", "user": "user",
    "metadata": "metadata", "service_tier": "service_tier", "store": "store", "tool_choice": "tool_choice",
}  # fmt: skip
"""Options, and the beginning of the name under which each is reported where it is lost or changed."""

DEFAULTS = {("anthropic", "max_tokens"), ("anthropic", "reasoning")}
"""What a provider has to be told though the caller said nothing: Claude wants a limit."""


def through(name: str, request: Request) -> tuple[Request, set[str]]:
    """The request as it reads after it was written in a format, and what was reported."""
    rendered = FORMATS[name].render_request(request)
    again = FORMATS[name].parse_request(FORMATS[name].glance(rendered.body, request.model, request.stream))
    return again, {*rendered.losses, *again.losses}


def said(request: Request) -> list[tuple[str, tuple[Any, ...]]]:
    """Who says, calls and gives what."""
    turns: list[tuple[str, tuple[Any, ...]]] = []
    for turn in (Message("system", request.system), *request.messages):
        told = tuple(_told(turn.parts))
        if turns and turns[-1][0] == turn.role:
            turns[-1] = (turn.role, _joined(turns[-1][1] + told))
        elif told:
            turns.append((turn.role, _joined(told)))
    return turns


def _told(parts: tuple[Part, ...]) -> Iterator[Any]:
    for part in parts:
        if isinstance(part, Text):
            yield part.text
        elif isinstance(part, ToolUse):
            yield part.id, part.name, json.loads(part.arguments or "{}")
        elif isinstance(part, ToolResult):
            yield part.id, spoken(part.parts)
        elif isinstance(part, Image):
            yield "image", part.source.value


def _joined(told: tuple[Any, ...]) -> tuple[Any, ...]:
    """Texts in a row are one, whatever joins them."""
    out: list[Any] = []
    for one in told:
        if isinstance(one, str) and out and isinstance(out[-1], str):
            out[-1] += one
        else:
            out.append(one)
    return tuple("".join(one.split()) if isinstance(one, str) else one for one in out)


@pytest.mark.parametrize(("source", "target"), PAIRS)
@quick
@given(request=requests)
def test_a_request_is_kept_or_reported_and_nothing_is_made_up(source: str, target: str, request: Request) -> None:
    try:
        ours, _ = through(source, msgspec.structs.replace(request, model=MODELS[source]))
        theirs, lost = through(target, msgspec.structs.replace(ours, model=MODELS[target]))
    except Problem as problem:
        assert problem.status == 400 and problem.param
        return
    assert said(theirs) == said(ours)
    if ours.tools or target != "anthropic":  # Claude has to be told tools that were called before
        assert [tool.name for tool in theirs.tools] == [tool.name for tool in ours.tools]
    errors = [part.is_error for turn in ours.messages for part in turn.parts if isinstance(part, ToolResult)]
    kept = [part.is_error for turn in theirs.messages for part in turn.parts if isinstance(part, ToolResult)]
    assert kept == errors or "is_error" in lost
    if theirs.n != ours.n or theirs.stop != ours.stop:
        raise AssertionError("what would change the meaning is refused")
    for field, name in REPORTED.items():
        given, got = _plain(field, getattr(ours, field)), _plain(field, getattr(theirs, field))
        if given == got or (given is None and (target, field) in DEFAULTS):
            continue
        none = not ours.tools or ours.tool_choice == ToolChoice("none")
        if (none and field == "parallel_tools") or (not ours.tools and field == "tool_choice"):
            continue
        assert given is not None, f"{field} was made up: {got}"
        assert any(loss.startswith(name) for loss in lost), (field, given, got, lost)


def _plain(field: str, value: Any) -> Any:
    """What counts of an option: thinking or not, a schema or not; 1 is how everybody samples unasked."""
    if field in ("temperature", "top_p"):
        return None if value == 1 else value
    if field == "reasoning":
        return None if value is None else not value.off
    if field == "shape":
        return None if value is None else value.kind
    if field in ("tool_choice", "parallel_tools", "service_tier"):
        return None if value in (None, "auto", "default", ToolChoice("auto")) or value is True else value
    return value


own = {"anthropic": "anthropic", "gemini": "gemini", "openai_chat": "gemini", "openai_responses": "openai"}


@st.composite
def answers(draw: st.DrawFn, source: str) -> tuple[Part, ...]:
    """Thoughts, words and calls of a provider, signed by it."""
    state = Opaque(own[source], draw(st.from_regex(r"[A-Za-z0-9+/]{8}", fullmatch=True)))
    parts: list[Part] = []
    if draw(st.booleans()):
        parts.append(Thinking(draw(words), state if own[source] != "gemini" else None))
    parts += draw(st.lists(st.builds(Text, words), max_size=1))
    for nth in range(draw(st.integers(0 if parts else 1, 2))):
        signed = state if own[source] == "gemini" and not nth else None
        parts.append(ToolUse(f"call_{nth}", draw(names), draw(arguments), signature=signed))
    return tuple(parts)


@pytest.mark.parametrize(("source", "target"), PAIRS)
@quick
@given(data=st.data())
def test_an_answer_reaches_every_caller_and_its_state_comes_back(source: str, target: str, data: st.DataObject) -> None:
    """Whole and streamed alike, with the counts of the provider."""
    parts = data.draw(answers(source))
    usage = Usage(Counts(data.draw(st.integers(1, 99)), data.draw(st.integers(0, 9)), data.draw(st.integers(1, 99))))
    stop = "tools" if any(isinstance(part, ToolUse) for part in parts) else "stop"
    first = FORMATS[source].render_response(Answer("a", "up", (Choice(0, parts, stop),), usage), asked())
    given = FORMATS[source].parse_response(first.body)
    rendered = FORMATS[target].render_response(given, asked())
    whole = FORMATS[target].parse_response(rendered.body)
    happened: list[Event] = [Start("a", "up")]
    for part in given.parts:
        happened += (BeginEvent(part), End())
    happened += (Stop(stop), UsageReport(usage))
    streamed = fold(events(target, written(target, happened, usage)))
    for got in (whole, streamed):
        assert not rendered.losses
        assert list(_told(got.parts)) == list(_told(given.parts)) and got.choices[0].stop == stop
        assert _states(got.parts) == _states(given.parts)
        assert got.usage is not None and got.usage.counts == usage.counts


def _states(parts: tuple[Part, ...]) -> list[Opaque]:
    return [part.signature for part in parts if isinstance(part, Thinking | ToolUse) and part.signature]
