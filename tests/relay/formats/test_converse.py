"""Bedrock's Converse: what callers of every format ask for, as its models get it, and what comes back."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from golden_cases import asked

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.channels.bedrock import converse_frame
from relay.eventstream import EventStream
from relay.formats import FORMATS
from relay.formats.bedrock_converse import FORMAT
from relay.formats.bedrock_converse.usage import parse_usage
from relay.formats.format import Garbage
from relay.neutral import (
    Citation,
    Event,
    Further,
    Image,
    Opaque,
    Place,
    Source,
    StreamError,
    Text,
    Thinking,
    ToolUse,
    fold,
)
from tests.fakes.vendors.bedrock import NOVA, message, told

PNG = base64.b64encode(b"\x89PNG").decode()
TOOL = {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
USER: dict[str, Any] = {"role": "user", "content": "Go."}


def sent(model: str = NOVA, **body: Any) -> tuple[dict[str, Any], set[str]]:
    """The body for Converse of a Claude caller's request, and what it lost."""
    asked = {"model": model, "max_tokens": 64, "messages": [USER], **body}
    claude = FORMATS["anthropic"]
    rendered = FORMAT.render_request(claude.parse_request(claude.glance(json.dumps(asked).encode(), None, None)))
    return json.loads(rendered.body), set(rendered.losses)


def test_a_plain_request_has_what_converse_knows_and_no_model() -> None:
    body, losses = sent(system="Be brief.", temperature=0.5, top_p=0.9, top_k=5, stop_sequences=["x"], stream=True)
    assert body == {
        "messages": [{"role": "user", "content": [{"text": "Go."}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.5, "topP": 0.9, "stopSequences": ["x"]},
    }
    assert losses == {"top_k"}


def test_a_seed_of_zero_is_told_and_a_temperature_of_others_ends_at_one() -> None:
    chat = FORMATS["openai_chat"]
    body = json.dumps({"model": NOVA, "messages": [USER], "seed": 0, "temperature": 1.5, "presence_penalty": 0})
    rendered = FORMAT.render_request(chat.parse_request(chat.glance(body.encode(), None, None)))
    assert set(rendered.losses) == {"seed", "temperature"}
    assert json.loads(rendered.body)["inferenceConfig"] == {"temperature": 1}


def test_pictures_and_documents_go_along_under_neutral_names() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": PNG}
    content = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "document", "source": pdf, "title": "Q3_report: final.pdf", "citations": {"enabled": True}},
        {"type": "document", "source": pdf, "title": "Q3 report  final pdf"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "text", "text": "Read."},
    ]
    body, _ = sent(messages=[{"role": "user", "content": content}])
    source = {"bytes": PNG}
    assert body["messages"][0]["content"] == [
        {"image": {"format": "png", "source": source}},
        {
            "document": {
                "format": "pdf",
                "name": "Q3 report final pdf",
                "source": source,
                "citations": {"enabled": True},
            }
        },
        {"document": {"format": "pdf", "name": "Q3 report final pdf (2)", "source": source}},
        {"document": {"format": "txt", "name": "document", "source": {"text": "words"}}},
        {"text": "Read."},
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": PNG}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
    ],
)
def test_what_converse_can_not_fetch_or_read_is_refused_in_clear_words(part: Any) -> None:
    with pytest.raises(Problem, match="not carried"):
        sent(messages=[{"role": "user", "content": [part]}])


def test_marks_for_the_cache_stand_behind_what_they_mark() -> None:
    mark, point = (
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    )
    asked: dict[str, Any] = {
        "system": [{"type": "text", "text": "Long.", **mark}],
        "tools": [{**TOOL, **mark}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Go.", **mark}, {"type": "text", "text": "On."}]}
        ],
    }
    body, losses = sent("arn:aws:bedrock:us-east-1::foundation-model/claude-x", **asked)
    assert body["system"] == [{"text": "Long."}, point]
    assert body["toolConfig"]["tools"][1] == point
    assert body["messages"][0]["content"] == [{"text": "Go."}, point, {"text": "On."}] and not losses
    body, losses = sent(NOVA, **asked)
    assert body["system"][1] == {"cachePoint": {"type": "default"}} and len(body["toolConfig"]["tools"]) == 1
    assert losses == {"cache_control", "cache_control.ttl"}
    body, losses = sent("mistral.large", **asked)
    assert "cachePoint" not in json.dumps(body) and losses == {"cache_control"}


