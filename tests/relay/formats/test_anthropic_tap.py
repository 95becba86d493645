"""Claude's streams and bodies that pass through: nothing changes but what must."""

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
from relay.formats.anthropic.passthrough import MessageTap
from relay.framing import SSE, Frame
from relay.neutral import Further, Usage

FORMAT = FORMATS["anthropic"]
UPSTREAM = "claude-sonnet-4-5"
CASES = [case for case, name in having("response.json") if name == "anthropic"]
USAGE = Usage(Counts(3, 1, 2, 1))


def frame(type: str, **fields: Any) -> Frame:
    data = json.dumps({"type": type, **fields}, separators=(",", ":")).encode()
    return Frame(type, data, b"event: " + type.encode() + b"\ndata: " + data + b"\n\n")


def delta(**fields: Any) -> Frame:
    return frame("content_block_delta", index=0, delta=fields)


def start(**fields: Any) -> Frame:
    return frame("message_start", message={"id": "msg_1", "type": "message", "model": UPSTREAM, **fields})


ENDED = frame("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5})
STOPPED = frame("message_stop")


@pytest.mark.parametrize("case", CASES)
def test_a_stream_passes_byte_for_byte_and_its_ending_last(case: str) -> None:
    stream = content(case, "anthropic.stream.txt")
    tap = MessageTap(UPSTREAM, True)
    out = b"".join(tap.feed(one) for one in frames(stream))
    assert b"message_delta" not in out and b"message_stop" not in out
    assert out + tap.end(USAGE) == stream
    expected = answer(case, view(case, "anthropic").answers)
    assert told(tap.usage) == expected.usage
    assert tap.finished and tap.stop_seen and tap.error is None
    plain = [text for text in expected.texts if not text.startswith("{")]
    assert all(text in "".join(tap.text) for text in plain)
    tap.clear_text()
    assert not tap.text


def test_the_stream_carries_the_name_that_was_asked_for_and_is_else_unchanged() -> None:
    stream = content("text", "anthropic.stream.txt")
    tap = MessageTap('my "model"', True)
    out = b"".join(tap.feed(one) for one in frames(stream)) + tap.end(None)
    assert json.loads(frames(out)[0].data)["message"]["model"] == 'my "model"'
    head = len(frames(stream)[0].raw)
    assert out.endswith(stream[head:])
    tight = start().raw + stream[head:]
    tap = MessageTap('my "model"', True)
    out = b"".join(tap.feed(one) for one in frames(tight)) + tap.end(None)
    assert out == tight.replace(b'"model":"claude-sonnet-4-5"', b'"model":"my \\"model\\""')


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"message_start","message":{"id":"r","model":"up","metadata":{"model":"up"}}}',
        b'{"type":"message_start", "message": { "id":"r" , "model" : "up" }}',
        b'{"type":"message_start","message":{"id":"r","model":"\\u0075p"}}',
        b'{"type":"message_start","message":{"id":"r","model":"up","model":"up"}}',
        b'{"type":"message_start","message":{"id":"r","model":"up","x":"\\ud800"}}',
        b'{"type":"message_start","message":{"id":"r","model":"up","x":NaN}}',
    ],
)
def test_the_upstreams_name_never_shows(data: bytes) -> None:
    tap = MessageTap("asked", True)
    for one in frames(b"data: " + data + b"\n\n") + frames(b": x\r\ndata: " + data + b"\r\n\r\n"):
        (out,) = frames(tap.feed(one))
        got, was = json.loads(out.data), json.loads(data)
        assert got["message"].pop("model") == "asked" and was["message"].pop("model") == "up"
        assert got == was or b"ud800" in data or b"NaN" in data


def test_counts_that_the_upstream_left_out_are_put_into_the_ending() -> None:
    tap = MessageTap("asked", True)
    bare = frame("message_delta", delta={"stop_reason": "end_turn", "later": 1})
    assert b"".join(tap.feed(one) for one in (start(), bare, frame("ping"), STOPPED)).count(b"event:") == 1
    first, *rest = frames(tap.end(USAGE))
    value = json.loads(first.data)
    assert value["usage"]["output_tokens"] == 3 and value["delta"] == {"stop_reason": "end_turn", "later": 1}
    assert [one.raw for one in rest] == [frame("ping").raw, STOPPED.raw]
    assert tap.end(None) == bare.raw + frame("ping").raw + STOPPED.raw


