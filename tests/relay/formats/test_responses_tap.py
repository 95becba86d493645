"""Responses streams and bodies that pass through: nothing changes but what must."""

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
from relay.formats.openai_responses.passthrough import ResponsesTap
from relay.framing import SSE, Frame
from relay.neutral import Usage

FORMAT = FORMATS["openai_responses"]
UPSTREAM = "gpt-4o-2024-08-06"
CASES = [case for case, name in having("response.json") if name == "openai_responses"]
USAGE = Usage(Counts(3, 1, 2, 1))


def frame(type: str, **fields: Any) -> Frame:
    data = json.dumps({"type": type, **fields}, separators=(",", ":")).encode()
    return Frame(type, data, b"event: " + type.encode() + b"\ndata: " + data + b"\n\n")


def response(**fields: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "created_at": 7, "model": UPSTREAM, **fields}


@pytest.mark.parametrize("case", CASES)
def test_a_stream_passes_byte_for_byte_and_its_ending_last(case: str) -> None:
    stream = content(case, "openai_responses.stream.txt")
    tap = ResponsesTap(UPSTREAM, True)
    out = b"".join(tap.feed(one) for one in frames(stream))
    assert b"response.completed" not in out and b"response.incomplete" not in out
    assert out + tap.end(USAGE) == stream
    expected = answer(case, view(case, "openai_responses").answers)
    assert told(tap.usage) == expected.usage
    assert tap.finished and tap.stop_seen and tap.error is None
    assert all(text in "".join(tap.text) for text in expected.texts)
    assert tap.first_token == bool(tap.text)
    tap.clear_text()
    assert not tap.text


def test_the_stream_carries_the_name_that_was_asked_for_and_is_else_unchanged() -> None:
    stream = content("text", "openai_responses.stream.txt")
    tap = ResponsesTap('my "model"', True)
    out = b"".join(tap.feed(one) for one in frames(stream)) + tap.end(None)
    assert out == stream.replace(b'"model":"gpt-4o-2024-08-06"', b'"model":"my \\"model\\""')


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"response.created","response":{"id":"r","model":"up","metadata":{"model":"up"}}}',
        b'{"type":"response.created", "response": { "id":"r" , "model" : "up" }}',
        b'{"type":"response.created","response":{"id":"r","model":"\\u0075p"}}',
        b'{"type":"response.created","response":{"id":"r","model":"up","model":"up"}}',
        b'{"type":"response.created","response":{"id":"r","model":"up","x":"\\ud800"}}',
        b'{"type":"response.created","response":{"id":"r","model":"up","x":NaN}}',
        b'{"type":"response.created","response":{"id":"r","model":"up","tools":[{"parameters":{"model":"up"}}]}}',
    ],
)
def test_the_upstreams_name_never_shows(data: bytes) -> None:
    tap = ResponsesTap("asked", True)
    for one in frames(b"data: " + data + b"\n\n") + frames(b": x\r\ndata: " + data + b"\r\n\r\n"):
        (out,) = frames(tap.feed(one))
        got, was = json.loads(out.data), json.loads(data)
        assert got["response"].pop("model") == "asked" and was["response"].pop("model") == "up"
        assert got == was or b"ud800" in data or b"NaN" in data


def test_counts_that_the_upstream_left_out_are_put_into_the_ending() -> None:
    tap = ResponsesTap("asked", True)
    tap.feed(frame("response.completed", response=response(output=[], usage=None, status="completed")))
    value = json.loads(frames(tap.end(USAGE))[0].data)
    assert value["response"]["usage"]["total_tokens"] == 7 and value["response"]["model"] == "asked"
    assert b'"usage":null' in tap.end(None)


def test_an_answer_that_comes_all_at_once_is_heard_and_counted() -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
              {"type": "function_call", "name": "f", "arguments": "{}"}]  # fmt: skip
    tap = ResponsesTap("asked", True)
    tap.feed(frame("response.completed", response=response(output=output)))
    assert tap.text == ["Hi", "f", "{}"] and tap.first_token


