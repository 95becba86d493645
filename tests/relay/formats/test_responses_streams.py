"""Responses streams of vendors that are careless, and of gateways like ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import asked, content, events, frames, written

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Asked
from relay.framing import SSE
from relay.neutral import (
    Arguments,
    Begin,
    Delta,
    End,
    Event,
    Image,
    Opaque,
    Part,
    Refusal,
    Sign,
    Source,
    Start,
    Stop,
    StreamError,
    Text,
    Thinking,
    ToolUse,
    Usage,
    UsageReport,
    fold,
)

SIGNED = Opaque("gemini", "c2ln")
USAGE = Usage(Counts(5, output=2))
COUNTS = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}


def stream(*sent: dict[str, Any], named: bool = True) -> bytes:
    lines = []
    for value in sent:
        head = f"event: {value['type']}\n" if named else ""
        lines.append(f"{head}data: {json.dumps(value)}\n\n")
    return "".join(lines).encode()


def read(*sent: dict[str, Any]) -> list[Event]:
    return events("openai_responses", stream(*sent))


def completed(**fields: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"id": "r", "model": "m", "status": "completed", **fields}}


def incomplete(reason: Any) -> dict[str, Any]:
    return {"type": "response.incomplete", "response": {"incomplete_details": {"reason": reason}}}


def failed(code: str) -> bytes:
    return stream({"type": "response.failed", "response": {"error": {"code": code, "message": "Busy"}}})


def message(*texts: str) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text} for text in texts]}


def delta(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": text, **fields}


def done(item: dict[str, Any], at: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": at, "item": item}


def added(item: dict[str, Any], at: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": at, "item": item}


CALL = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": '{"a":1}'}


@pytest.mark.parametrize(
    ("sent", "parts"),
    [
        ([completed(output=[message("a", "b"), CALL])], (Text("a"), Text("b"), ToolUse("c", "f", '{"a":1}'))),
        ([done(message("a")), completed(output=[message("a")])], (Text("a"),)),
        ([delta("a"), completed()], (Text("a"),)),
        ([{"type": "response.output_text.done", "text": "a"}, completed()], (Text("a"),)),
        ([delta("a"), done(message("ab")), completed()], (Text("ab"),)),
        ([delta("ab", content_index=1), done(message("ab"))], (Text("ab"),)),
        ([added(CALL), completed()], (ToolUse("c", "f", '{"a":1}'),)),
        ([added({**CALL, "arguments": ""}), done(CALL)], (ToolUse("c", "f", '{"a":1}'),)),
        ([{**delta('{"a'), "type": "response.function_call_arguments.delta"}, done(CALL)],
         (ToolUse("c", "f", '{"a":1}'),)),
        ([added({"type": "function_call"}), done(CALL)], (ToolUse("c", "f", '{"a":1}'),)),
        ([done({**CALL, "call_id": None})], (ToolUse("fc", "f", '{"a":1}'),)),
        ([done({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]})], (Refusal("No."),)),
        ([done({"type": "reasoning", "summary": [], "content": [{"text": "hm"}]})], (Thinking("hm"),)),
        ([done({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gA"})],
         (Thinking("", Opaque("openai", "gA"), id="rs"),)),
        ([done({"type": "reasoning", "id": "rs", "summary": []})], ()),
        ([done({"type": "reasoning", "summary": [], "encrypted_content": "oo8.thoughts.%"})], ()),
        ([done({"type": "image_generation_call", "result": None})], ()),
    ],
)  # fmt: skip
def test_what_a_careless_vendor_leaves_out_is_found_elsewhere(
    sent: list[dict[str, Any]], parts: tuple[Part, ...]
) -> None:
    assert fold(read(*sent)).parts == parts


def test_thoughts_in_several_pieces_read_as_the_whole_ones_do() -> None:
    summary = [{"type": "summary_text", "text": text} for text in ("a", "b")]
    item = {"type": "reasoning", "id": "rs", "summary": summary, "encrypted_content": "gA"}
    deltas = [
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": at, "delta": text}
        for at, text in ((0, "a"), (1, "b"))
    ]
    raw = {"type": "response.reasoning_text.delta", "output_index": 0, "delta": "other form"}
    begun = added({**item, "summary": [], "encrypted_content": "g"})
    streamed = fold(read(begun, *deltas, raw, done(item), completed()))
    body = json.dumps({"output": [item]}).encode()
    assert streamed.parts == FORMATS["openai_responses"].parse_response(body).parts
    assert streamed.parts == (Thinking("a\n\nb", Opaque("openai", "gA"), id="rs"),)


def test_items_under_one_number_are_still_two() -> None:
    happened = read(
        added({**CALL, "arguments": ""}),
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{}"},
        added({**CALL, "call_id": "d", "arguments": ""}),
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "[]"},
        completed(output=[CALL, CALL]),
    )
    assert fold(happened).parts == (ToolUse("c", "f", "{}"), ToolUse("d", "f", "[]"))


@pytest.mark.parametrize(
    ("response", "stop"),
    [
        ({"type": "response.completed", "response": {}}, "stop"),
        ({"type": "response.completed", "response": None}, "stop"),
        ({"type": "response.completed", "response": {"status": "in_progress"}}, "stop"),
        (incomplete("max_output_tokens"), "length"),
        (incomplete("content_filter"), "refusal"),
        (incomplete("steered"), "other"),
        (incomplete(5), "other"),
        ({"type": "response.incomplete"}, "other"),
        ({"type": "response.cancelled", "response": {"status": "cancelled"}}, "other"),
    ],
)
def test_every_ending_has_a_reason(response: dict[str, Any], stop: str) -> None:
    reader = FORMATS["openai_responses"].reader()
    happened = [event for frame in frames(stream(response)) for event in reader.feed(frame)]
    assert fold(happened).stop == stop and reader.finished and reader.stop_seen
    assert reader.feed(frames(stream(response))[0]) == []


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (b'event: error\ndata: {"type":"error","code":"server_error","message":"Busy","param":null}\n\n', 502, "Busy"),
        (b'data: {"type":"error","error":{"code":"rate_limit_exceeded","message":"Busy"}}\n\n', 429, "Busy"),
        (b'data: {"type":"error","code":"context_length_exceeded","message":"Too long"}\n\n', 400, "Too long"),
        (b'event: error\ndata: {"message":"Busy"}\n\n', 502, "Busy"),
        (b'data: {"error":{"message":"Busy","code":503}}\n\n', 503, "Busy"),
        (b'data: {"error":"Busy"}\n\n', 502, "Busy"),
        (failed("server_error"), 502, "Busy"),
        (failed("image_too_large"), 400, "Busy"),
        (b'data: {"type":"response.failed"}\n\n', 502, "The provider reported an error."),
        (b'data: {"type":"error","message":"Wrong key sk-abcdef123456"}\n\n', 502, "Wrong key [key]"),
        (b"data: <html>\n\n", 502, "The provider sent an event that is not JSON."),
        (b"data: [1]\n\n", 502, "The provider sent an event that is not JSON."),
        (b"data: " + b"[" * 100_000 + b"\n\n", 502, "The provider sent an event that is not JSON."),
    ],
)  # fmt: skip
def test_an_error_is_an_event_with_its_status(sent: bytes, status: int, message: str) -> None:
    assert events("openai_responses", sent) == [StreamError(message, status)]


def test_comments_carriage_returns_and_a_mark_at_the_start_change_nothing() -> None:
    plain = content("text", "openai_responses.stream.txt")
    changed = b"\xef\xbb\xbf" + b": ping\n\n".join(
        part + b"\n\n" for part in plain.split(b"\n\n")[:-1]
    ).replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n"  # fmt: skip
    assert events("openai_responses", changed) == events("openai_responses", plain)
    unnamed = b"\n".join(line for line in plain.split(b"\n") if not line.startswith(b"event:"))
    assert events("openai_responses", unnamed) == events("openai_responses", plain)


def test_a_huge_event_is_read() -> None:
    text = "x" * 1_000_000
    sent = stream({"type": "response.output_text.delta", "output_index": 0, "delta": text}, completed())
    decoder, reader, found = SSE(), FORMATS["openai_responses"].reader(), list[Event]()
    for at in range(0, len(sent), 65_536):
        found += [event for frame in decoder.feed(sent[at : at + 65_536]) for event in reader.feed(frame)]
    assert fold(found).parts == (Text(text),)


def test_unknown_events_and_fields_pass_by() -> None:
    happened = read(
        {"type": "response.of_next_month", "delta": "?", "item": {"type": "?"}},
        {"type": "response.web_search_call.searching", "output_index": 0},
        {"type": "response.output_text.delta", "delta": "a", "later": {"b": 1}},
        completed(usage=COUNTS),
    )
    assert fold(happened).parts == (Text("a"),)
    assert happened[-1] == UsageReport(Usage(Counts(5, output=2), raw=COUNTS))


CUSTOM = Asked("m", 1, "req-1", fields=FORMATS["openai_responses"].glance(
    b'{"model":"m","input":"Hi","tools":[{"type":"custom","name":"patch"},{"type":"function","name":"f"}]}', None, None
).fields)  # fmt: skip


@pytest.mark.parametrize("pieces", [['{"input":"*** Begin\\n"}'], ['{"in', 'put":"*** Begin\\n"', "}"]])
def test_a_custom_tool_that_another_vendor_calls_with_json_gets_its_text(pieces: list[str]) -> None:
    writer = FORMATS["openai_responses"].writer(CUSTOM)
    happened: list[Event] = [Start(), Begin(ToolUse("c", "patch")), *(Arguments(piece) for piece in pieces), End(),
                             Begin(ToolUse("d", "f")), Arguments("{}", 1), Stop("tools")]  # fmt: skip
    out = b"".join(writer.feed(event) for event in happened) + writer.end(USAGE)
    found = [json.loads(frame.data) for frame in frames(out)]
    first, second = found[-1]["response"]["output"]
    assert (first["type"], first["input"]) == ("custom_tool_call", "*** Begin\n")
    assert (second["type"], second["arguments"]) == ("function_call", "{}")
    assert [event["delta"] for event in found if event["type"].endswith("input.delta")] == ["*** Begin\n"]
    whole = FORMATS["openai_responses"].render_response(fold([*happened, UsageReport(USAGE)]), CUSTOM)
    assert json.loads(whole.body)["output"] == found[-1]["response"]["output"]


def test_a_response_repeats_what_was_asked_for() -> None:
    request = {"model": "m", "input": "Hi", "instructions": "Be brief.", "metadata": {"a": "b"}, "temperature": 0.5,
               "tools": [{"type": "function", "name": "f"}], "previous_response_id": "r", "user": None}  # fmt: skip
    fields = FORMATS["openai_responses"].glance(json.dumps(request).encode(), None, None).fields
    writer = FORMATS["openai_responses"].writer(Asked("m", 7, "req-1", fields=fields))
    out = writer.feed(Start()) + writer.feed(Delta("a")) + writer.end(USAGE)
    for response in (value["response"] for value in map(lambda frame: json.loads(frame.data), frames(out))
                     if "response" in value):  # fmt: skip
        assert {name: response[name] for name in request if name not in ("input", "model")} == {
            name: value for name, value in request.items() if name not in ("input", "model")
        }
        assert (response["id"], response["created_at"], response["model"]) == ("resp_req-1", 7, "m")
        assert (response["top_p"], response["tool_choice"], response["truncation"]) == (1.0, "auto", "disabled")


def test_signatures_of_neighbours_find_their_owners_in_a_stream() -> None:
    picture = Image(Source("base64", "QUJD", "image/png"))
    happened: list[Event] = [
        Delta("look"), Sign(SIGNED), Begin(ToolUse("c", "f", "{}")), End(),
        Begin(ToolUse("d", "f", "{}", signature=SIGNED)), End(),
        Begin(picture), Sign(SIGNED), End(), Delta("hm", 0, "thinking"), Sign(SIGNED), Stop("tools"),
    ]  # fmt: skip
    again = fold(events("openai_responses", written("openai_responses", happened, USAGE)))
    assert again.parts == fold(happened).parts
    assert [getattr(part, "signature", None) for part in again.parts] == [SIGNED, None, SIGNED, SIGNED, SIGNED]


def test_what_has_no_place_is_named() -> None:
    writer = FORMATS["openai_responses"].writer(asked())
    for event in (Start(), Begin(Image(Source("url", "https://example.com/a.png"))), Delta("QUJD", 0, "audio"),
                  Delta("hi", 0, "transcript"), Delta("b", 1)):  # fmt: skip
        writer.feed(event)
    assert list(writer.losses) == ["image", "audio", "choices"]
    assert json.loads(frames(writer.end(USAGE))[-1].data)["response"]["output"][0]["content"][0]["text"] == "hi"
