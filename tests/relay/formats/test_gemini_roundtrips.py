"""Whatever the neutral model can say in Gemini's words survives them; whatever an upstream sends is survived."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
from golden_cases import asked, canonical, events, frames, written
from google_requests import takes_request
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
    Video,
    Voice,
    fold,
)

FORMAT = FORMATS["gemini"]
USAGE = Usage(Counts(5, 2, 7, 3))

VOICE = Voice("pcm16", "Kore")

quick = settings(max_examples=60, deadline=None)
words = st.text(min_size=1, max_size=8)
ids = st.from_regex(r"call_[a-zA-Z0-9]{1,8}", fullmatch=True)
states = st.from_regex(r"(?:[A-Za-z0-9+/]{4}){1,4}", fullmatch=True)
arguments = st.dictionaries(words, st.integers(0, 9) | words, max_size=2).map(lambda value: msgspec.json.encode(value))
gemini = st.none() | st.builds(Opaque, st.just("gemini"), states)
citations = st.lists(st.builds(Citation, url=words, title=words, start=st.just(0), end=st.just(1)), max_size=1)
texts = st.builds(Text, words, citations.map(tuple))
pictures = st.builds(Image, st.builds(Source, st.just("base64"), states, st.just("image/png")))
foreign = st.builds(Opaque, st.sampled_from(("anthropic", "openai")), states)
thoughts = (
    st.builds(Thinking, words, gemini)
    | st.builds(Thinking, words, foreign, id=ids)
    | st.builds(Thinking, st.just(""), st.builds(Opaque, st.just("anthropic"), states), st.just(True))
)
calls = st.builds(ToolUse, ids, words, arguments.map(bytes.decode), signature=gemini)
signed = st.builds(lambda part, state: msgspec.structs.replace(part, signature=state), texts | pictures, gemini)


def _thoughts_apart(parts: tuple[Part, ...]) -> bool:
    return not any(isinstance(one, Thinking) and isinstance(other, Thinking) for one, other in pairwise(parts))


parts = st.lists(signed | thoughts | calls, max_size=6).map(tuple).filter(_thoughts_apart)


def told(parts: tuple[Part, ...]) -> Choice:
    stop = "tools" if any(isinstance(part, ToolUse) for part in parts) else "stop"
    return msgspec.structs.replace(msgspec.convert({"index": 0, "stop": stop}, Choice), parts=parts)


def uncited(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(msgspec.structs.replace(part, citations=()) if isinstance(part, Text) else part for part in parts)


def same(got: tuple[Part, ...], expected: tuple[Part, ...]) -> bool:
    """Texts in a row may be one."""
    return canonical((Choice(0, got),)) == canonical((Choice(0, expected),))


@quick
@given(parts)
def test_an_answer_comes_back_from_the_caller_as_it_went(parts: tuple[Part, ...]) -> None:
    body = FORMAT.render_response(Answer("", "", (told(parts),), USAGE), asked()).body
    assert FORMAT.parse_response(body).choices == (told(parts),)


@quick
@given(parts)
def test_a_streamed_answer_is_the_whole_one(parts: tuple[Part, ...]) -> None:
    happened: list[Event] = [Start(), *(event for part in parts for event in (Begin(part), End()))]
    out = written("gemini", [*happened, Stop(told(parts).stop or "stop")], USAGE)
    stream_text("gemini", out)
    folded = fold(events("gemini", out))
    assert same(uncited(folded.parts), uncited(parts)) and folded.stop == told(parts).stop


def sent_back(content: list[dict[str, Any]]) -> tuple[Part, ...]:
    """The model's turn as we understand it when it comes back."""
    sent = {"contents": [{"role": "model", "parts": content}, {"role": "user", "parts": [{"text": "Go on."}]}]}
    turns = FORMAT.parse_request(FORMAT.glance(json.dumps(sent).encode(), "m", False)).messages
    return tuple(part for turn in turns[:-1] for part in turn.parts)


@quick
@given(parts, st.booleans())
def test_a_conversation_comes_back_to_its_makers_with_all_their_state(parts: tuple[Part, ...], drop: bool) -> None:
    """What a caller got is what it sends with its next turn, with thoughts or, as many programs do, without."""
    body = json.loads(FORMAT.render_response(Answer("", "", (told(parts),), USAGE), asked()).body)
    content = [part for part in body["candidates"][0]["content"]["parts"] if not (drop and part.get("thought"))]
    expected = uncited(parts)
    if drop:
        kept = [part for part in expected if isinstance(part, Thinking) and _own(part)]
        expected = tuple(part for part in expected if part not in kept)
    assert same(sent_back(content), expected)


def _own(part: Thinking) -> bool:
    return part.signature is None or part.signature.maker == "gemini"