def test_what_the_beginning_of_a_stream_told_is_no_count_of_its_output() -> None:
    tap = MessageTap("asked", True)
    tap.feed(start(usage={"input_tokens": 10, "output_tokens": 1}))
    assert tap.usage is not None and tap.usage.counts == Counts(10, 0, 1) and tap.usage.partial
    tap.feed(delta(type="text_delta", text="Hello"))
    tap.feed(frame("message_delta", delta={"stop_reason": "end_turn"}))
    assert tap.stop_seen and tap.usage.partial
    assert b'"output_tokens":2' in tap.end(Usage(Counts(10, 0, 2)))
    tap.feed(frame("message_delta", delta={}, usage={"output_tokens": 7}))
    assert told(tap.usage) == Usage(Counts(10, 0, 7))


def test_a_stream_that_stops_without_its_last_event_gets_it() -> None:
    tap = MessageTap("asked", True)
    assert tap.feed(ENDED) == b"" and tap.stop_seen and not tap.finished
    assert [one.event for one in frames(tap.end(None))] == ["message_delta", "message_stop"]


def test_counts_come_from_the_beginning_and_the_end_of_a_stream() -> None:
    split = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
    begun = {"input_tokens": 10, "cache_creation_input_tokens": 7, "cache_creation": split,
             "cache_read_input_tokens": 90, "output_tokens": 1, "service_tier": "priority"}  # fmt: skip
    ended = {"input_tokens": None, "output_tokens": 25, "output_tokens_details": {"thinking_tokens": 20},
             "server_tool_use": {"web_search_requests": 1}}  # fmt: skip
    tap, reader = MessageTap("asked", True), FORMAT.reader()
    sent = (start(usage=begun), frame("message_delta", delta={"stop_reason": "end_turn"}, usage=ended), STOPPED)
    happened = [event for one in sent for event in reader.feed(one)]
    for one in sent:
        tap.feed(one)
    assert told(tap.usage) == Usage(
        Counts(17, 90, 5, 20),
        further=Further(cache_write_5m=3, cache_write_1h=4, calls={"web_search": 1}),
        tier="priority",
    )
    assert getattr(happened[-1], "usage", None) == tap.usage


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (delta(type="text_delta", text="Hi"), ["Hi"]),
        (delta(type="thinking_delta", thinking="Hi"), ["Hi"]),
        (delta(type="input_json_delta", partial_json="{"), ["{"]),
        (delta(type="signature_delta", signature="x"), []),
        (delta(type="later_delta", text="Hi"), ["Hi"]),
        (frame("content_block_start", index=0, content_block={"type": "text", "text": "Hi"}), ["Hi"]),
        (frame("content_block_start", index=0, content_block={"type": "text", "text": ""}), []),
        (frame("content_block_start", index=0, content_block={"type": "tool_use", "name": "f", "input": {"a": 1}}),
         ["f", '{"a":1}']),
        (frame("ping"), []),
        (frame("later", text="Hi"), []),
    ],
)  # fmt: skip
def test_all_that_is_generated_is_text_for_counting(one: Frame, text: list[str]) -> None:
    tap = MessageTap("asked", True)
    assert tap.feed(one) == one.raw
    assert (tap.text, tap.first_token) == (text, bool(text))


def test_a_hidden_thought_is_a_beginning_too() -> None:
    tap = MessageTap("asked", True)
    tap.feed(frame("content_block_start", index=0, content_block={"type": "redacted_thinking", "data": "x"}))
    assert tap.first_token and tap.text == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [("overloaded_error", 529), ("rate_limit_error", 429), ("invalid_request_error", 400), ("api_error", 502),
     ("of_next_month", 502), (5, 502)],
)  # fmt: skip
def test_an_error_amid_a_stream_is_known_by_its_type(kind: Any, status: int) -> None:
    tap, reader = MessageTap("asked", True), FORMAT.reader()
    tap.feed(start())
    broken = frame("error", error={"type": kind, "message": "Wrong: sk-abcdef123456"})
    assert tap.feed(broken) == b""
    assert tap.error is not None and (tap.error.status, tap.error.message) == (status, "Wrong: [key]")
    assert reader.feed(broken) == [tap.error]
    assert not tap.finished and tap.feed(delta(type="text_delta", text="x")) == b""
    (only,) = frames(tap.fail(Problem(503, "overloaded", "Busy.")))
    assert (only.event, json.loads(only.data)["error"]) == ("error", {"type": "overloaded_error", "message": "Busy."})