def test_a_tools_loop_keeps_ids_errors_and_turns() -> None:
    messages = [
        USER,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a.b:c", "name": "f", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a.b:c", "is_error": True}]},
        {"role": "user", "content": "And?"},
    ]
    body, losses = sent(messages=messages, tools=[TOOL], tool_choice={"type": "any"})
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    call = body["messages"][1]["content"][0]["toolUse"]
    result, text = body["messages"][2]["content"]
    assert call["input"] == {"a": 1} and call["toolUseId"].startswith("call_")
    id = call["toolUseId"]
    assert result == {"toolResult": {"toolUseId": id, "content": [{"json": {}}], "status": "error"}}
    assert text == {"text": "And?"} and body["toolConfig"]["toolChoice"] == {"any": {}} and not losses
    spec = body["toolConfig"]["tools"][0]["toolSpec"]
    assert spec == {"name": "f", "description": "d", "inputSchema": {"json": TOOL["input_schema"]}}
    _, losses = sent("meta.llama", messages=messages)
    assert losses == {"is_error"}


def test_a_tool_that_must_not_be_called_is_not_there_unless_it_was_called_before() -> None:
    body, losses = sent(tools=[TOOL], tool_choice={"type": "none"})
    assert "toolConfig" not in body and not losses
    messages = [
        USER,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "ok"}]},
    ]
    body, losses = sent(messages=messages, tools=[TOOL], tool_choice={"type": "none"})
    assert "toolChoice" not in body["toolConfig"] and losses == {"tool_choice"}
    body, losses = sent(messages=messages)
    assert body["toolConfig"]["tools"][0]["toolSpec"]["name"] == "f" and not losses


def test_thoughts_go_back_to_who_signed_them_and_to_nobody_else() -> None:
    sealed = "oo8.bedrock.sig"
    said = [
        {"type": "thinking", "thinking": "foreign", "signature": "claudes"},
        {"type": "redacted_thinking", "data": sealed},
        {"type": "text", "text": "So."},
    ]
    body, losses = sent(messages=[USER, {"role": "assistant", "content": said}, USER])
    assert body["messages"][1]["content"] == [{"text": "So."}] and losses == {"thinking"}
    answer = fold([*read(told("messageStart", {"role": "assistant"}), *THOUGHTS)])
    shown = FORMATS["anthropic"].render_response(answer, asked())
    turn = {"role": "assistant", "content": json.loads(shown.body)["content"]}
    body, losses = sent(messages=[USER, turn, USER])
    assert body["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
        {"text": "So."},
    ]
    assert not losses


@pytest.mark.parametrize(
    ("model", "effort", "fields", "lost"),
    [
        (NOVA, "high", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, set()),
        ("openai.gpt-oss-120b-1:0", "low", {"reasoning_effort": "low"}, set()),
        ("mistral.large", "high", None, {"reasoning"}),
    ],
)
def test_each_model_is_asked_to_think_in_its_own_words(model: str, effort: str, fields: Any, lost: set[str]) -> None:
    body, losses = sent(model, thinking={"type": "adaptive"}, output_config={"effort": effort})
    assert body.get("additionalModelRequestFields") == fields and losses == lost


def test_a_schema_for_the_answer_goes_along() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    body, _ = sent(output_config={"format": {"type": "json_schema", "schema": schema}})
    form = body["outputConfig"]["textFormat"]
    assert form["type"] == "json_schema" and json.loads(form["structure"]["jsonSchema"]["schema"]) == schema


# -- answers ---------------------------------------------------------------------------------------------------