@quick
@given(parts)
def test_the_chunks_of_a_stream_put_together_are_a_turn_with_all_its_state(parts: tuple[Part, ...]) -> None:
    happened: list[Event] = [Start(), *(event for part in parts for event in (Begin(part), End()))]
    out = written("gemini", [*happened, Stop("stop")], USAGE)
    chunks = [json.loads(frame.data)["candidates"] for frame in frames(out)]
    content = [part for chunk in chunks for candidate in chunk for part in candidate["content"]["parts"]]
    assert same(sent_back(content), uncited(parts))


bytes64 = st.just("UklGRiQAAABXQVZF")
sources = st.builds(Source, st.just("url"), st.just("https://example.com/a.png"), st.just("image/png")) | st.builds(
    Source, st.just("base64"), states, st.just("image/png")
)
asked_parts = st.one_of(
    st.builds(Text, words),
    st.builds(Image, sources, st.sampled_from(("", "low", "high"))),
    st.builds(Image, st.builds(Source, st.just("file"), st.just("files/x"), st.just("image/png"), st.just("gemini"))),
    st.builds(Audio, st.builds(Source, st.just("base64"), bytes64, st.just("audio/wav")), st.just("wav")),
    st.builds(Video, st.builds(Source, st.just("url"), st.just("https://www.youtube.com/watch?v=x"))),
    st.builds(Document, st.builds(Source, st.just("base64"), bytes64, st.just("application/pdf"))),
)
given_back = st.builds(
    lambda text, image: (Text(text), *image), words, st.lists(st.builds(Image, sources).filter(lambda image:
    image.source.kind == "base64"), max_size=1))  # fmt: skip


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """Calls and their results belong together."""
    found: list[Message] = []
    for at in range(draw(st.integers(0, 2))):
        found.append(Message("user", draw(st.lists(asked_parts, min_size=1, max_size=3).map(tuple))))
        said: list[Part] = draw(st.lists(st.builds(Text, words, signature=gemini) | pictures, max_size=2))
        called = [ToolUse(f"call_{at}{n}", f"f{n}", "{}", signature=Opaque("gemini", "c2ln"))
                  for n in range(draw(st.integers(0, 2)))]  # fmt: skip
        if said or called:
            found.append(Message("assistant", (*said, *called)))
        if called:
            results = (ToolResult(call.id, draw(given_back), draw(st.booleans())) for call in called)
            found.append(Message("user", tuple(results)))
    return (*found, Message("user", (Text(draw(words)),)))


schemas = st.none() | st.just({"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]})
requests = st.builds(
    Request,
    st.just("gemini-3-flash"),
    turns(),
    st.lists(st.builds(Text, words), max_size=1).map(tuple),
    stream=st.booleans(),
    max_tokens=st.none() | st.integers(1, 1000),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(1, 40),
    n=st.integers(1, 2),
    seed=st.none() | st.integers(0, 9),
    stop=st.lists(words, max_size=2).map(tuple),
    logprobs=st.just(True),
    top_logprobs=st.none() | st.integers(0, 5),
    tools=st.lists(st.builds(Tool, words, words, schemas), min_size=1, max_size=2).map(tuple),
    tool_choice=st.none() | st.builds(ToolChoice, st.sampled_from(("auto", "none", "required"))),
    shape=st.none() | st.just(Shape("object")) | st.builds(Shape, st.just("schema"), schemas.filter(bool)),
    reasoning=st.none() | st.builds(Reasoning, st.sampled_from(EFFORTS[1:5]), summary=st.none() | st.just("auto")),
    modalities=st.sampled_from(((), ("text", "image"))),
    store=st.none() | st.booleans(),
    service_tier=st.sampled_from((None, "flex", "priority", "default")),
) | st.just(Request("gemini-3-tts", (Message("user", (Text("Say hi."),)),), modalities=("audio",), voice=VOICE))


@quick
@given(requests)
def test_a_request_comes_back_from_the_vendor_as_it_went(request: Request) -> None:
    rendered = FORMAT.render_request(request)
    assert rendered.losses == ()
    takes_request(rendered.body)
    again = FORMAT.parse_request(FORMAT.glance(rendered.body, request.model, request.stream))
    assert again == request


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("text", "thought", "thoughtSignature", "functionCall", "inlineData", "executableCode", "later")
wild_parts = st.dictionaries(
    st.sampled_from(FIELDS),
    words | junk | st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "id", "args", "data", "mimeType"), words)),
    max_size=3,
)
spots = st.fixed_dictionaries({}, optional=dict.fromkeys(("startIndex", "endIndex", "partIndex"), st.integers(-1, 3)))
grounding = st.fixed_dictionaries(
    {},
    optional={
        "groundingChunks": st.lists(st.just({"web": {"uri": "u", "title": "t"}}) | junk, max_size=2) | junk,
        "groundingSupports": junk
        | st.lists(st.fixed_dictionaries({"segment": spots | junk, "groundingChunkIndices": junk | st.just([0])})),
        "webSearchQueries": junk | st.lists(words, max_size=2),
    },
)
candidates = st.fixed_dictionaries(
    {},
    optional={
        "content": junk | st.fixed_dictionaries({"parts": junk | st.lists(wild_parts, max_size=3)}),
        "finishReason": st.sampled_from(("STOP", "MAX_TOKENS", "SAFETY", "LATER", 5, None)) | junk,
        "index": st.integers(-1, 2) | junk,
        "groundingMetadata": grounding | junk,
        "citationMetadata": junk | st.fixed_dictionaries({"citationSources": st.lists(spots | junk, max_size=2)}),
        "logprobsResult": junk | st.fixed_dictionaries({"chosenCandidates": junk, "topCandidates": junk}),
    },
)
wild = st.fixed_dictionaries(
    {},
    optional={
        "candidates": junk | st.lists(candidates, max_size=2),
        "usageMetadata": junk | st.fixed_dictionaries({"promptTokenCount": junk, "promptTokensDetails": junk}),
        "promptFeedback": junk | st.fixed_dictionaries({"blockReason": junk | words}),
        "modelVersion": junk,
        "responseId": junk,
    },
)


