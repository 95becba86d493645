"""Gemini requests as callers may write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openopen8.core.errors import Problem
from relay.formats import FORMATS
from relay.formats.format import Rendered
from relay.formats.gemini.dialect import json_schema
from relay.formats.schema import for_gemini
from relay.neutral import (
    Audio,
    Block,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Request,
    ServerTool,
    Shape,
    Source,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Video,
    Voice,
)

FORMAT = FORMATS["gemini"]
USER = Message("user", (Text("Hi"),))
SIGNED = Opaque("gemini", "c2ln")


def parse(**change: Any) -> Request:
    body = {"contents": [{"parts": [{"text": "Hi"}]}], **change}
    return FORMAT.parse_request(FORMAT.glance(json.dumps(body).encode(), "m", False))


def parts(*given: dict[str, Any], role: str = "user") -> tuple[Part, ...]:
    return parse(contents=[{"role": role, "parts": list(given)}]).messages[0].parts


def render(model: str = "gemini-2.5-flash", **options: Any) -> tuple[dict[str, Any], Rendered]:
    rendered = FORMAT.render_request(Request(model, **{"messages": (USER,), **options}))
    return json.loads(rendered.body), rendered


def test_every_field_may_be_written_in_snake_case() -> None:
    config = {
        "max_output_tokens": 5, "top_p": 0.5, "top_k": 4.0, "stop_sequences": ["x"], "candidate_count": 2,
        "presence_penalty": 0.1, "frequency_penalty": 0.2, "response_logprobs": True, "logprobs": 3,
        "response_mime_type": "application/json", "response_schema": {"type": "OBJECT", "min_properties": "1"},
        "response_modalities": ["TEXT"], "thinking_config": {"thinking_budget": 9, "include_thoughts": True},
    }  # fmt: skip
    tool = {"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]}
    request = parse(
        generation_config=config,
        system_instruction={"parts": [{"text": "Brief."}]},
        tools=[tool, {"google_search": {}}],
        tool_config={"function_calling_config": {"mode": "any", "allowed_function_names": ["f", "g"]}},
        service_tier="SERVICE_TIER_PRIORITY",
        contents=[{"parts": [{"inline_data": {"mime_type": "image/png", "data": "AA=="}},
                             {"file_data": {"mime_type": "image/png", "file_uri": "gs://b/a"}}]},
                  {"role": "model", "parts": [{"function_call": {"name": "f"}, "thought_signature": "c2ln"}]},
                  {"role": "function", "parts": [{"function_response": {"name": "f", "response": {"result": 4}}}]}],
    )  # fmt: skip
    call = ToolUse("call_1_0", "f", "{}", signature=SIGNED)
    assert request == Request(
        "m",
        (Message("user", (Image(Source("base64", "AA==", "image/png")),
                          Image(Source("file", "gs://b/a", "image/png", "gemini")))),
         Message("assistant", (call,)),
         Message("user", (ToolResult("call_1_0", (Text("4"),)),))),
        (Text("Brief."),),
        max_tokens=5, top_p=0.5, top_k=4, stop=("x",), n=2, presence_penalty=0.1, frequency_penalty=0.2,
        logprobs=True, top_logprobs=3, shape=Shape("schema", {"type": "object", "minProperties": 1}),
        reasoning=Reasoning(budget=9, summary="auto"), service_tier="priority",
        tools=(Tool("f", schema={"type": "object"}), ServerTool("gemini", "google_search", {"google_search": {}})),
        tool_choice=ToolChoice("required", ("f", "g")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"inlineData": {"mimeType": "image/png", "data": "-_-_"}}, Image(Source("base64", "+/+/", "image/png"))),
        ({"inlineData": {"mimeType": "image/png", "data": "AAA"}}, Image(Source("base64", "AAA=", "image/png"))),
        ({"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}},
         Audio(Source("base64", "AAAA", "audio/mpeg"), "mp3")),
        ({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}, Video(Source("base64", "AAAA", "video/mp4"))),
        ({"inlineData": {"mimeType": "text/csv", "data": "YSxi", "displayName": "a.csv"}},
         Document(Source("text", "a,b", "text/csv"), "a.csv")),
        ({"inlineData": {"mimeType": "text/plain", "data": "/w=="}}, Document(Source("base64", "/w==", "text/plain"))),
        ({"fileData": {"fileUri": "https://youtu.be/x"}}, Video(Source("url", "https://youtu.be/x"))),
        ({"fileData": {"fileUri": "https://e.com/a.webp"}}, Image(Source("url", "https://e.com/a.webp", "image/webp"))),
        ({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x", "mimeType": "a/b"}},
         Document(Source("file", "https://generativelanguage.googleapis.com/v1beta/files/x", "a/b", "gemini"))),
        ({"inlineData": {"mimeType": "image/png", "data": "AAAA"},
          "mediaResolution": {"level": "media_resolution_low"}},
         Image(Source("base64", "AAAA", "image/png"), "low")),
    ],
)  # fmt: skip
def test_what_a_part_holds_goes_by_its_type(part: dict[str, Any], expected: Part) -> None:
    assert parts(part) == (expected,)


@pytest.mark.parametrize(
    ("response", "told", "failed"),
    [
        ({"output": "a"}, "a", False),
        ({"result": {"b": 1}}, '{"b":1}', False),
        ({"output": None}, "null", False),
        ({"temp": 18, "unit": "C"}, '{"temp":18,"unit":"C"}', False),
        ({"error": "down"}, "down", True),
        ({"error": {"code": 5}}, '{"code":5}', True),
        ({"error": None, "temp": 1}, '{"error":null,"temp":1}', False),
        ({"output": "a", "error": "b"}, '{"output":"a","error":"b"}', False),
        ({}, None, False),
    ],
)
def test_a_result_is_what_the_function_gave(response: dict[str, Any], told: str | None, failed: bool) -> None:
    (result,) = parts({"functionResponse": {"id": "1", "name": "f", "response": response}})
    assert result == ToolResult("1", () if told is None else (Text(told),), failed, "f")


def test_results_without_an_id_belong_to_the_calls_in_their_order() -> None:
    call = [{"functionCall": {"name": name, "args": {}}} for name in ("f", "g", "f")]
    back = [{"functionResponse": {"name": name, "response": {"output": text}}} for name, text in
            (("f", "1"), ("g", "2"), ("f", "3"), ("h", "4"))]  # fmt: skip
    turns = parse(contents=[{"role": "model", "parts": call}, {"role": "user", "parts": back}]).messages
    assert [part.id for part in turns[0].parts if isinstance(part, ToolUse)] == ["call_0_0", "call_0_1", "call_0_2"]
    results = [part for part in turns[1].parts if isinstance(part, ToolResult)]
    assert [part.id for part in results] == ["call_0_0", "call_0_1", "call_0_2", "call_h"]


def test_what_counts_as_text_and_what_as_a_picture_or_a_sound() -> None:
    data = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    sound = {"fileData": {"mimeType": "audio/wav", "fileUri": "files/x"}}
    result = {"functionResponse": {"name": "f", "response": {"output": "ok"}, "parts": [data, sound]}}
    body = {
        "contents": [{"parts": [{"text": "Hi"}, data, sound, result, {"functionCall": {"name": "f"}}]}],
        "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}], "googleSearch": {}}, {"urlContext": {}}],
        "generationConfig": {"responseSchema": {"type": "STRING"}},
    }
    seen = FORMAT.glance(json.dumps(body).encode(), "m", False)
    assert (seen.images, seen.audio, seen.tools, seen.messages) == (4, 2, 4, 1)
    assert seen.input_texts[:4] == (
        "Hi", '{"name":"f","response":{"output":"ok"}}', '{"name": "f"}', '{"type": "STRING"}',
    )  # fmt: skip
    assert len(seen.input_texts) == 5 and FORMAT.glance(b'{"contents":[{}],"tools":5}', "m", False).tools == 0


def test_parts_of_the_tools_that_google_runs_are_its_own() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"}
    (block,) = parts(code, role="model")
    assert block == Block("gemini", "executableCode", code)
    body, _ = render(messages=(USER, Message("assistant", (block,)), USER))
    assert body["contents"][1] == {"role": "model", "parts": [code]}
    with pytest.raises(Problem):
        FORMATS["openai_responses"].render_request(Request("m", (Message("assistant", (block,)), USER)))


@pytest.mark.parametrize(
    ("tier", "neutral"), [("flex", "flex"), ("STANDARD", "default"), ("unspecified", None), ("later", None)]
)
def test_tiers_have_openais_names_inside(tier: str, neutral: str | None) -> None:
    assert parse(serviceTier=tier).service_tier == neutral


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"thinkingBudget": -1}, None),
        ({"thinkingBudget": -1, "includeThoughts": True}, Reasoning(summary="auto")),
        ({"thinkingBudget": 0}, Reasoning(budget=0)),
        ({"thinkingLevel": "low", "includeThoughts": False}, Reasoning("low")),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None),
    ],
)
def test_how_much_to_think_is_read(config: dict[str, Any], expected: Reasoning | None) -> None:
    assert parse(generationConfig={"thinkingConfig": config}).reasoning == expected


def test_a_voice_is_heard_only_where_sound_is_wanted() -> None:
    speech = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    spoken = parse(generationConfig={"responseModalities": ["AUDIO"], "speechConfig": speech})
    assert (spoken.modalities, spoken.voice) == (("audio",), Voice("pcm16", "Kore"))
    assert parse(generationConfig={"responseModalities": ["AUDIO"]}).voice == Voice("pcm16", "")
    silent = parse(generationConfig={"speechConfig": speech})
    assert silent.voice is None and silent.losses == ("generationConfig.speechConfig",)


def test_what_would_change_the_meaning_is_refused() -> None:
    for change, param in (
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"continuation_token": "x"}, "continuation_token"),
        ({"generationConfig": {"responseFormat": [{}]}}, "generationConfig.responseFormat"),
        ({"generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": {"multiSpeakerVoiceConfig": {"a": 1}}}},
         "generationConfig.speechConfig.multiSpeakerVoiceConfig"),
    ):  # fmt: skip
        with pytest.raises(Problem) as caught:
            parse(**change)
        assert caught.value.param == param


@pytest.mark.parametrize(
    ("own", "plain"),
    [
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "STRING", "format": "enum", "enum": ["a"], "nullable": True},
         {"type": ["string", "null"], "enum": ["a", None]}),
        ({"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": True},
         {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "null"}]}),
        ({"type": "ARRAY", "items": {"type": "NUMBER"}, "maxItems": "3"},
         {"type": "array", "items": {"type": "number"}, "maxItems": 3}),
        ({"type": "OBJECT", "properties": {"type": {"type": "STRING", "example": "x"}}, "propertyOrdering": ["type"]},
         {"type": "object", "properties": {"type": {"type": "string", "examples": ["x"]}}}),
        ({"type": "TYPE_UNSPECIFIED", "description": "d"}, {"description": "d"}),
    ],
)  # fmt: skip
def test_googles_schemas_read_as_json_schemas(own: dict[str, Any], plain: dict[str, Any]) -> None:
    assert json_schema(own) == plain


_nodes = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(("STRING", "INTEGER", "BOOLEAN"))},
        optional={"description": st.text(max_size=3), "nullable": st.just(True)},
    ),
    lambda inner: (
        st.builds(lambda node: {"type": "ARRAY", "items": node}, inner)
        | st.builds(
            lambda nodes: {"type": "OBJECT", "properties": nodes},
            st.dictionaries(st.text(max_size=3), inner, min_size=1, max_size=2),
        )
    ),
    max_leaves=6,
)


@given(_nodes)
def test_a_schema_of_googles_comes_back_as_it_was(node: dict[str, Any]) -> None:
    reduced = for_gemini(json_schema(node))
    assert reduced.schema == node and reduced.changes == ()
