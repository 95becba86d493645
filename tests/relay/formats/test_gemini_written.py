"""What Gemini callers get of every event."""

from __future__ import annotations

import json
from typing import Any

from golden_cases import asked, frames, written

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.neutral import (
    Answer,
    Arguments,
    Audio,
    Begin,
    Block,
    Choice,
    Citation,
    Cite,
    Delta,
    End,
    Event,
    Image,
    Opaque,
    Sign,
    Source,
    Start,
    Stop,
    Thinking,
    ToolUse,
    Usage,
)

FORMAT = FORMATS["gemini"]
SIGNED = Opaque("gemini", "c2ln")
USAGE = Usage(Counts(5, output=2))
PNG = Source("base64", "AAAA", "image/png")


def shown(*happened: Event) -> list[dict[str, Any]]:
    """All parts of a stream for a caller."""
    out = [json.loads(frame.data) for frame in frames(written("gemini", list(happened), USAGE))]
    return [part for chunk in out for one in chunk["candidates"] for part in one["content"]["parts"]]


def call(id: str, args: Any, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"id": id, "name": "f", "args": args}, **more}


def test_calls_are_sent_whole_as_soon_as_they_are_complete() -> None:
    writer = FORMAT.writer(asked())
    begin, piece, end = Begin(ToolUse("1", "f")), Arguments('{"a":1}'), End()
    assert [bool(writer.feed(event)) for event in (Start(), begin, piece, end)] == [False, False, False, True]
    assert writer.feed(Begin(ToolUse("2", "f"))) == b"" and writer.feed(Arguments("{}", 1)) == b""
    assert b'"id":"2"' in writer.feed(Stop("tools"))


def test_calls_without_an_id_get_one_that_the_caller_can_answer_with() -> None:
    assert shown(Begin(ToolUse("", "f", "{}")), End(), Begin(ToolUse("", "f")), Stop("tools"))[:2] == [
        call("call_req1_0", {}),
        call("call_req1_1", {}),
    ]


def test_signatures_stand_on_their_parts() -> None:
    parts = shown(
        Delta("hm", 0, "thinking"), Sign(SIGNED), End(), Delta("a"), Sign(SIGNED),
        Begin(ToolUse("1", "f")), Sign(SIGNED), Arguments("{}"), End(), Begin(Image(PNG)), Sign(SIGNED), Stop("stop"),
    )  # fmt: skip
    data = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert parts == [
        {"text": "hm", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "a"},
        {"text": "", "thoughtSignature": "c2ln"},
        call("1", {}, thoughtSignature="c2ln"),
        data,
        {"text": "", "thoughtSignature": "c2ln"},
        {"text": ""},
    ]


def test_thoughts_of_other_vendors_ride_on_the_next_part_or_on_one_of_their_own() -> None:
    thought = (Begin(Thinking("hm", Opaque("anthropic", "x"))), End())
    for last in (Delta("a"), Begin(ToolUse("1", "f")), Begin(Image(PNG)), Stop("stop")):
        parts = shown(*thought, last)
        assert parts[0] == {"text": "hm", "thought": True} and parts[1]["thoughtSignature"].startswith("b284LnRob3VnaH")
    parts = shown(*thought, Begin(ToolUse("1", "f", signature=SIGNED)))
    assert parts[1]["text"] == "" and parts[1]["thoughtSignature"] != "c2ln"
    assert parts[2] == call("1", {}, thoughtSignature="c2ln")


def test_an_unsigned_thought_is_a_thought_and_nothing_more() -> None:
    assert shown(Delta("hm", 0, "thinking"), Delta("a"))[:2] == [{"text": "hm", "thought": True}, {"text": "a"}]


def test_citations_come_with_the_last_chunk_and_all_others_are_a_loss() -> None:
    page = Citation("u", "t", start=1, end=2)
    writer = FORMAT.writer(asked())
    for event in (Delta("éa"), Cite(page), Cite(Citation(title="t", quote="q")), Cite(Citation("v"))):
        writer.feed(event)
    (last,) = frames(writer.end(USAGE))
    grounding = json.loads(last.data)["candidates"][0]["groundingMetadata"]
    assert [chunk["web"]["uri"] for chunk in grounding["groundingChunks"]] == ["u", "v"]
    assert [support["segment"] for support in grounding["groundingSupports"]] == [
        {"startIndex": 2, "endIndex": 3, "text": "a"},
        {"startIndex": 0, "endIndex": 3, "text": "éa"},
    ]
    assert writer.losses == {"citations": None}


def test_speech_keeps_its_kind_and_its_words_are_a_loss_unless_they_are_all_there_is() -> None:
    writer = FORMAT.writer(asked())
    wave = [
        Begin(Audio(id="a")),
        Delta("UklGRg==", 0, "audio"),
        Delta("AAAA", 0, "audio"),
        Delta("Hi", 0, "transcript"),
    ]
    kinds = [json.loads(frame.data) for event in wave for frame in frames(writer.feed(event))]
    data = [chunk["candidates"][0]["content"]["parts"][0]["inlineData"]["mimeType"] for chunk in kinds]
    assert data == ["audio/wav", "audio/wav"] and writer.losses == {"audio.transcript": None}
    assert shown(Delta("AAAA", 0, "audio"))[0]["inlineData"]["mimeType"] == "audio/L16;codec=pcm;rate=24000"
    assert shown(Begin(Audio(transcript="Hi")))[0] == {"text": "Hi"}


def test_what_only_another_vendor_knows_is_a_loss() -> None:
    writer = FORMAT.writer(asked())
    assert writer.feed(Begin(Block("anthropic", "x", {}))) == b"" and writer.losses == {"block": None}
    block = Block("gemini", "executableCode", {"executableCode": {"code": "1"}})
    assert shown(Begin(block), End())[0] == block.raw
    rendered = FORMAT.render_response(Answer("", "", (Choice(0, (Block("anthropic", "x", {}),), "stop"),)), asked())
    assert rendered.losses == ("block",)


def test_the_ending_names_every_candidate_and_the_counts_once() -> None:
    out = written("gemini", [Delta("a"), Delta("b", 1), Stop("length", 1), Stop("stop")], USAGE)
    found = [json.loads(frame.data) for frame in frames(out)]
    assert [one["finishReason"] for one in found[-1]["candidates"]] == ["STOP", "MAX_TOKENS"]
    assert [("usageMetadata" in chunk) for chunk in found] == [False, False, True]
    assert all(chunk["modelVersion"] == "asked-model" for chunk in found)