THOUGHTS = (
    told("contentBlockDelta", {"delta": {"reasoningContent": {"text": "Hm."}}, "contentBlockIndex": 0}),
    told("contentBlockDelta", {"delta": {"reasoningContent": {"signature": "sig"}}, "contentBlockIndex": 0}),
    told("contentBlockStop", {"contentBlockIndex": 0}),
    told("contentBlockDelta", {"delta": {"reasoningContent": {"redactedContent": "c2VjcmV0"}}, "contentBlockIndex": 1}),
    told("contentBlockStop", {"contentBlockIndex": 1}),
    told("contentBlockDelta", {"delta": {"text": "So."}, "contentBlockIndex": 2}),
    told("contentBlockStop", {"contentBlockIndex": 2}),
)
CITATION = {
    "title": "T",
    "sourceContent": [{"text": "q"}],
    "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
}
USAGE = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
CALLS = (
    told("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t1", "name": "f"}}, "contentBlockIndex": 3}),
    told("contentBlockDelta", {"delta": {"toolUse": {"input": '{"a":'}}, "contentBlockIndex": 3}),
    told("contentBlockDelta", {"delta": {"toolUse": {"input": "1}"}}, "contentBlockIndex": 3}),
    told("contentBlockStop", {"contentBlockIndex": 3}),
    told("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t2", "name": "g"}}, "contentBlockIndex": 4}),
    told("contentBlockDelta", {"delta": {"toolUse": {"input": "{}"}}, "contentBlockIndex": 4}),
    told("contentBlockStop", {"contentBlockIndex": 4}),
)
STREAM = (
    told("messageStart", {"role": "assistant"}), *THOUGHTS,
    told("contentBlockDelta", {"delta": {"citation": CITATION}, "contentBlockIndex": 5}), *CALLS,
    told("messageStop", {"stopReason": "tool_use"}), told("metadata", {"usage": USAGE, "metrics": {}}),
)  # fmt: skip
WHOLE = {
    "output": {"message": {"role": "assistant", "content": [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
        {"text": "So."},
        {"citationsContent": {"content": [{"text": ""}], "citations": [CITATION]}},
        {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}},
        {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}}},
    ]}},
    "stopReason": "tool_use", "usage": USAGE, "metrics": {"latencyMs": 3},
}  # fmt: skip


def read(*pieces: bytes) -> list[Event]:
    decoder, reader = EventStream(converse_frame), FORMAT.reader()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    return [event for frame in frames for event in reader.feed(frame)] + reader.close()


def test_a_stream_folds_into_the_whole_answer() -> None:
    whole, streamed = FORMAT.parse_response(json.dumps(WHOLE).encode()), fold(read(*STREAM))
    assert [part for part in whole.parts if not isinstance(part, ToolUse)] == [
        Thinking("Hm.", Opaque("bedrock", "sig")),
        Thinking("", Opaque("bedrock", "c2VjcmV0"), redacted=True),
        Text("So."),
        Text("", (Citation("", "T", "q", "", 0, Place("page", 1, 2)),)),
    ]
    assert whole.stop == "tools" and whole.usage is not None and whole.usage.counts == Counts(10, 0, 5)
    assert streamed == whole


def test_a_picture_in_an_answer_is_kept() -> None:
    block = {"image": {"format": "png", "source": {"bytes": PNG}}}
    body = {"output": {"message": {"content": [block]}}, "stopReason": "end_turn"}
    assert FORMAT.parse_response(json.dumps(body).encode()).parts == (Image(Source("base64", PNG, "image/png")),)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
     ("stop_sequence", "sequence"), ("guardrail_intervened", "refusal"), ("content_filtered", "refusal"),
     ("malformed_tool_use", "other")],
)  # fmt: skip
def test_why_an_answer_ended_is_told(reason: str, stop: str) -> None:
    assert fold(read(told("messageStop", {"stopReason": reason}))).stop == stop
    body = {"output": {"message": {"content": []}}, "stopReason": reason}
    assert FORMAT.parse_response(json.dumps(body).encode()).stop == stop


def counted(input: Any, output: Any, read: Any = None, write: Any = None, total: Any = None) -> dict[str, Any]:
    cached = {"cacheReadInputTokens": read, "cacheWriteInputTokens": write, "totalTokens": total}
    return {"inputTokens": input, "outputTokens": output, **{name: n for name, n in cached.items() if n is not None}}


SPLIT = [{"ttl": "1h", "inputTokens": 30}, {"ttl": "5m", "inputTokens": 20}]