@quick
@given(st.lists(wild, max_size=6))
def test_whatever_chunks_come_every_caller_gets_a_stream(sent: list[dict[str, Any]]) -> None:
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in sent)
    happened = [event for event in events("gemini", stream) if type(event).__name__ != "StreamError"]
    fold(happened)
    for name in FORMATS:
        assert written(name, happened, USAGE)
    found = [json.loads(frame.data) for frame in frames(written("gemini", happened, USAGE))]
    assert all(candidate["finishReason"] for candidate in found[-1]["candidates"])


@quick
@given(st.lists(wild, max_size=6), st.booleans())
def test_whatever_chunks_pass_nothing_raises_and_no_name_shows(sent: list[dict[str, Any]], array: bool) -> None:
    make = FORMAT.array_tap if array else FORMAT.tap
    assert make is not None
    tap = make("asked", True)
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in sent)
    out = b"".join(tap.feed(frame) for frame in frames(stream)) + tap.end(USAGE)
    found = json.loads(out) if array else [json.loads(frame.data) for frame in frames(out)]
    assert all(chunk.get("modelVersion") in ("asked", None) for chunk in found)
    assert len(found) == len(sent) or tap.error is not None


@quick
@given(wild)
def test_whatever_an_answer_holds_it_is_an_answer_or_garbage(body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    assert FORMAT.survey is not None and FORMAT.patch_response is not None
    seen = FORMAT.survey(raw)
    FORMAT.patch_response(raw, "asked")
    try:
        answer = FORMAT.parse_response(raw)
    except Garbage:
        assert seen is None
        return
    assert seen is None or (seen.model, seen.usage) == (answer.model, answer.usage)
    for name in FORMATS:
        FORMATS[name].render_response(answer, asked())


@quick
@given(st.dictionaries(st.sampled_from(("tools", "toolConfig", "generationConfig", "labels", "contents")), junk))
def test_whatever_a_request_holds_it_is_a_request_or_a_problem(change: dict[str, Any]) -> None:
    try:
        seen = FORMAT.glance(json.dumps({"contents": [{"parts": [{"text": "Hi"}]}], **change}).encode(), "m", False)
        FORMAT.parse_request(seen)
    except Problem as problem:
        assert problem.status == 400


@quick
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from('{}"a:1'))))
def test_arguments_that_an_upstream_mixes_reach_their_calls(pieces: list[tuple[int, str]]) -> None:
    happened: list[Event] = [Start(), Begin(ToolUse("call_a", "f")), Begin(ToolUse("call_b", "g"))]
    happened += [Arguments(text, call) for call, text in (*pieces, (0, "x"), (1, "y"))]
    found = fold(events("gemini", written("gemini", [*happened, Stop("tools")], USAGE))).parts
    whole = ["".join(text for call, text in pieces if call == at) + "xy"[at] for at in (0, 1)]
    assert [json.loads(part.arguments) for part in found if isinstance(part, ToolUse)] == [
        {"input": text} for text in whole
    ]


@quick
@given(st.lists(st.sampled_from(("text", "thinking")), max_size=6))
def test_deltas_without_beginnings_and_ends_are_told_apart(kinds: list[Any]) -> None:
    happened: list[Event] = [Delta(f"{at} ", 0, kind) for at, kind in enumerate(kinds)]
    assert fold(events("gemini", written("gemini", happened, USAGE))).parts == fold(happened).parts
