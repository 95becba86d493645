"""Claude's streams and answers as compatible vendors really send them, and ours to Claude's callers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import asked, content, events, frames, written
from official_clients import stream_text

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Garbage
from relay.framing import SSE
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
    Logprob,
    Logprobs,
    Opaque,
    Part,
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

FORMAT = FORMATS["anthropic"]
USAGE = Usage(Counts(3, 0, 4))
BEGUN = {"type": "message_start", "message": {"id": "msg_1", "model": "m"}}
ENDED = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
STOPPED = {"type": "message_stop"}


def block(index: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": fields}


def delta(index: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": fields}


def stop(index: Any) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def read(*sent: dict[str, Any]) -> list[Event]:
    return events("anthropic", b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in sent))


def shown(*happened: Event) -> tuple[list[dict[str, Any]], dict[str, None]]:
    """The blocks that a caller gets, whole, and the losses."""
    writer = FORMAT.writer(asked())
    out = b"".join(writer.feed(event) for event in happened) + writer.end(USAGE)
    stream_text("anthropic", out)
    values = [json.loads(frame.data) for frame in frames(out)]
    return [value["content_block"] for value in values if value["type"] == "content_block_start"], writer.losses


@pytest.mark.parametrize(
    ("sent", "parts"),
    [
        # a whole input at once; and pieces after it, which count
        ([block(0, type="tool_use", id="a", name="f", input={"x": 1}), stop(0)], (ToolUse("a", "f", '{"x":1}'),)),
        ([block(0, type="tool_use", id="a", name="f", input='{"x":1}'), stop(0)], (ToolUse("a", "f", '{"x":1}'),)),
        ([block(0, type="tool_use", id="a", name="f", input={"x": 1}),
          delta(0, type="input_json_delta", partial_json='{"x":2}'), stop(0)], (ToolUse("a", "f", '{"x":2}'),)),
        # the same id twice: two calls
        ([block(0, type="tool_use", id="a", name="f"), stop(0), block(1, type="tool_use", id="a", name="f"),
          delta(1, type="input_json_delta", partial_json="{}"), stop(1)], (ToolUse("a", "f"), ToolUse("a", "f", "{}"))),
        # the same index for every block
        ([block(0, type="text", text="a"), stop(0), block(0, type="tool_use", id="a", name="f"),
          delta(0, type="input_json_delta", partial_json="{}"), stop(0)], (Text("a"), ToolUse("a", "f", "{}"))),
        # no ends, no beginnings, no indexes
        ([block(0, type="text", text=""), delta(0, type="text_delta", text="a"), block(1, type="thinking"),
          delta(1, type="thinking_delta", thinking="b")], (Text("a"), Thinking("b"))),
        ([delta(0, type="text_delta", text="a"), stop(0)], (Text("a"),)),
        ([delta(None, type="text_delta", text="a"), delta("x", type="text_delta", text="b")], (Text("ab"),)),
        ([delta(3, type="input_json_delta", partial_json="{}"), stop(3), stop(7)], ()),
        # thoughts with the signature at once, omitted thoughts, and none
        ([block(0, type="thinking", thinking="a", signature="s"), stop(0)],
         (Thinking("a", Opaque("anthropic", "s")),)),
        ([block(0, type="thinking", thinking="", signature=""),
          delta(0, type="signature_delta", signature="s"), stop(0)], (Thinking("", Opaque("anthropic", "s")),)),
        ([block(0, type="redacted_thinking"), stop(0)], ()),
        # what only Claude knows
        ([block(0, type="server_tool_use", id="s", name="web_search", input={}),
          delta(0, type="input_json_delta", partial_json='{"query":'),
          delta(0, type="input_json_delta", partial_json='"x"}'), stop(0)],
         (Block("anthropic", "server_tool_use",
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}),)),
        ([block(0, type="web_search_tool_result", content=[]), stop(0)],
         (Block("anthropic", "web_search_tool_result", {"type": "web_search_tool_result", "content": []}),)),
        # wrong types and kinds of next month
        ([block(0, type="tool_use", id=5, name=None), delta(0, type="input_json_delta", partial_json="{}"), stop(0)],
         (Block("anthropic", "tool_use", {"type": "tool_use", "id": 5, "name": None, "input": {}}),)),
        ([block(0, type=5), delta(0, type="later", text="x"), delta(0, type="text_delta", text=5), stop(0)], ()),
        ([{"type": "content_block_start"}, {"type": "content_block_delta"}, {"type": "content_block_stop"},
          {"type": "ping"}, {"type": "later"}, {"type": "message_start", "message": 5}], ()),
    ],
)  # fmt: skip
def test_whatever_form_the_blocks_have_they_are_read(sent: list[dict[str, Any]], parts: tuple[Part, ...]) -> None:
    folded = fold(read(BEGUN, *sent, ENDED, STOPPED))
    assert (folded.parts, folded.stop) == (parts, "stop")


def test_a_stream_without_a_reason_ends_at_its_last_event() -> None:
    reader = FORMAT.reader()
    happened = [event for frame in frames(b"event: message_stop\ndata: {}\n\n") for event in reader.feed(frame)]
    assert happened == [Stop("stop")] and reader.finished and reader.stop_seen
    call = [BEGUN, block(0, type="tool_use", id="a", name="f"), stop(0), STOPPED]
    assert fold(read(*call)).stop == "tools"


def test_the_first_reason_and_the_last_counts_hold() -> None:
    again = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 9}}
    twice = [{**ENDED, "usage": {"input_tokens": 5, "output_tokens": 1}}, again]
    folded = fold(read(BEGUN, *twice, STOPPED))
    assert folded.stop == "stop" and folded.usage is not None and folded.usage.counts == Counts(5, 0, 9)


def test_why_claude_refused_is_kept() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Words."}
    told = {"stop_reason": "refusal", "stop_details": details}
    streamed = fold(read(BEGUN, {"type": "message_delta", "delta": told}, STOPPED))
    whole = FORMAT.parse_response(json.dumps({"content": [], **told}).encode())
    assert streamed.choices == whole.choices == (Choice(0, (), "refusal", detail="cyber"),)
    body = json.loads(FORMAT.render_response(whole, asked()).body)
    assert body["stop_details"] == {**details, "explanation": None}


@pytest.mark.parametrize("change", [lambda data: data.replace(b"\n", b"\r\n"), lambda data: data.replace(b"\n", b"\r"),
                                    lambda data: b"\xef\xbb\xbf" + data, lambda data: b": hi\n\n" + data,
                                    lambda data: data.replace(b'", "', b'",\ndata: "'),
                                    lambda data: data.replace(b"event: ", b"id: 7\nevent: ")])  # fmt: skip
def test_line_ends_marks_comments_and_lines_of_data_change_nothing(change: Any) -> None:
    stream = content("parallel_tools", "anthropic.stream.txt")
    assert events("anthropic", change(stream)) == events("anthropic", stream)


def test_an_event_of_a_megabyte_is_an_event() -> None:
    text = "é" * 1_000_000
    sent = b"data: " + json.dumps(delta(0, type="text_delta", text=text)).encode() + b"\n\n"
    decoder, reader, found = SSE(), FORMAT.reader(), list[Event]()
    for at in range(0, len(sent), 65_536):
        for frame in decoder.feed(sent[at : at + 65_536]):
            found += reader.feed(frame)
    assert found == [Delta(text)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>", "The provider sent an event that is not JSON."),
        (b"[]", "The provider sent an event that is not JSON."),
        (b'{"type":"error"}', "The provider reported an error."),
        (b'{"type":"error","error":{"type":"api_error","message":"Down."}}', "Down."),
        (b'{"error":"Down."}', "Down."),
        (b'{"object":"error","message":"Down."}', "Down."),
    ],
)
def test_what_is_no_event_is_an_error(data: bytes, message: str) -> None:
    for sent in (b"data: " + data + b"\n\n", b"event: message_start\ndata: " + data + b"\n\n"):
        (error,) = events("anthropic", sent)
        assert isinstance(error, StreamError) and error.message == message
    (error,) = events("anthropic", b'event: error\ndata: {"message":"Down."}\n\n')
    assert isinstance(error, StreamError) and error.message == "Down."


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"content":null}', b'{"content":"x"}',
                                  b'{"type":"error","error":{"type":"api_error","message":"x"}}',
                                  b'{"content":[],"error":{"message":"x"}}'])  # fmt: skip
def test_a_whole_answer_that_is_none_is_garbage(body: bytes) -> None:
    with pytest.raises(Garbage):
        FORMAT.parse_response(body)


def test_a_whole_answer_with_flaws_is_read_as_far_as_it_goes() -> None:
    blocks = [None, "x", {}, {"type": "text"}, {"type": "text", "text": "a", "citations": [5, {"type": "later"}]},
              {"type": "thinking", "thinking": "b"}, {"type": "tool_use", "input": "x"},
              {"type": "tool_use", "name": "f", "input": [1]}]  # fmt: skip
    answer = FORMAT.parse_response(json.dumps({"content": blocks, "id": 5, "stop_reason": 7}).encode())
    cited = Citation(maker="anthropic", raw={"type": "later"})
    assert answer.parts == (Text("a", (cited,)), Thinking("b"), ToolUse("", "f"))
    assert (answer.id, answer.model, answer.stop, answer.usage) == ("", "", None, None)


# -- to Claude's callers -------------------------------------------------------------------------------


def test_calls_get_ids_of_their_own_where_the_vendor_gave_none() -> None:
    parts = (ToolUse("", "f", "{}"), ToolUse("x", "f", "{}"), ToolUse("", "f", "{}"))
    body = json.loads(FORMAT.render_response(Answer("", "", (Choice(0, parts, "tools"),)), asked()).body)
    whole = [block["id"] for block in body["content"]]
    streamed, _ = shown(*(event for part in parts for event in (Begin(part), End())))
    assert whole == [block["id"] for block in streamed] == ["call_req1_0", "x", "call_req1_2"]


def test_a_reason_that_is_missing_follows_from_what_was_said() -> None:
    for parts, reason in (((ToolUse("a", "f"),), "tool_use"), ((Text("x"),), "end_turn")):
        body = json.loads(FORMAT.render_response(Answer("", "", (Choice(0, parts),)), asked()).body)
        out = written("anthropic", [Begin(part) for part in parts], USAGE)
        assert body["stop_reason"] == reason == json.loads(frames(out)[-2].data)["delta"]["stop_reason"]


def test_what_has_no_place_here_is_named() -> None:
    picture, sound = Image(Source("base64", "iVBO", "image/png")), Audio(transcript="Hi.")
    foreign = Block("gemini", "executableCode", {})
    blocks, losses = shown(
        Begin(picture), Begin(sound), Delta("UklG", 0, "audio"), Begin(foreign), Delta("x", 1),
        Logprobs((Logprob("a", -1.0),)), Delta(" there", 0, "transcript"),
    )  # fmt: skip
    assert [block["type"] for block in blocks] == ["text"]
    assert list(losses) == ["image", "audio", "block", "choices", "logprobs"]
    choices = (Choice(0, (picture, sound, foreign), logprobs=(Logprob("a", -1.0),)), Choice(1))
    assert FORMAT.render_response(Answer("", "", choices), asked()).losses == (
        "choices", "logprobs", "image", "audio", "block"
    )  # fmt: skip


def test_what_claude_alone_knows_is_shown_as_it_came() -> None:
    raw = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    blocks, losses = shown(Delta("a"), Begin(Block("anthropic", "web_search_tool_result", raw)), End(), Delta("b"))
    assert [block["type"] for block in blocks] == ["text", "web_search_tool_result", "text"]
    assert blocks[1] == raw and not losses


def test_a_text_ends_where_another_begins() -> None:
    blocks, _ = shown(Begin(Text("a")), End(), Begin(Text("")), Delta("b"), End(), Delta("c"), Begin(Text("")))
    assert len(blocks) == 3


def test_a_signature_on_its_own_is_a_block_on_its_own() -> None:
    blocks, losses = shown(Delta("a"), End(), Sign(Opaque("gemini", "S")), Begin(ToolUse("x", "f", "{}")))
    data = [block.get("data") for block in blocks]
    assert data == [None, "oo8.gemini.S", "oo8.gemini.", None] and not losses


def test_a_texts_signature_is_not_taken_for_that_of_the_call_behind_it() -> None:
    parts = (Text("a", signature=Opaque("gemini", "S")), ToolUse("x", "f", "{}"))
    blocks, _ = shown(*(event for part in parts for event in (Begin(part), End())))
    whole = json.loads(FORMAT.render_response(Answer("", "", (Choice(0, parts),)), asked()).body)["content"]
    for found in (blocks, whole):
        assert [one.get("data") for one in found] == [None, "oo8.gemini.S", "oo8.gemini.", None]


def test_a_signature_that_comes_after_its_call_began_is_lost_and_named() -> None:
    blocks, losses = shown(Begin(ToolUse("x", "f")), Sign(Opaque("gemini", "S")), Arguments("{}"))
    assert [block["type"] for block in blocks] == ["tool_use"] and list(losses) == ["signature"]


def test_a_call_waits_for_the_one_before_it_and_not_longer() -> None:
    writer = FORMAT.writer(asked())
    for event in (Start(), Begin(ToolUse("a", "f")), Arguments('{"x":'), Begin(ToolUse("b", "g"))):
        out = writer.feed(event)
    assert out == b""
    assert writer.feed(Arguments('{"y":2}', 1)) == b""
    assert b'"partial_json":"1}"' in writer.feed(Arguments("1}", 0))
    out = writer.feed(Arguments(" ", 1))
    assert out.index(b"content_block_stop") < out.index(b'"id":"b"') < out.index(b'{\\"y\\":2} ')
    assert writer.feed(Arguments(" ", 0)) == b"" and list(writer.losses) == ["arguments"]
    assert writer.feed(Arguments("", 7)) == b""
    assert writer.feed(End()).count(b"event: content_block_stop") == 1


def test_a_call_that_ended_while_it_waited_is_shown_whole() -> None:
    happened: list[Event] = [Begin(ToolUse("a", "f")), Begin(ToolUse("b", "g", '{"y":2}')), End(), Delta("Done.")]
    assert fold(events("anthropic", written("anthropic", happened, USAGE))).parts == (
        ToolUse("a", "f"),
        ToolUse("b", "g", '{"y":2}'),
        Text("Done."),
    )


def test_a_call_with_free_text_holds_nothing_up() -> None:
    writer = FORMAT.writer(asked())
    for event in (Begin(ToolUse("a", "run", freeform=True)), Arguments("print(")):
        writer.feed(event)
    assert b'"id":"b"' in writer.feed(Begin(ToolUse("b", "g")))


def test_free_text_is_an_input_of_json_whatever_the_pieces() -> None:
    text = 'print("é\\n")\n\t"'
    happened: list[Event] = [Begin(ToolUse("a", "run", text[:3], True)), *(Arguments(char) for char in text[3:])]
    (call,) = fold(events("anthropic", written("anthropic", happened, USAGE))).parts
    assert isinstance(call, ToolUse) and json.loads(call.arguments) == {"input": text}


def test_counts_that_are_known_early_are_told_early() -> None:
    out = written("anthropic", [UsageReport(USAGE), Start(), Delta("a")], USAGE)
    assert json.loads(frames(out)[0].data)["message"]["usage"]["input_tokens"] == 3


def test_places_of_citations_are_lost_where_a_block_is_the_smallest_piece() -> None:
    page = Citation("https://example.com/", "T", start=0, end=1)
    writer = FORMAT.writer(asked())
    out = writer.feed(Delta("a")) + writer.feed(Cite(page)) + writer.feed(Cite(Citation(file_id="f")))
    assert out.count(b"citations_delta") == 1 and list(writer.losses) == ["citations"]
