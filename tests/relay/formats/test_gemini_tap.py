"""Gemini streams and bodies that pass through: nothing changes but what must."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import answer, content, frames, having, told, view

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Tap
from relay.framing import SSE, Frame
from relay.neutral import Usage

FORMAT = FORMATS["gemini"]
UPSTREAM = "gemini-2.5-flash"
CASES = [case for case, name in having("response.json") if name == "gemini"]


def tap(model: str = UPSTREAM, array: bool = False) -> Tap:
    make = FORMAT.array_tap if array else FORMAT.tap
    assert make is not None
    return make(model, True)


def chunk(*parts: dict[str, Any], finish: str | None = None, index: int = 0, **fields: Any) -> Frame:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    value = {"candidates": [candidate], "modelVersion": UPSTREAM, **fields}
    data = json.dumps(value).encode()
    return Frame("", data, b"data: " + data + b"\n\n")


COUNTS = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}


@pytest.mark.parametrize("case", CASES)
def test_the_caller_gets_every_byte_of_the_stream(case: str) -> None:
    stream = content(case, "gemini.stream.txt")
    listening = tap()
    out = b"".join(listening.feed(frame) for frame in frames(stream))
    assert out + listening.end(None) == stream and out != stream
    expected = answer(case, view(case, "gemini").answers)
    assert told(listening.usage) == expected.usage
    assert listening.stop_seen and listening.error is None
    assert sorted("".join(listening.text)) == sorted("".join(expected.texts))


@pytest.mark.parametrize("case", CASES)
def test_a_caller_who_wants_an_array_gets_the_same_chunks_in_one(case: str) -> None:
    stream = content(case, "gemini.stream.txt")
    listening = tap(array=True)
    out = b"".join(listening.feed(frame) for frame in frames(stream)) + listening.end(None)
    assert json.loads(out) == [json.loads(frame.data) for frame in frames(stream)]


def heard(listening: Tap, data: bytes, size: int) -> bytes:
    """A stream as it arrives in pieces: the short way first, the rest event by event."""
    decoder, out = SSE(), b""
    for at in range(0, len(data), size):
        piece, done = data[at : at + size], 0
        if not decoder.pending:
            done, passed = listening.plain(piece)
            out += passed
        out += b"".join(listening.feed(frame) for frame in decoder.feed(piece[done:]))
    return out + listening.end(None)


@pytest.mark.parametrize("model", [UPSTREAM, "asked"])
@pytest.mark.parametrize("size", [1, 7, 333, 2000, 10**6])
def test_the_short_way_gives_the_same_bytes_text_and_counts(model: str, size: int) -> None:
    words = [chunk({"text": f'"modelVersion": "{UPSTREAM}" {at}'}, usageMetadata={"promptTokenCount": at + 1})
             for at in range(5)]  # fmt: skip
    odd = [chunk({"text": "hm", "thought": True}), chunk({"text": "b"}, index=1), chunk({"text": "\ud800"}),
           chunk({"text": "x"}, {"text": "y"}), chunk({"text": "c"}, error={}),
           chunk({"text": "d"}, x="\n")]  # fmt: skip
    ends = [chunk(finish="STOP", index=1), chunk({"text": "!"}, finish="STOP", usageMetadata=COUNTS)]
    sent = [*words[:3], *odd, *words[3:], *ends]
    stream = b"".join(frame.raw for frame in sent)
    slow, quick = tap(model), tap(model)
    expected = b"".join(slow.feed(frame) for frame in sent) + slow.end(None)
    assert heard(quick, stream, size) == expected
    assert (quick.text, quick.usage, quick.stop_seen) == (slow.text, slow.usage, True)
    assert expected == stream.replace(f'"modelVersion": "{UPSTREAM}"'.encode(), f'"modelVersion": "{model}"'.encode())


def test_the_short_way_is_taken_and_not_for_arrays() -> None:
    listening = tap("asked")
    first, second = chunk({"text": "a"}), chunk({"text": "b"}, usageMetadata={"promptTokenCount": 3})
    assert listening.plain(first.raw) == (0, b"")
    listening.feed(first)
    size, passed = listening.plain(second.raw + second.raw + b"data: {")
    assert size == 2 * len(second.raw) and passed.count(b'"asked"') == 2
    assert listening.usage is not None and listening.usage.counts == Counts(3)
    assert tap(array=True).plain(second.raw) == (0, b"")
    assert listening.feed(chunk(finish="STOP")) == b"" and listening.plain(second.raw) == (0, b"")


def test_the_stream_carries_the_name_that_was_asked_for_and_is_else_unchanged() -> None:
    stream = content("text", "gemini.stream.txt")
    listening = tap('my "model"')
    out = b"".join(listening.feed(frame) for frame in frames(stream)) + listening.end(None)
    assert out == stream.replace(b'"modelVersion": "gemini-2.5-flash"', b'"modelVersion": "my \\"model\\""')


@pytest.mark.parametrize(
    "data",
    [
        b'{"candidates":[{"content":{"parts":[{"text":"\\"modelVersion\\":\\"up\\""}]}}],"modelVersion":"up"}',
        b'{"candidates":[{"modelVersion":"up"}],"modelVersion":"up"}',
        b'{ "modelVersion" : "up", "candidates": [] }',
        b'{"modelVersion":"\\u0075p"}',
        b'{"modelVersion":"up","modelVersion":"up"}',
        b'{"modelVersion":"up","x":"\\ud800"}',
        b'{"modelVersion":"up","x":NaN}',
    ],
)
def test_the_upstreams_name_never_shows(data: bytes) -> None:
    for frame in frames(b"data: " + data + b"\n\n") + frames(b": x\r\ndata: " + data + b"\r\n\r\n"):
        (out,) = frames(tap("asked").feed(frame))
        got, was = json.loads(out.data), json.loads(data)
        assert got.pop("modelVersion") == "asked" and was.pop("modelVersion") == "up"
        assert got == was or b"ud800" in data or b"NaN" in data


def test_the_ending_is_held_until_the_charge_is_committed() -> None:
    listening = tap()
    first, last, late = chunk({"text": "Hi"}), chunk({"text": "!"}, finish="STOP"), chunk(usageMetadata=COUNTS)
    assert listening.feed(first) == first.raw and not listening.stop_seen
    assert listening.feed(last) == b"" and listening.stop_seen
    assert listening.feed(late) == b""
    assert listening.end(None) == last.raw + late.raw and told(listening.usage) == Usage(Counts(5, output=2))


def test_a_finish_reason_in_every_chunk_holds_back_one_at_a_time() -> None:
    listening = tap()
    sent = [chunk({"text": text}, finish="STOP") for text in "abc"]
    assert [listening.feed(frame) for frame in sent] == [b"", sent[0].raw, sent[1].raw]
    assert listening.end(None) == sent[2].raw
    more = chunk({"text": "d"})
    assert listening.feed(more) == sent[2].raw + more.raw and not listening.stop_seen


def test_several_candidates_have_stopped_when_the_last_one_has() -> None:
    listening = tap()
    for frame in (chunk({"text": "a"}), chunk({"text": "b"}, index=1, finish="MAX_TOKENS")):
        assert listening.feed(frame) == frame.raw
    assert not listening.stop_seen and listening.feed(chunk(finish="STOP")) == b"" and listening.stop_seen


def test_counts_that_the_upstream_left_out_are_put_into_the_ending() -> None:
    listening = tap("asked")
    listening.feed(chunk({"text": "Hi"}, finish="STOP", later=1))
    value = json.loads(frames(listening.end(Usage(Counts(3, 1, 2, 1))))[0].data)
    assert value["usageMetadata"]["totalTokenCount"] == 7 and (value["modelVersion"], value["later"]) == ("asked", 1)


def test_a_blocked_prompt_is_an_ending() -> None:
    data = b'{"promptFeedback":{"blockReason":"SAFETY"}}'
    listening = tap()
    assert listening.feed(Frame("", data, b"data: " + data + b"\n\n")) == b"" and listening.stop_seen
    assert listening.end(None) == b"data: " + data + b"\n\n"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"text": "Hi"}, ["Hi"]),
        ({"text": "Hi", "thought": True}, ["Hi"]),
        ({"functionCall": {"name": "f", "args": {}}}, ["f", "{}"]),
        ({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, []),
        ({"executableCode": {"code": "1"}}, []),
    ],
)
def test_all_that_is_generated_begins_the_answer(part: dict[str, Any], text: list[str]) -> None:
    listening = tap()
    listening.feed(chunk(part))
    assert (listening.text, listening.first_token) == (text, True)
    silent = tap()
    silent.feed(chunk({"text": "", "thoughtSignature": "c2ln"}))
    assert not silent.first_token


@pytest.mark.parametrize("array", [False, True])
def test_an_error_amid_a_stream_is_not_passed_on_but_told_in_our_words(array: bool) -> None:
    listening = tap(array=array)
    found = frames(content("error_midstream", "gemini.stream.txt"))
    out = b"".join(listening.feed(frame) for frame in found)
    assert listening.error is not None and listening.error.status == 503
    out += listening.fail(Problem(503, "overloaded", "It broke off."))
    last = json.loads(out)[-1] if array else json.loads(frames(out)[-1].data)
    assert last["error"]["message"] == "It broke off." and b"had an error" not in out


def patched(body: dict[str, Any], model: str) -> bytes:
    raw = json.dumps(body, indent=1).encode()
    assert FORMAT.patch_request is not None
    return FORMAT.patch_request(raw, FORMAT.glance(raw, "asked", False), model)


def test_a_body_passes_byte_for_byte_whatever_is_in_it() -> None:
    body = {"contents": [{"parts": [{"text": "Hi", "ofNextMonth": 1}]}], "later": {"a": [1.0, 2e5]}, "tools": [{}]}
    assert patched(body, "other") == json.dumps(body, indent=1).encode()
    named = {**body, "model": "models/asked"}
    assert patched(named, "other") == json.dumps({**body, "model": "models/other"}, indent=1).encode()


def test_google_never_gets_state_that_another_vendor_made() -> None:
    foreign = "b284LmFudGhyb3BpYy54"  # oo8.anthropic.x
    call = {"functionCall": {"name": "f", "args": {"thoughtSignature": foreign}}}
    parts = [
        {"text": "a", "thoughtSignature": foreign},
        {**call, "thoughtSignature": foreign},
        {"text": "b", "thought_signature": "CsYBAdHt"},
        {"text": "", "thoughtSignature": foreign},
    ]
    body = {"contents": [{"role": "model", "parts": parts}], "later": 1}
    sent = json.loads(patched(body, "asked"))
    assert sent["contents"][0]["parts"] == [
        {"text": "a"},
        {**call, "thoughtSignature": "skip_thought_signature_validator"},
        parts[2],
    ]
    assert sent["later"] == 1


def test_a_whole_answer_carries_the_name_that_was_asked_for() -> None:
    assert FORMAT.patch_response is not None and FORMAT.survey is not None
    body = content("text", "gemini.response.json")
    assert FORMAT.patch_response(body, "asked") == body.replace(b'"gemini-2.5-flash"', b'"asked"')
    for case in CASES:
        body = content(case, "gemini.response.json")
        seen, parsed = FORMAT.survey(body), FORMAT.parse_response(body)
        assert seen is None or (seen.model, seen.usage) == (parsed.model, parsed.usage)
    assert FORMAT.survey(content("text", "gemini.response.json")) is not None