def test_searches_are_counted_though_the_ending_does_not_repeat_them() -> None:
    search = {"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "x"}}
    opened = {**search, "action": {"type": "open_page"}}
    counts = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    sent = [*(frame("response.output_item.done", item=item) for item in (search, search, opened)),
            frame("response.completed", response=response(output=[], usage=counts))]  # fmt: skip
    tap, reader = ResponsesTap("asked", True), FORMAT.reader()
    happened = [event for one in sent for event in reader.feed(one)]
    for one in sent:
        tap.feed(one)
    assert tap.usage is not None and tap.usage.further.calls == {"web_search": 2}
    assert getattr(happened[-1], "usage", None) == tap.usage


@pytest.mark.parametrize(
    ("type", "said"),
    [
        ("response.output_text.delta", True),
        ("response.refusal.delta", True),
        ("response.reasoning_summary_text.delta", True),
        ("response.reasoning_text.delta", True),
        ("response.function_call_arguments.delta", True),
        ("response.custom_tool_call_input.delta", True),
        ("response.code_interpreter_call_code.delta", True),
        ("response.of_next_month.delta", True),
        ("response.audio.delta", False),
        ("response.output_text.done", False),
    ],
)
def test_all_that_is_generated_is_text_for_counting(type: str, said: bool) -> None:
    tap = ResponsesTap("asked", True)
    assert tap.feed(frame(type, delta="Hi", text="Hi")) != b""
    assert (tap.text, tap.first_token) == (["Hi"] if said else [], said)


@pytest.mark.parametrize(
    ("code", "status", "shown"),
    [("context_length_exceeded", 400, "context_length_exceeded"), ("server_error", 502, "server_error"),
     ("rate_limit_exceeded", 429, "rate_limit_exceeded"), ("<b>", 502, "server_error")],
)  # fmt: skip
def test_a_response_that_failed_is_an_error_whose_code_the_caller_sees(code: str, status: int, shown: str) -> None:
    tap = ResponsesTap("asked", True)
    tap.feed(frame("response.created", response=response(), sequence_number=0))
    failed = response(status="failed", error={"code": code, "message": "Wrong: sk-abcdef123456"})
    assert tap.feed(frame("response.failed", response=failed, sequence_number=1)) == b""
    assert tap.error is not None and (tap.error.status, tap.error.message) == (status, "Wrong: [key]")
    assert not tap.finished and tap.feed(frame("response.output_text.delta", delta="x")) == b""
    first, last = frames(tap.fail(Problem(502, "upstream_error", "It broke off.")))
    value = json.loads(first.data)["response"]
    assert (first.event, value["status"], value["id"], value["model"]) == (
        "response.failed",
        "failed",
        "resp_1",
        "asked",
    )
    assert value["error"] == {"code": shown, "message": "It broke off."}
    assert last.event == "error" and json.loads(last.data)["error"]["message"] == "It broke off."
    assert [json.loads(one.data)["sequence_number"] for one in (first, last)] == [1, 2]


def test_failing_before_anything_came_is_one_event() -> None:
    (only,) = frames(ResponsesTap("asked", True).fail(Problem(503, "overloaded", "Busy.")))
    assert (only.event, json.loads(only.data)["message"]) == ("error", "Busy.")


@given(
    st.lists(st.integers(1, 400), max_size=12),
    st.sampled_from(["text", "tool_call", "encrypted_reasoning", "freeform_tool"]),
)
@settings(max_examples=60, deadline=None)
def test_the_short_way_gives_the_same_as_the_long_one(sizes: list[int], case: str) -> None:
    stream = content(case, "openai_responses.stream.txt")
    short, long = ResponsesTap("asked", True), ResponsesTap("asked", True)
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
    delta = frame("response.output_text.delta", delta="Hi", sequence_number=1).raw
    for other in (frame("response.completed", response=response()).raw, frame("error", message="x").raw, b": ping\n\n",
                  frame("response.output_text.delta", delta=5, sequence_number=1).raw, delta[:-1], b"data: [DONE]\n\n",
                  b'event: response.output_text.delta\ndata: {"type":"error","delta":"x","sequence_number":1}\n\n',
                  delta.replace(b"\ndata", b"\nid: 5\ndata")):  # fmt: skip
        tap = ResponsesTap("asked", True)
        assert tap.plain(delta + delta + other) == (2 * len(delta), delta + delta)
        assert tap.text == ["Hi", "Hi"] and tap.first_token
    tap.feed(frame("response.completed", response=response()))
    assert tap.plain(delta) == (0, b"")


def test_a_request_passes_byte_for_byte_but_for_the_model() -> None:
    body = b'{ "model": "m", "input":[{"type":"of_next_month","x":1.0}],"later": {"a" :1}, "stream":true}'
    seen = FORMAT.glance(body, None, None)
    assert FORMAT.patch_request is not None
    assert FORMAT.patch_request(body, seen, "m") is body
    assert FORMAT.patch_request(body, seen, "up") == body.replace(b'"m"', b'"up"')


@pytest.mark.parametrize("case", CASES)
def test_a_usual_answer_is_surveyed_as_it_is_read(case: str) -> None:
    body = content(case, "openai_responses.response.json")
    assert FORMAT.survey is not None and FORMAT.patch_response is not None
    seen, whole = FORMAT.survey(body), FORMAT.parse_response(body)
    assert seen is not None and (seen.model, seen.usage) == (whole.model, whole.usage)
    assert FORMAT.patch_response(body, "asked") == body.replace(b'"model": "gpt-4o-2024-08-06"', b'"model": "asked"')


@pytest.mark.parametrize(
    "change",
    [{"error": {"message": "x"}}, {"status": "failed"}, {"status": "queued"}, {"usage": None}, {"output": [1]},
     {"output": {}}, {"model": None}, {"usage": {}}],
)  # fmt: skip
def test_an_unusual_answer_is_left_to_careful_reading(change: dict[str, Any]) -> None:
    body = {**json.loads(content("text", "openai_responses.response.json")), **change}
    assert FORMAT.survey is not None and FORMAT.survey(json.dumps(body).encode()) is None