@pytest.mark.parametrize(
    ("raw", "counts", "further", "inconsistent"),
    [
        (USAGE, (10, 0, 5), Further(), False),
        # beside the input, as AWS documents it
        (counted(10, 5, 100, 20, 135), (30, 100, 5), Further(cache_write_5m=20), False),
        (counted(10, 5, 100), (10, 100, 5), Further(), False),
        # inside the input, as a few models have it: the total tells
        (counted(130, 5, 100, 20, 135), (30, 100, 5), Further(cache_write_5m=20), False),
        # more than the input can't be inside it, whatever the total says: the vendor bills it
        (counted(10, 5, 100, None, 15), (10, 100, 5), Further(), True),
        (counted(100, 5, 80, 30, 105), (130, 80, 5), Further(cache_write_5m=30), True),
        (counted(0, 0, 100), (0, 100, 0), Further(), False),
        # writes split by how long they live
        (
            {**counted(1, 5, None, 50, 56), "cacheDetails": SPLIT},
            (51, 0, 5),
            Further(cache_write_5m=20, cache_write_1h=30),
            False,
        ),
        (counted(-1, "5"), None, Further(), True),
        (counted(3, -5), (3, 0, 0), Further(), True),
    ],
)
def test_each_token_is_counted_once(raw: Any, counts: Any, further: Further, inconsistent: bool) -> None:
    found = parse_usage(raw)
    if counts is None:
        assert found is None
    else:
        assert found is not None
        assert (found.counts, found.further, found.inconsistent) == (Counts(*counts), further, inconsistent)


def test_the_tier_that_was_charged_is_told() -> None:
    found = parse_usage(USAGE, {"type": "flex"})
    assert found is not None and found.tier == "flex"


@pytest.mark.parametrize(
    ("name", "status"),
    [("throttlingException", 429), ("ThrottlingException", 429), ("validationException", 400),
     ("accessDeniedException", 403), ("modelStreamErrorException", 502), ("newException", 502)],
)  # fmt: skip
def test_an_exception_ends_the_stream_with_its_status(name: str, status: int) -> None:
    assert read(told(name, {"message": "Slow down."}, "exception")) == [StreamError("Slow down.", status)]
    assert read(message("InternalError", b"Broken.", "error")) == [StreamError("Broken.", 502)]


def test_a_stream_that_ends_after_any_event_is_finished_only_with_its_counts() -> None:
    for at in range(len(STREAM) + 1):
        reader, decoder = FORMAT.reader(), EventStream(converse_frame)
        for piece in STREAM[:at]:
            for frame in decoder.feed(piece):
                reader.feed(frame)
        assert reader.stop_seen == (at >= len(STREAM) - 1) and reader.finished == (at == len(STREAM))


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"output":{}}', b'{"output":{"message":{"content":5}}}',
                                  b'{"error":{"message":"no"}}'])  # fmt: skip
def test_what_is_no_answer_is_garbage(body: bytes) -> None:
    with pytest.raises(Garbage):
        FORMAT.parse_response(body)


WILD: list[Any] = [
    None,
    5,
    "x",
    [1],
    {},
    {"delta": 5},
    {"delta": {"toolUse": 5, "reasoningContent": "x"}},
    {"start": {"toolUse": {"name": 5}}},
    {"contentBlockIndex": {}, "delta": {"text": 5}},
    {"contentBlockIndex": [1], "delta": {"toolUse": {"input": "x"}}},
    {"contentBlockIndex": "0", "start": {"toolUse": {"name": "f"}}},
    {"stopReason": 5, "usage": [1]},
    {"usage": {"inputTokens": 1e300}},
]


@pytest.mark.parametrize("name", ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop",
                                  "messageStop", "metadata", "unknown"])  # fmt: skip
def test_no_event_whatever_its_shape_breaks_the_reader(name: str) -> None:
    for value in WILD:
        for before in (None, *WILD):
            fold(read(told("contentBlockStart", before), told(name, value)))
    assert read(message(name, b"\xff{")) == [StreamError("The provider sent an event that is not JSON.")]
    msgspec.json.encode(fold(read(*STREAM)))
