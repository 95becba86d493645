"""OpenAI streams and bodies that pass through: nothing changes but what must."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import answer, content, frames, having, told, view
from hypothesis import given, settings
from hypothesis import strategies as st

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Tap
from relay.framing import SSE, Frame
from relay.neutral import Usage

FORMAT = FORMATS["openai_chat"]
UPSTREAM = "gpt-4o-2024-08-06"


def tap(model: str = UPSTREAM, include_usage: bool = False) -> Tap:
    assert FORMAT.tap is not None
    return FORMAT.tap(model, include_usage)


def event(**fields: Any) -> Frame:
    data = json.dumps({"id": "c-1", "created": 7, "model": UPSTREAM, **fields}, separators=(",", ":")).encode()
    return Frame("", data, b"data: " + data + b"\n\n")


def piece(delta: dict[str, Any], finish: str | None = None, index: int = 0, **fields: Any) -> Frame:
    return event(choices=[{"index": index, "delta": delta, "finish_reason": finish}], **fields)


DONE = Frame("", b"[DONE]", b"data: [DONE]\n\n")
COUNTS = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
COUNTED = event(choices=[], usage=COUNTS)


@pytest.mark.parametrize("case", [case for case, name in having("response.json") if name == "openai_chat"])
def test_a_caller_who_asks_for_usage_gets_every_byte_of_the_stream(case: str) -> None:
    stream = content(case, "openai_chat.stream.txt")
    listening = tap(include_usage=True)
    out = b"".join(listening.feed(frame) for frame in frames(stream))
    assert b"prompt_tokens" not in out and b"[DONE]" not in out
    assert out + listening.end(None) == stream
    expected = answer(case, view(case, "openai_chat").answers)
    assert told(listening.usage) == expected.usage
    assert listening.finished and listening.stop_seen and listening.error is None
    assert sorted("".join(listening.text)) == sorted("".join(expected.texts))
    assert listening.first_token == bool(listening.text)


def test_a_caller_who_does_not_ask_gets_all_but_the_usage_chunk() -> None:
    found = frames(content("text", "openai_chat.stream.txt"))
    listening = tap()
    out = b"".join(listening.feed(frame) for frame in found) + listening.end(None)
    assert out == b"".join(frame.raw for frame in found if b"prompt_tokens" not in frame.data)
    assert listening.usage is not None


def test_the_stream_carries_the_name_that_was_asked_for_and_is_else_unchanged() -> None:
    stream = content("text", "openai_chat.stream.txt")
    listening = tap('my "model"', include_usage=True)
    out = b"".join(listening.feed(frame) for frame in frames(stream)) + listening.end(None)
    assert out == stream.replace(b'"model":"gpt-4o-2024-08-06"', b'"model":"my \\"model\\""')


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[{"index":0,"delta":{"content":"\\"model\\":\\"up\\""}}],"model":"up"}',
        b'{"choices":[{"index":0,"delta":{"content":"x","model":"up"}}],"model":"up"}',
        b'{ "model" : "up", "choices": [] }',
        b'{"model":"\\u0075p"}',
        b'{"model":"up","model":"up"}',
        b'{"model":"up","x":"\\ud800"}',
        b'{"model":"up","x":NaN}',
    ],
)
def test_the_upstreams_name_never_shows(data: bytes) -> None:
    listening = tap("asked")
    for frame in frames(b"data: " + data + b"\n\n") + frames(b": x\r\ndata: " + data + b"\r\n\r\n"):
        (out,) = frames(listening.feed(frame))
        got, was = json.loads(out.data), json.loads(data)
        assert got.pop("model") == "asked" and was.pop("model") == "up"
        assert got == was or b"ud800" in data or b"NaN" in data


def test_the_ending_is_held_until_the_charge_is_committed() -> None:
    listening = tap(include_usage=True)
    assert listening.feed(piece({"content": "Hi"})) and listening.feed(piece({}, "stop"))
    assert listening.stop_seen and not listening.finished
    late = event(choices=[], later=True)
    assert [listening.feed(frame) for frame in (COUNTED, late, DONE, DONE, COUNTED)] == [b""] * 5
    assert listening.end(None) == COUNTED.raw + late.raw + DONE.raw


def test_what_the_upstream_leaves_out_of_the_ending_is_made_up() -> None:
    listening = tap(include_usage=True)
    listening.feed(piece({"content": "Hi"}, "stop"))
    chunk, done = frames(listening.end(Usage(Counts(input=3, cache_read=1, output=2, reasoning=1))))
    value = json.loads(chunk.data)
    assert (value["id"], value["created"], value["model"], value["choices"]) == ("c-1", 7, UPSTREAM, [])
    assert (value["usage"]["prompt_tokens"], value["usage"]["completion_tokens"]) == (4, 3)
    assert done.data == b"[DONE]"
    quiet = tap()
    quiet.feed(piece({"content": "Hi"}, "stop"))
    assert quiet.end(Usage(Counts(1, 2, 3, 4))) == DONE.raw


def test_usage_in_a_chunk_with_choices_is_seen_and_passed_on_once() -> None:
    listening = tap(include_usage=True)
    last = piece({}, "stop", usage=COUNTS)
    assert listening.feed(piece({"content": "Hi"}, usage={**COUNTS, "completion_tokens": 1})) != b""
    assert listening.feed(last) == last.raw
    assert listening.usage == Usage(Counts(input=5, output=2), False, COUNTS)
    assert listening.end(listening.usage) == DONE.raw


def test_counts_in_the_middle_do_not_stop_the_stream() -> None:
    listening = tap(include_usage=True)
    assert listening.feed(COUNTED) == COUNTED.raw
    assert listening.feed(piece({"content": "Hi"})) != b""


def test_several_choices_have_stopped_when_the_last_one_has() -> None:
    listening = tap()
    for frame in (piece({"content": "a"}), piece({"content": "b"}, index=1), piece({}, "stop", 1)):
        assert listening.feed(frame) == frame.raw
    assert not listening.stop_seen
    listening.feed(piece({}, "length"))
    assert listening.stop_seen


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "Hi"},
        {"content": [{"type": "text", "text": "Hi"}]},
        {"refusal": "Hi"},
        {"reasoning_content": "Hi"},
        {"reasoning": "Hi", "content": ""},
        {"tool_calls": [{"index": 0, "function": {"name": "H", "arguments": "i"}}]},
        {"function_call": {"name": "H", "arguments": "i"}},
    ],
)
def test_all_that_is_generated_is_text_for_counting(delta: dict[str, Any]) -> None:
    listening = tap()
    listening.feed(piece({"role": "assistant", "content": ""}))
    assert not listening.first_token
    listening.feed(piece(delta))
    assert listening.first_token and "".join(listening.text) == "Hi"
    listening.clear_text()
    assert listening.text == [] and listening.first_token


@pytest.mark.parametrize(
    ("stream", "status"),
    [
        (b'data: {"error":{"message":"Busy","code":429}}\n\n', 429),
        (b'data: {"error":{"message":"Busy","code":"overloaded"}}\n\n', 502),
        (b'data: {"error":"Busy"}\n\n', 502),
        (b'event: error\ndata: {"message":"Busy"}\n\n', 502),
        (b'data: {"object":"error","message":"Busy","code":503}\n\n', 503),
        (b"data: <html>\n\n", 502),
        (b"data: [1]\n\n", 502),
        (b'data: {"choices":[1]}\n\n', 502),
        (b'data: {"choices":' + b"[" * 100_000 + b"\n\n", 502),
    ],
)
def test_an_error_inside_the_stream_is_noticed_and_not_passed_on(stream: bytes, status: int) -> None:
    listening = tap()
    (frame,) = frames(stream)
    assert listening.feed(frame) == b""
    assert listening.error is not None and listening.error.status == status
    assert listening.text == [] and not listening.finished
    reader = FORMAT.reader()
    assert reader.feed(frame) == [listening.error]


def test_empty_data_is_no_event() -> None:
    listening = tap()
    assert [listening.feed(frame) for frame in frames(b"data:\n\ndata:  \n\n")] == [b"", b""]
    assert listening.error is None


def test_failing_sends_the_callers_error_event_and_no_ending() -> None:
    listening = tap()
    listening.feed(piece({"content": "Hi"}))
    (frame,) = frames(listening.fail(Problem(502, "upstream_error", "Broke off.")))
    assert json.loads(frame.data)["error"]["code"] == "upstream_error"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 400))
def test_whatever_comes_neither_tap_nor_reader_raises(junk: bytes, at: int) -> None:
    stream = content("text", "openai_chat.stream.txt")
    for name, mixed in (("tap", stream[:at] + junk + stream[at:]), ("junk", b"data: " + junk + b"\n\n")):
        decoder, listening, reader = SSE(), tap(), FORMAT.reader()
        for frame in decoder.feed(mixed) + decoder.close():
            listening.feed(frame)
            reader.feed(frame)
        assert listening.end(None).endswith(DONE.raw), name
        reader.close()


_word = st.text(max_size=3)
_any = st.recursive(
    st.none() | st.integers() | _word,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_word, inner, max_size=2),
)


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_types_a_vendor_sends_no_reader_raises(name: str, data: st.DataObject) -> None:
    keys = ("choices", "delta", "usage", "index", "content", "message", "type", "candidates", "parts", "usageMetadata",
            "error", "finish_reason", "content_block", "code", "model", "promptFeedback", "finishReason")  # fmt: skip
    shape = st.recursive(_any, lambda inner: st.lists(inner, max_size=2)
                         | st.fixed_dictionaries({}, optional=dict.fromkeys(keys, inner)))  # fmt: skip
    kinds = st.sampled_from(["message_start", "message_delta", "content_block_start", "content_block_delta"])
    value = data.draw(shape)
    if isinstance(value, dict) and data.draw(st.booleans()):
        value["type"] = data.draw(kinds)
    raw = json.dumps(value).encode()
    reader, listening = FORMATS[name].reader(), tap()
    reader.feed(Frame("", raw, b"data: " + raw + b"\n\n"))
    listening.feed(Frame("", raw, b"data: " + raw + b"\n\n"))
    try:
        FORMATS[name].parse_response(raw)
    except Exception as error:
        assert type(error).__name__ == "Garbage"


def test_a_request_passes_with_the_upstreams_name_and_every_other_byte() -> None:
    assert FORMAT.patch_request is not None
    body = b'{ "field_of_next_month" : {"model":"x"} , "model" :  "asked", "messages":[{"role":"user"}] }'
    glance = FORMAT.glance(body, None, None)
    assert FORMAT.patch_request(body, glance, "up") == body.replace(b'"asked"', b'"up"')
    assert FORMAT.patch_request(body, glance, "asked") is body


@pytest.mark.parametrize(
    ("given_options", "sent"),
    [
        (None, {"include_usage": True}),
        ("null", {"include_usage": True}),
        ("{}", {"include_usage": True}),
        ('{"include_usage":false,"later":[1]}', {"include_usage": True, "later": [1]}),
        ('{"include_usage":true,"include_usage":false}', {"include_usage": True}),
    ],
)
def test_usage_is_asked_for_beside_the_callers_own_options(given_options: str | None, sent: dict[str, Any]) -> None:
    assert FORMAT.patch_request is not None
    options = f',"stream_options": {given_options}' if given_options else ""
    turns = [{"role": "user", "content": "Hi"}]
    body = f'{{"model":"m","stream":true,"messages":{json.dumps(turns)}{options}}}'.encode()
    out = FORMAT.patch_request(body, FORMAT.glance(body, None, None), "up")
    expected = {"model": "up", "stream": True, "messages": turns, "stream_options": sent}
    assert json.loads(out, object_pairs_hook=_once) == expected


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_an_answer_passes_under_the_name_that_was_asked_for() -> None:
    assert FORMAT.patch_response is not None
    body = content("text", "openai_chat.response.json")
    assert FORMAT.patch_response(body, "asked") == body.replace(b'"model": "gpt-4o-2024-08-06"', b'"model": "asked"')
    for odd in (b"", b"[]", b"{}", b"<html>", b'{"a":1}'):
        assert FORMAT.patch_response(odd, "asked") == odd
    assert json.loads(FORMAT.patch_response(b'{"model":"up","x":"\\ud800","model":"up"}', "asked"))["model"] == "asked"


_pieces = st.sampled_from(
    [
        piece({"role": "assistant", "content": ""}),
        piece({"content": "Hé"}),
        piece({"content": "more"}, index=1),
        piece({"content": "odd"}, index=-1),
        piece({"content": 'says "model":"x"'}),
        piece({"content": None}),
        piece({"content": [{"type": "text", "text": "listed"}]}),
        piece({"content": "a", "reasoning_content": "b"}),
        piece({"content": "", "audio": {"transcript": "b"}}),
        piece({"content": "", "reasoning_details": [{"type": "reasoning.text", "text": "b"}]}),
        piece({"content": "a", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}),
        piece({"content": "nested"}, extra={"model": UPSTREAM}),
        piece({"content": "other"}, model="another"),
        piece({"content": "nameless"}, model=None),
        piece({"content": "end"}, "stop"),
        piece({"content": "both"}, usage=COUNTS),
        event(choices=[]),
        event(error={"message": "down"}, choices=None),
        COUNTED,
        DONE,
    ]
)
_raw = st.sampled_from(
    [
        b": ping\n\n",
        b"data:\n\n",
        b"data: {not json}\n\n",
        b'data: {"choices":\ndata: []}\n\n',
        b"event: x\ndata: {}\n\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_pieces.map(lambda frame: frame.raw) | _raw, max_size=8), st.booleans(), st.booleans(), st.data())
def test_the_short_way_passes_on_what_the_long_one_does(
    raws: list[bytes], renamed: bool, include_usage: bool, data: st.DataObject
) -> None:
    name = "asked" if renamed else UPSTREAM
    long, short = tap(name, include_usage), tap(name, include_usage)
    decoder, out, stream = SSE(), b"", b"".join(raws)
    expected = b"".join(long.feed(frame) for frame in frames(stream))
    ends = [sum(map(len, raws[:n])) for n in range(len(raws) + 1)]
    cuts = sorted(data.draw(st.lists(st.sampled_from(ends) | st.integers(0, len(stream)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        part = stream[start:end]
        if not decoder.pending and not (short.finished or short.error):
            size, passed = short.plain(part)
            out, part = out + passed, part[size:]
        out += b"".join(short.feed(frame) for frame in decoder.feed(part))
    assert out == expected
    assert (short.text, short.usage, short.error) == (long.text, long.usage, long.error)
    assert (short.finished, short.stop_seen, short.first_token) == (long.finished, long.stop_seen, long.first_token)


def test_the_short_way_is_taken_for_text_and_refused_for_an_odd_index() -> None:
    text = piece({"content": "Hi"}).raw
    assert tap().plain(text * 3 + COUNTED.raw) == (3 * len(text), text * 3)
    assert tap().plain(piece({"content": "Hi"}, index=-1).raw) == (0, b"")
