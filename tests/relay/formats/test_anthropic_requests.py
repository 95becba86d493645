"""Requests in Claude's format: what is translated, what is lost, what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from openopen8.core.errors import Problem
from relay.formats import FORMATS, carrier
from relay.formats.anthropic.count import parse_count, render_count_request
from relay.formats.anthropic.glance import glance_count
from relay.formats.format import Garbage
from relay.neutral import (
    Audio,
    Block,
    CacheMark,
    Citation,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Place,
    Reasoning,
    Refusal,
    Request,
    Shape,
    Source,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Video,
)

FORMAT = FORMATS["anthropic"]
HI = (Message("user", (Text("Hi"),)),)
TOOL = Tool("f", schema={"type": "object", "properties": {"a": {"type": "string"}}})
CALL = ToolUse("call_1", "f", '{"a":"b"}')
RESULT = Message("user", (ToolResult("call_1", (Text("ok"),)),))
OWN = Thinking("hm", Opaque("anthropic", "c2ln"))


def rendered(model: str = "claude-sonnet-4-5", **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    made = FORMAT.render_request(Request(model, **{"messages": HI, "max_tokens": 9_000, **fields}))
    return json.loads(made.body), made.losses


def parsed(**fields: Any) -> Request:
    turn = {"role": "user", "content": "Hi"}
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": [turn], **fields}).encode()
    return FORMAT.parse_request(FORMAT.glance(body, None, None))


HIGH = {"output_config": {"effort": "high"}}


def test_results_come_first_and_nothing_is_sent_empty() -> None:
    turns = (
        Message("user", (Text("Hi"), Text(" "), Text(""))),
        Message("assistant", (Text(""),)),
        Message("assistant", (CALL,)),
        Message("user", (Text("Look:"), *RESULT.parts, Image(Source("url", "https://example.com/a.png")))),
    )
    body, _ = rendered(messages=turns, tools=(TOOL,))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "text", "image"]
    assert len(body["messages"][0]["content"]) == 1


def test_tools_that_were_called_are_declared_though_none_is_offered_any_more() -> None:
    turns = (*HI, Message("assistant", (CALL,)), RESULT)
    body, losses = rendered(messages=turns)
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "none"} and losses == ()


@pytest.mark.parametrize(
    ("arguments", "input"),
    [
        ("", {}),
        (" ", {}),
        ('{"a": 1}', {"a": 1}),
        ("{", {"input": "{"}),
        ("[1]", {"input": "[1]"}),
        ("5", {"input": "5"}),
    ],
)
def test_arguments_are_an_object_whatever_the_model_wrote(arguments: str, input: dict[str, Any]) -> None:
    body, _ = rendered(messages=(*HI, Message("assistant", (ToolUse("a b", "f", arguments),)), *HI), tools=(TOOL,))
    (call,) = body["messages"][1]["content"]
    assert call["input"] == input
    assert call["id"] != "a b" and call["id"].replace("_", "").isalnum()


def test_a_tools_schema_is_an_object_and_in_the_dialect_where_it_is_strict() -> None:
    schema = {
        "$schema": "x",
        "anyOf": [{"required": ["a"]}],
        "properties": {
            "a": {"type": "string", "minLength": 2, "format": "email", "pattern": "^a"},
            "b": {"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 1, "maxItems": 4},
            "c": {"oneOf": [{"type": "object", "properties": {}}, {"type": "null"}]},
            "d": {"type": "array", "format": "color", "minItems": 2},
        },
        "$defs": {"e": {"type": "object", "additionalProperties": True}},
    }
    body, losses = rendered(tools=(Tool("f", schema=schema), Tool("g", schema=schema, strict=True)))
    loose, strict = (tool["input_schema"] for tool in body["tools"])
    assert loose == {**{name: value for name, value in schema.items() if name != "anyOf"}, "type": "object"}
    assert strict == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "format": "email", "pattern": "^a"},
            "b": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            "c": {"anyOf": [{"type": "object", "properties": {}, "additionalProperties": False}, {"type": "null"}]},
            "d": {"type": "array"},
        },
        "$defs": {"e": {"type": "object", "additionalProperties": False}},
        "additionalProperties": False,
    }
    assert losses == (
        "tools.f.anyOf", "tools.g.anyOf", "tools.g.properties.a.minLength", "tools.g.properties.b.items.minimum",
        "tools.g.properties.b.maxItems", "tools.g.properties.c.oneOf", "tools.g.properties.d.format",
        "tools.g.properties.d.minItems",
        "tools.g.$defs.e.additionalProperties",
    )  # fmt: skip


def test_a_shape_is_kept_to_as_far_as_claude_can() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 3}}}
    body, losses = rendered(shape=Shape("schema", schema, "n", "What it is."))
    assert body["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert losses == ("response_format.properties.a.maximum", "response_format.description")


@pytest.mark.parametrize(
    ("part", "block", "losses"),
    [
        (Image(Source("file", "file_1", maker="anthropic")),
         {"type": "image", "source": {"type": "file", "file_id": "file_1"}}, ()),
        (Image(Source("url", "u"), "auto", CacheMark("1h")),
         {"type": "image", "source": {"type": "url", "url": "u"},
          "cache_control": {"type": "ephemeral", "ttl": "1h"}}, ()),
        (Text("a", cache=CacheMark("24h")), {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
         ("cache_control.ttl",)),
        (Document(Source("base64", "SGk=", "text/csv"), "a.csv"),
         {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hi"},
          "title": "a.csv"}, ()),
        (Document(Source("base64", "JVBE")),
         {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}, ()),
        (Refusal("No."), {"type": "text", "text": "No."}, ()),
        (Audio(id="audio_1", transcript="Hi."), {"type": "text", "text": "Hi."}, ()),
        (Block("anthropic", "search_result", {"type": "search_result", "source": "s"}),
         {"type": "search_result", "source": "s"}, ()),
    ],
)  # fmt: skip
def test_every_part_has_its_block(part: Part, block: dict[str, Any], losses: tuple[str, ...]) -> None:
    body, lost = rendered(messages=(Message("user", (part,)),))
    assert (body["messages"][0]["content"], lost) == ([block], losses)


@pytest.mark.parametrize(
    "part",
    [
        Image(Source("file", "file-1", maker="openai")),
        Image(Source("text", "x")),
        Document(Source("file", "file-1", maker="openai")),
        Document(Source("base64", "UEsDBA==", "application/zip")),
        Document(Source("base64", "/w==", "text/plain")),
        Audio(Source("base64", "UklGRg==", "audio/wav"), "wav"),
        Video(Source("url", "https://example.com/a.mp4")),
        Block("gemini", "executableCode", {}),
        ToolResult("1", (Video(Source("url", "u")),)),
    ],
)
def test_what_claude_can_not_read_is_refused(part: Part) -> None:
    with pytest.raises(Problem) as caught:
        rendered(messages=(Message("user", (part,)),))
    assert (caught.value.status, caught.value.param) == (400, "messages")


def test_the_models_own_turn_keeps_what_claude_gave_and_drops_what_it_did_not() -> None:
    raw = {"type": "web_search_result_location", "url": "u", "title": "t", "cited_text": "c", "encrypted_index": "E"}
    shown = {**raw, "encrypted_index": ""}
    cited = (
        Citation("u", "t", "c", maker="anthropic", raw=raw),
        Citation("u", "t", "c", maker="anthropic", raw=shown),
        Citation("https://example.com/", "x"),
        Citation(title="d", quote="q", document=1, place=Place("page", 2, 3), file_id="f"),
    )
    said = (
        OWN,
        Thinking("foreign", Opaque("openai", "x")),
        Text("Yes.", cited, signature=Opaque("gemini", "s")),
        Image(Source("base64", "iVBO", "image/png")),
        Audio(id="a", transcript="Hi."),
        Block("anthropic", "server_tool_use", {"type": "server_tool_use", "id": "s"}),
    )
    body, losses = rendered(messages=(*HI, Message("assistant", said), *HI))
    page = {"type": "page_location", "cited_text": "q", "document_index": 1, "document_title": "d",
            "start_page_number": 2, "end_page_number": 3, "file_id": "f"}  # fmt: skip
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "Yes.", "citations": [raw, page]},
        {"type": "text", "text": "Hi."},
        {"type": "server_tool_use", "id": "s"},
    ]
    assert losses == ("thinking", "signature", "citations", "assistant.image", "assistant.audio")
    with pytest.raises(Problem):
        rendered(messages=(*HI, Message("assistant", (Block("gemini", "x", {}),)), *HI))


@pytest.mark.parametrize(
    ("fields", "sent", "losses"),
    [
        ({"service_tier": "auto"}, {"service_tier": "auto"}, ()),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}, ()),
        ({"service_tier": "priority"}, {"service_tier": "auto"}, ("service_tier",)),
        ({"user": "u", "safety_id": "s"}, {"metadata": {"user_id": "u"}}, ("safety_identifier",)),
        ({"user": "u", "safety_id": "u"}, {"metadata": {"user_id": "u"}}, ()),
        ({"store": True}, {}, ("store",)),
        ({"stop": (" \n", "END")}, {"stop_sequences": ["END"]}, ("stop",)),
        ({"stop": ("\n",)}, {}, ("stop",)),
        ({"cache": CacheMark("5m")}, {"cache_control": {"type": "ephemeral", "ttl": "5m"}}, ()),
        ({"tool_choice": ToolChoice("required")}, {}, ()),
        ({"tools": (TOOL,), "parallel_tools": True}, {"tools": [{"name": "f", "input_schema": TOOL.schema}]}, ()),
        ({"tools": (TOOL,), "parallel_tools": False},
         {"tools": [{"name": "f", "input_schema": TOOL.schema}],
          "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, ()),
        ({"tools": (TOOL,), "parallel_tools": False, "tool_choice": ToolChoice("none")},
         {"tools": [{"name": "f", "input_schema": TOOL.schema}], "tool_choice": {"type": "none"}}, ()),
    ],
)  # fmt: skip
def test_options_have_their_places_or_are_named(
    fields: dict[str, Any], sent: dict[str, Any], losses: tuple[str, ...]
) -> None:
    body, lost = rendered(**fields)
    assert {name: value for name, value in body.items() if name not in ("model", "max_tokens", "messages")} == sent
    assert lost == losses


def test_a_grammar_is_told_in_words() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}
    body, losses = rendered(tools=(Tool("f", "Runs.", freeform=True, grammar=grammar),))
    assert "a+" in body["tools"][0]["description"] and losses == ("grammar",)


# -- what callers send ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "wish"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}, Reasoning(None, 2000, "none")),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, Reasoning(summary="auto")),
        ({"thinking": {"type": "adaptive"}, **HIGH}, Reasoning("high")),
        (HIGH, Reasoning("high")),
        ({"thinking": {"type": "between_tools"}}, Reasoning("none")),
        ({"thinking": None, "output_config": {"effort": None}}, None),
    ],
)
def test_a_callers_wish_to_think_is_read_in_every_form(fields: dict[str, Any], wish: Reasoning | None) -> None:
    request = parsed(**fields)
    assert (request.reasoning, request.losses) == (wish, ())


def test_a_shape_that_leaves_fields_out_is_no_strict_one_elsewhere() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    for place in ("output_config", "output_format"):
        form = {"type": "json_schema", "schema": schema}
        request = parsed(**{place: {"format": form} if place == "output_config" else form})
        assert request.shape == Shape("schema", schema)
        assert request.losses == (f"{place}.format.strict" if place == "output_config" else f"{place}.strict",)
    tool = {"name": "f", "input_schema": schema, "strict": True, "type": "custom", "eager_input_streaming": True}
    request = parsed(tools=[tool])
    assert request.tools == (Tool("f", schema=schema),)
    assert request.losses == ("tools.strict", "tools.eager_input_streaming")


def test_signatures_of_others_come_back_to_their_parts() -> None:
    def mark(data: str) -> dict[str, Any]:
        return {"type": "redacted_thinking", "data": data}

    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": {"type": "direct"}}
    packed = carrier.sealed(carrier.packed((Thinking("hm", Opaque("openai", "x"), id="rs_1"),)), "anthropic")
    content = [
        {"type": "thinking", "thinking": "hm", "signature": packed},
        {"type": "text", "text": "a"}, mark("oo8.gemini.A"),
        mark("oo8.gemini.B"), call,
        {"type": "text", "text": "b"}, mark("oo8.gemini.C"), mark("oo8.gemini."), {**call, "id": "toolu_2"},
        {"type": "thinking", "thinking": "tampered", "signature": packed[:-9]}, mark("oo8.thoughts.x"), mark(""),
        {"type": "thinking", "thinking": "no signature"},
    ]  # fmt: skip
    request = parsed(messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": content}])
    assert request.messages[1].parts == (
        Thinking("hm", Opaque("openai", "x"), id="rs_1"),
        Text("a", signature=Opaque("gemini", "A")),
        ToolUse("toolu_1", "f", "{}", signature=Opaque("gemini", "B")),
        Text("b", signature=Opaque("gemini", "C")),
        ToolUse("toolu_2", "f", "{}"),
        Thinking("tampered"),
        Thinking("no signature"),
    )
    assert request.losses == ()


def test_a_document_in_pieces_is_one_text() -> None:
    pieces = [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    block = {"type": "document", "source": {"type": "content", "content": pieces}}
    request = parsed(messages=[{"role": "user", "content": [block]}])
    assert request.messages[0].parts == (Document(Source("text", "One.\n\nTwo.", "text/plain")),)
    assert request.losses == ("messages.content.source.content",)
    block["source"] = {"type": "content", "content": [{"type": "image"}]}
    with pytest.raises(Problem) as caught:
        parsed(messages=[{"role": "user", "content": [block]}])
    assert caught.value.param == "messages.0.content.0.source.content.0"


@pytest.mark.parametrize("name", ["openai_chat", "openai_responses"])
@pytest.mark.parametrize(
    "block",
    [
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
        {"type": "container_upload", "file_id": "file_1"},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "tool_reference", "tool_name": "f"}]},
        {"type": "of_next_month"},
    ],
)
def test_what_only_claude_knows_is_kept_and_refused_by_others(name: str, block: dict[str, Any]) -> None:
    request = parsed(messages=[{"role": "user", "content": [block]}])
    sent = json.loads(FORMAT.render_request(request).body)["messages"][0]["content"]
    assert sent == [block]
    with pytest.raises(Problem) as caught:
        FORMATS[name].render_request(request)
    assert caught.value.status == 400


def test_results_and_documents_count_by_their_words_and_pictures_not_by_their_bytes() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 500}}
    notes = {"type": "document", "title": "T", "source": {"type": "text", "data": "Notes."}}
    pieces = {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Piece."}]}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "Seen."}, picture]}
    odd = {"type": "later", "content": {"a": 1}}
    turn = {"role": "user", "content": [result, notes, pieces, odd]}
    seen = FORMAT.glance(json.dumps({"model": "m", "max_tokens": 0, "messages": [turn]}).encode(), None, None)
    assert seen.input_texts == ("Seen.", "T", "Notes.", "Piece.", '{"a": 1}')
    assert (seen.images, seen.max_output) == (3, 0)


# -- counting ------------------------------------------------------------------------------------------


def test_a_request_to_count_has_no_limit_and_reaches_the_vendor_without_one() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "system": "Brief."}).encode()
    seen = glance_count(body, None, None)
    request = FORMAT.parse_request(seen)
    assert (seen.max_output, request.max_tokens, request.system) == (None, None, (Text("Brief."),))
    request = msgspec.structs.replace(request, temperature=0.5, tools=(TOOL,), stream=True, stop=("x",))
    sent = json.loads(render_count_request(request).body)
    assert set(sent) == {"model", "messages", "system", "tools"}


@pytest.mark.parametrize("body", [b"x", b"[]", b"{}", b'{"input_tokens":-1}', b'{"input_tokens":"5"}',
                                  b'{"type":"error","error":{"message":"no"}}'])  # fmt: skip
def test_a_count_that_is_none_is_garbage(body: bytes) -> None:
    assert parse_count(b'{"input_tokens": 2095}') == 2095
    with pytest.raises(Garbage):
        parse_count(body)
