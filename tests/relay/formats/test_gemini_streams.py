"""Gemini streams of vendors that are careless."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import asked, content, events, frames

from openopen8.core.rules.pricing import Counts
from relay.conversion import Converting
from relay.formats import FORMATS
from relay.formats.format import Garbage
from relay.framing import SSE
from relay.neutral import (
    Answer,
    Audio,
    Block,
    Choice,
    Citation,
    Event,
    Image,
    Logprob,
    Opaque,
    Part,
    Source,
    StreamError,
    Text,
    Thinking,
    ToolUse,
    Usage,
    UsageReport,
    Video,
    fold,
)

FORMAT = FORMATS["gemini"]
SIGNED = Opaque("gemini", "c2ln")
USAGE = Usage(Counts(5, output=2))
PNG = Source("base64", "AAAA", "image/png")


def candidate(*parts: Any, finish: Any = None, **more: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, **more}


def chunks(*candidates: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps({"candidates": [one]}).encode() + b"\n\n" for one in candidates)


def read(*candidates: dict[str, Any]) -> list[Event]:
    return events("gemini", chunks(*candidates))


def whole(one: dict[str, Any]) -> Choice:
    return FORMAT.parse_response(json.dumps({"candidates": [one]}).encode()).choices[0]


CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ([{"text": "a"}, {"later": 1}, {}, {"text": 5}], (Text("a"),)),
        ([{"functionCall": {"name": "f"}}], (ToolUse("", "f", "{}"),)),
        ([{"functionCall": {"name": "f", "args": '{"a'}}], (ToolUse("", "f", '{"a'),)),
        ([{"functionCall": {"args": {}}}, {"functionCall": None}, {"functionCall": 5}], ()),
        ([{**CALL, "thoughtSignature": "c2ln"}, CALL],
         (ToolUse("", "f", '{"a":1}', signature=SIGNED), ToolUse("", "f", '{"a":1}'))),
        ([{"text": "hm", "thought": True}, {"text": "a", "thought": False}], (Thinking("hm"), Text("a"))),
        ([{"text": "hm", "thought": True, "thoughtSignature": "c2ln"}], (Thinking("hm", SIGNED),)),
        ([{"text": "a"}, {"text": "", "thoughtSignature": "c2ln"}], (Text("a", signature=SIGNED),)),
        ([{"thoughtSignature": "c2ln"}], (Text("", signature=SIGNED),)),
        ([{"inlineData": {"data": "AAAA"}}], (Image(PNG),)),
        ([{"inlineData": {"data": "AAAA", "mimeType": "image/png"}, "thoughtSignature": "c2ln"}],
         (Image(PNG, signature=SIGNED),)),
        ([{"inlineData": {"data": "AAAA", "mimeType": "video/mp4"}}], (Video(Source("base64", "AAAA", "video/mp4")),)),
        ([{"inlineData": {"data": "AAAA"}, "thought": True}],
         (Block("gemini", "inlineData", {"inlineData": {"data": "AAAA"}, "thought": True}),)),
        ([{"inlineData": {"data": ""}}, {"inlineData": {"mimeType": "image/png"}}], ()),
        ([{"executableCode": {"code": "1"}}, {"codeExecutionResult": {"output": "1"}}],
         (Block("gemini", "executableCode", {"executableCode": {"code": "1"}}),
          Block("gemini", "codeExecutionResult", {"codeExecutionResult": {"output": "1"}}))),
    ],
)  # fmt: skip
def test_what_a_careless_vendor_sends_reads_the_same_whole_and_streamed(given: list[Any], parts: tuple[Part]) -> None:
    assert whole(candidate(*given, finish="STOP")).parts == parts
    assert fold(read(*(candidate(part) for part in given), candidate(finish="STOP"))).parts == parts


@pytest.mark.parametrize(
    ("reason", "stop", "detail"),
    [
        ("STOP", "stop", ""),
        ("MAX_TOKENS", "length", ""),
        ("PROHIBITED_CONTENT", "refusal", "PROHIBITED_CONTENT"),
        ("IMAGE_SAFETY", "refusal", "IMAGE_SAFETY"),
        ("MALFORMED_FUNCTION_CALL", "other", ""),
        ("OF_NEXT_MONTH", "other", ""),
    ],
)
def test_why_an_answer_ended_is_known(reason: str, stop: str, detail: str) -> None:
    found = whole(candidate({"text": "a"}, finish=reason))
    assert (found.stop, found.detail) == (stop, detail)
    folded = fold(read(candidate({"text": "a"}, finish=reason)))
    assert (folded.stop, folded.choices[0].detail) == (stop, detail)
    shown = json.loads(FORMAT.render_response(Answer("", "", (found,)), asked()).body)["candidates"][0]
    assert shown["finishReason"] == (reason if stop != "other" else "OTHER")


@pytest.mark.parametrize("value", [None, "", "FINISH_REASON_UNSPECIFIED", 5])
def test_no_reason_is_no_end(value: Any) -> None:
    assert whole(candidate({"text": "a"}, finish=value)).stop is None
    reader = FORMAT.reader()
    for frame in frames(chunks(candidate({"text": "a"}, finish=value))):
        reader.feed(frame)
    assert not reader.stop_seen and reader.close() == [] and not reader.finished


def test_a_call_in_an_earlier_chunk_is_why_the_answer_ended() -> None:
    assert fold(read(candidate(CALL), candidate({"text": ""}, finish="STOP"))).stop == "tools"
    assert fold(read(candidate(CALL), candidate(finish="MAX_TOKENS"))).stop == "length"


def test_a_finish_reason_in_every_chunk_ends_nothing_before_the_last() -> None:
    happened = read(*(candidate({"text": text}, finish="STOP") for text in "abc"))
    assert [type(event).__name__ for event in happened] == ["Start", "Delta", "Delta", "Delta", "Stop"]
    for more in ({}, {"modelVersion": "m"}):
        reader = FORMAT.reader()
        for one in (candidate({"text": "a"}, finish="STOP"), candidate({"text": "b"})):
            (frame,) = frames(b"data: " + json.dumps({"candidates": [one], **more}).encode() + b"\n\n")
            reader.feed(frame)
        assert not reader.stop_seen and reader.close() == []


def test_an_upstream_that_stops_and_stays_silent_still_ends_with_its_reason() -> None:
    converting = Converting(FORMAT.reader(), FORMATS["openai_chat"].writer(asked()))
    out = b"".join(converting.feed(frame) for frame in frames(chunks(candidate(CALL, finish="STOP"))))
    assert converting.stop_seen and not converting.finished
    assert b'"finish_reason":"tool_calls"' in out + converting.end(USAGE)


@pytest.mark.parametrize(
    ("frame", "message", "status"),
    [
        (b'{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}', "Slow down.", 429),
        (b'[{"error":{"code":503,"message":"Busy.","status":"UNAVAILABLE"}}]', "Busy.", 503),
        (b'{"error":{"code":"x","message":"Odd."}}', "Odd.", 502),
        (b'{"error":{}, "error_later": 1, "candidates": 5}', "", 0),
        (b"{", "The provider sent an event that is not JSON.", 502),
        (b"5", "The provider sent an event that is no object.", 502),
        (b"[]", "The provider sent an event that is no object.", 502),
    ],
)
def test_an_error_in_any_shape_is_an_error(frame: bytes, message: str, status: int) -> None:
    errors = [event for event in events("gemini", b"data: " + frame + b"\n\n") if isinstance(event, StreamError)]
    assert errors == ([StreamError(message, status)] if message else [])


def test_an_error_inside_a_whole_answer_is_no_answer() -> None:
    for body in (b'[{"error":{"code":503,"message":"Busy."}}]', b'{"error":{"code":503,"message":"Busy."}}'):
        with pytest.raises(Garbage, match="Busy"):
            FORMAT.parse_response(body)


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "JAILBREAK"])
def test_a_blocked_prompt_is_a_refusal_and_an_ending(reason: str) -> None:
    body = json.dumps({"promptFeedback": {"blockReason": reason}}).encode()
    (choice,) = FORMAT.parse_response(body).choices
    assert choice == Choice(0, stop="refusal", detail="" if reason == "OTHER" else reason)
    assert fold(events("gemini", b"data: " + body + b"\n\n")).choices == (choice,)
    answered = chunks(candidate({"text": "a"}, finish="STOP")) + b"data: " + body + b"\n\n"
    assert fold(events("gemini", answered)).stop == "stop"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line", [b"\n", b"\r\n", b"\r"])
def test_comments_marks_line_ends_and_a_done_change_nothing(mark: bytes, line: bytes) -> None:
    plain = content("text", "gemini.stream.txt")
    noisy = plain.replace(b"\n\n", b"\n\n: ping\n\nevent: ping\ndata:\n\n") + b"data: [DONE]\n\ndata: [DONE]\n\n"
    noisy = noisy.replace(b', "modelVersion"', b',\ndata: "modelVersion"')
    assert events("gemini", mark + noisy.replace(b"\n", line)) == events("gemini", plain)


def test_the_short_way_of_reading_gives_the_same_events() -> None:
    """An empty error is none, but leads the long way."""
    usage = {"promptTokenCount": 5, "totalTokenCount": 5}
    texts = [candidate({"text": "a"}, finish="STOP"), candidate({"text": "b"}), candidate({"text": "c"}, index=1),
             candidate({"text": "", "thoughtSignature": "c2ln"}), candidate({"text": "d"}),
             candidate({"text": "hm", "thought": True}), candidate({"text": "e"}), candidate(CALL),
             candidate({"text": "f"}), candidate({"inlineData": {"data": "AAAA"}}), candidate({"text": "g"}),
             candidate(finish="STOP"), candidate(finish="STOP", index=1)]  # fmt: skip
    head = {"modelVersion": "m", "responseId": "r", "usageMetadata": usage}
    quick, slow = (
        b"".join(b"data: " + json.dumps({"candidates": [one], **head, **more}).encode() + b"\n\n" for one in texts)
        for more in ({}, {"error": {}})
    )
    assert events("gemini", quick) == events("gemini", slow)


def test_an_event_of_a_megabyte_is_read_in_any_pieces() -> None:
    stream = chunks(candidate({"text": "é" * 500_000}, finish="STOP"))
    decoder, reader, happened = SSE(), FORMAT.reader(), list[Event]()
    for at in range(0, len(stream), 65_537):
        for frame in decoder.feed(stream[at : at + 65_537]):
            happened += reader.feed(frame)
    assert fold(happened).parts == (Text("é" * 500_000),)


def test_the_same_counts_are_reported_once_and_later_ones_count() -> None:
    early, late = {"promptTokenCount": 5, "totalTokenCount": 5}, {"promptTokenCount": 5, "candidatesTokenCount": 2}
    sent = [{"candidates": [candidate({"text": "a"})], "usageMetadata": usage} for usage in (early, early, late)]
    happened = events("gemini", b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in sent))
    reports = [event.usage.counts for event in happened if isinstance(event, UsageReport)]
    assert reports == [Counts(5), Counts(5, output=2)]


def test_speech_in_pieces_is_one_sound() -> None:
    kind = "audio/L16;codec=pcm;rate=24000"
    pieces = [candidate({"inlineData": {"mimeType": kind, "data": data}}) for data in ("AAAA", "AQID")]
    found = fold(read(*pieces, candidate(finish="STOP")))
    assert found.parts == (Audio(Source("base64", "AAAAAQID", kind), "pcm16"),)


@pytest.mark.parametrize(
    ("metadata", "citations"),
    [
        ({"groundingChunks": [{"web": {"uri": "u", "title": "t"}}, {"maps": {"uri": "m"}}],
          "groundingSupports": [{"segment": {"startIndex": 3, "endIndex": 6},
                                 "groundingChunkIndices": [0, 1, 9, "x"]}]},
         (Citation("u", "t", start=2, end=5), Citation("m", start=2, end=5))),
        ({"groundingChunks": [{"web": {"uri": "u"}}],
          "groundingSupports": [{"segment": {"startIndex": 90, "endIndex": 99, "text": "bc"},
                                 "groundingChunkIndices": [0]}]},
         (Citation("u", start=3, end=5),)),
        ({"groundingChunks": [{"web": {"uri": "u"}}],
          "groundingSupports": [{"segment": {"endIndex": 999}, "groundingChunkIndices": [0]}]}, (Citation("u"),)),
        ({"groundingChunks": [{"retrievedContext": {"title": "t", "text": "q"}}, {"web": 5}, 5]},
         (Citation(title="t", quote="q"),)),
        ({"groundingChunks": 5, "groundingSupports": "x"}, ()),
    ],
)  # fmt: skip
def test_what_a_text_rests_on_is_placed_by_its_bytes(metadata: Any, citations: tuple[Citation, ...]) -> None:
    one = candidate({"text": "hm", "thought": True}, {"text": "é abc"}, finish="STOP", groundingMetadata=metadata)
    for segment in (one["groundingMetadata"].get("groundingSupports") or [])[:1]:
        if isinstance(segment, dict):
            segment["segment"]["partIndex"] = 1
    assert whole(one).parts == (Thinking("hm"), Text("é abc", citations))
    pieces = [candidate({"text": text}) for text in ("é a", "bc")]
    last = candidate({"text": ""}, finish="STOP", groundingMetadata=metadata)
    folded = fold(read(*pieces, {**last, "finishReason": None}, last))
    assert folded.parts == (Text("é abc", citations),)


@pytest.mark.parametrize("name", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_what_a_text_rests_on_may_come_after_a_call(name: str) -> None:
    grounding = {"groundingChunks": [{"web": {"uri": "u", "title": "t"}}]}
    happened = read(candidate({"text": "abc"}), candidate(CALL), candidate({"text": ""}, groundingMetadata=grounding),
                    candidate({"text": ""}, finish="STOP"))  # fmt: skip
    assert fold(happened).parts == (Text("abc", (Citation("u", "t"),)), ToolUse("", "f", '{"a":1}'))
    writer = FORMATS[name].writer(asked())
    out = b"".join(writer.feed(event) for event in happened) + writer.end(USAGE)
    carried = {citation.url for part in fold(events(name, out)).parts if isinstance(part, Text)
               for citation in part.citations}  # fmt: skip
    assert (carried, set(writer.losses)) in (({"u"}, set()), (set(), {"citations"}))
    assert ("citations" in writer.losses) == (name in ("anthropic", "openai_responses"))


def piece(path: str = "", **value: Any) -> dict[str, Any]:
    args = {"partialArgs": [{"jsonPath": path, **value}]} if path else {}
    return {"functionCall": {**args, "willContinue": True}}


def test_arguments_that_come_piece_by_piece_are_those_of_one_call() -> None:
    pieces = [
        {"functionCall": {"name": "f", "willContinue": True}, "thoughtSignature": "c2ln"},
        piece("$.where.city", stringValue="Pa", willContinue=True), piece("$.where.city", stringValue="ris"),
        piece("$.days[0]", numberValue=1.0), piece("$.days[1]", numberValue=2.5),
        piece("$['odd name']", boolValue=True),
        piece("$.nothing", nullValue="NULL_VALUE"), piece("$.days.x", stringValue="no such place"),
    ]  # fmt: skip
    arguments = '{"where":{"city":"Paris"},"days":[1,2.5],"odd name":true,"nothing":null}'
    call = ToolUse("", "f", arguments, signature=SIGNED)
    last: Any = {"functionCall": {}}
    assert fold(read(*(candidate(one) for one in pieces), candidate(last, CALL, finish="STOP"))).choices == (
        Choice(0, (call, ToolUse("", "f", '{"a":1}')), "tools"),
    )
    assert fold(read(candidate(*pieces, {"text": "abc"}, finish="STOP"))).parts == (call, Text("abc"))
    assert fold(read(candidate(*pieces), candidate(finish="STOP"))).parts == (call,)


@pytest.mark.parametrize("path", ["$" + ".a" * 3_000, "$.a" + "[9999]" * 50], ids=["deep", "far"])
def test_a_short_path_makes_no_huge_arguments(path: str) -> None:
    first = {"functionCall": {"name": "f", "willContinue": True}}
    pieces = candidate(first, piece("$.b", boolValue=True), piece(path, stringValue="x"), finish="STOP")
    (call,) = fold(read(pieces)).parts
    assert isinstance(call, ToolUse) and len(call.arguments) < 10_000 and '"b":true' in call.arguments


def test_works_that_are_repeated_are_citations_in_both_spellings() -> None:
    place = {"startIndex": 0, "endIndex": 1, "uri": "u", "title": "t", "license": "MIT"}
    for name in ("citations", "citationSources"):
        (text,) = whole(candidate({"text": "ab"}, citationMetadata={name: [place, 5]})).parts
        assert text == Text("ab", (Citation("u", "t", start=0, end=1),))


def test_how_likely_tokens_were_is_read_though_zeros_are_left_out() -> None:
    result = {"chosenCandidates": [{"token": "é", "logProbability": -0.5}, {"token": "b"}, {"logProbability": 1}, 5],
              "topCandidates": [{"candidates": [{"token": "x", "logProbability": -1}]}]}  # fmt: skip
    found = whole(candidate({"text": "éb"}, logprobsResult=result)).logprobs
    assert found == (Logprob("é", -0.5, (195, 169), (Logprob("x", -1.0, (120,)),)), Logprob("b", 0.0, (98,)))