@given(
    st.lists(st.integers(1, 400), max_size=12),
    st.sampled_from(["text", "tool_call", "thinking_signature", "parallel_tools"]),
)
@settings(max_examples=60, deadline=None)
def test_the_short_way_gives_the_same_as_the_long_one(sizes: list[int], case: str) -> None:
    stream = b"".join(
        b"event: %b\ndata: %b\n\n" % (one.event.encode(), json.dumps(json.loads(one.data)).encode())
        for one in frames(content(case, "anthropic.stream.txt"))
    )
    short, long = MessageTap("asked", True), MessageTap("asked", True)
    expected = b"".join(long.feed(one) for one in frames(stream)) + long.end(None)
    decoder, out, at = SSE(), b"", 0
    for size in [*sizes, len(stream)]:
        data = stream[at : at + size]
        at += size
        if not decoder.pending:
            taken, passed = short.plain(data)
            out, data = out + passed, data[taken:]
        out += b"".join(short.feed(one) for one in decoder.feed(data))
    assert out + short.end(None) == expected
    assert ("".join(short.text), short.usage, short.finished) == ("".join(long.text), long.usage, long.finished)


def test_the_short_way_takes_text_and_nothing_else() -> None:
    text = delta(type="text_delta", text="Hi").raw
    for other in (ENDED.raw, frame("error", message="x").raw, b": ping\n\n", delta(type="text_delta", text=5).raw,
                  delta(type="signature_delta", signature="x").raw, text[:-1], b"data: [DONE]\n\n", frame("ping").raw,
                  b'event: content_block_delta\ndata: {"type":"error","delta":{"type":"text_delta","text":"x"}}\n\n',
                  text.replace(b"\ndata", b"\nid: 5\ndata")):  # fmt: skip
        tap = MessageTap("asked", True)
        assert tap.plain(text + text + other) == (2 * len(text), text + text)
        assert tap.text == ["Hi", "Hi"] and tap.first_token
    tap.feed(ENDED)
    assert tap.plain(text) == (0, b"")


def test_a_request_passes_byte_for_byte_but_for_the_model() -> None:
    body = (
        b'{ "model": "m", "max_tokens":5,"messages":[{"role":"user","content":[{"type":"of_next_month","x":1.0,'
        b'"cache_control":{"type":"later"}}]}],"later": {"a" :1}, "stream":true}'
    )
    seen = FORMAT.glance(body, None, None)
    assert FORMAT.patch_request is not None
    assert FORMAT.patch_request(body, seen, "m") is body
    assert FORMAT.patch_request(body, seen, "up") == body.replace(b'"m"', b'"up"')


@pytest.mark.parametrize("case", CASES)
def test_a_usual_answer_is_surveyed_as_it_is_read(case: str) -> None:
    body = content(case, "anthropic.response.json")
    assert FORMAT.survey is not None and FORMAT.patch_response is not None
    seen, whole = FORMAT.survey(body), FORMAT.parse_response(body)
    assert seen is not None and (seen.model, seen.usage) == (whole.model, whole.usage)
    assert FORMAT.patch_response(body, "asked") == body.replace(b'"model": "claude-sonnet-4-5"', b'"model": "asked"')


@pytest.mark.parametrize(
    "change",
    [{"error": {"message": "x"}}, {"type": "error"}, {"type": None}, {"usage": None}, {"usage": {}}, {"content": {}},
     {"model": None}, {"usage": {"input_tokens": -1, "output_tokens": 3}}],
)  # fmt: skip
def test_an_unusual_answer_is_left_to_careful_reading(change: dict[str, Any]) -> None:
    body = {**json.loads(content("text", "anthropic.response.json")), **change}
    assert FORMAT.survey is not None and FORMAT.survey(json.dumps(body).encode()) is None
