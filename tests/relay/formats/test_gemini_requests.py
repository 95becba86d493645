"""Gemini requests: what callers may write, what its vendors take, and what is said where the two differ."""

from __future__ import annotations

import json
from typing import Any

import msgspec
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
    CacheMark,
    Document,
    Effort,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    ServerTool,
    Shape,
    Source,
    Text,
    Thinking,
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


def refused(**options: Any) -> str | None:
    with pytest.raises(Problem) as caught:
        render(**options)
    assert caught.value.status == 400
    return caught.value.param


# -- what callers may write ----------------------------------------------------------------------------


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


# -- what vendors get ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "reasoning", "config", "lost"),
    [
        ("gemini-2.5-flash", Reasoning("low"), {"thinkingBudget": 1024}, False),
        ("gemini-2.5-flash", Reasoning("max"), {"thinkingBudget": 24576}, False),
        ("gemini-2.5-flash", Reasoning(budget=50_000), {"thinkingBudget": 24576}, True),
        ("gemini-2.5-flash", Reasoning("none", summary="auto"), {"thinkingBudget": 0}, False),
        ("gemini-2.5-flash-lite", Reasoning(budget=100), {"thinkingBudget": 512}, True),
        ("gemini-2.5-pro", Reasoning("none"), {"thinkingBudget": 128}, True),
        ("gemini-2.5-pro", Reasoning(budget=30_000), {"thinkingBudget": 30_000}, False),
        ("gemini-2.5-pro", Reasoning(summary="auto"), {"includeThoughts": True}, False),
        ("gemini-3-flash-preview", Reasoning("minimal"), {"thinkingLevel": "MINIMAL"}, False),
        ("gemini-3-flash-preview", Reasoning(budget=0), {"thinkingLevel": "MINIMAL"}, True),
        ("gemini-3.1-pro", Reasoning("none"), {"thinkingLevel": "LOW"}, True),
        ("gemini-3-pro", Reasoning(budget=8000, summary="detailed"),
         {"thinkingLevel": "MEDIUM", "includeThoughts": True}, False),
        ("gemini-flash-latest", Reasoning("xhigh"), {"thinkingLevel": "HIGH"}, False),
    ],
)  # fmt: skip
def test_each_model_is_told_how_much_to_think_in_its_own_way(
    model: str, reasoning: Reasoning, config: dict[str, Any], lost: bool
) -> None:
    body, rendered = render(model, reasoning=reasoning)
    assert body["generationConfig"] == {"thinkingConfig": config}
    assert rendered.losses == (("reasoning",) if lost else ())


def test_nothing_is_said_of_thinking_where_nothing_was_asked() -> None:
    for reasoning in (None, Reasoning(), Reasoning(summary="none")):
        assert "generationConfig" not in render(reasoning=reasoning)[0]


def loop(*signatures: Opaque | None, model: str = "gemini-3-pro") -> tuple[list[Any], tuple[str, ...]]:
    """The signatures of calls as Gemini gets them: two of an earlier turn, then those of steps of the current one."""
    turns: list[Message] = [USER]
    for at, signature in enumerate((None, *signatures)):
        turns += (
            Message("assistant", (ToolUse(f"a{at}", "f", "{}", signature=signature), ToolUse(f"b{at}", "g", "{}"))),
            Message("user", (ToolResult(f"a{at}", (Text("1"),)), ToolResult(f"b{at}", (Text("2"),)))),
        )
        if at == 0:
            turns.append(USER)
    body, rendered = render(model, messages=tuple(turns))
    called = [part for content in body["contents"] for part in content["parts"] if "functionCall" in part]
    return [part.get("thoughtSignature") for part in called], rendered.losses


def test_calls_of_another_model_get_the_documented_placeholder_in_the_turn_that_is_under_way() -> None:
    instead = "skip_thought_signature_validator"
    assert loop(SIGNED, None) == ([None, None, "c2ln", None, instead, None], ("signature",))
    assert loop(SIGNED) == ([None, None, "c2ln", None], ())
    assert loop(Opaque("anthropic", "x")) == ([None, None, instead, None], ("signature",))
    assert loop(None, model="gemini-2.5-pro") == ([None] * 4, ())


def test_thoughts_go_back_to_gemini_only_where_they_are_its_own() -> None:
    said = (
        Thinking("mine", SIGNED),
        Thinking("plain"),
        Thinking("theirs", Opaque("anthropic", "x")),
        Text("a", signature=SIGNED),
        Text("", signature=SIGNED),
        Text(""),
        Refusal("No."),
    )
    body, rendered = render(messages=(USER, Message("assistant", said), USER))
    assert body["contents"][1]["parts"] == [
        {"text": "mine", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "a", "thoughtSignature": "c2ln"},
        {"text": "", "thoughtSignature": "c2ln"},
        {"text": "No."},
    ]
    assert rendered.losses == ("thinking",)
    body, _ = render(messages=(USER, Message("assistant", (Thinking("plain"),)), USER))
    assert [content["role"] for content in body["contents"]] == ["user", "user"]


def test_results_come_before_all_else_and_name_their_tool() -> None:
    image = Image(Source("base64", "AAAA", "image/png"))
    turn = Message(
        "user", (Text("Look:"), ToolResult("1", (Text("a"), image, Text("b"))), ToolResult("2", is_error=True))
    )
    said = Message("assistant", (ToolUse("1", "f", "[1]", signature=SIGNED), ToolUse("2", "g", "{")))
    result = {"id": "1", "name": "f", "response": {"output": "a\n\nb"}}
    failed = {"functionResponse": {"id": "2", "name": "g", "response": {"error": "error"}}}
    data = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    body, rendered = render(messages=(USER, said, turn))
    assert body["contents"][2]["parts"] == [{"functionResponse": result}, failed]
    assert body["contents"][3]["parts"] == [{"text": "Look:"}, {"text": "Of the result of 1:"}, data]
    assert rendered.losses == ("tool_result_image",)
    assert [part["functionCall"]["args"] for part in body["contents"][1]["parts"]] == [{"input": "[1]"}, {"input": "{"}]
    body, rendered = render("gemini-3-pro", messages=(USER, said, turn))
    assert body["contents"][2]["parts"] == [{"functionResponse": {**result, "parts": [data]}}, failed]
    assert rendered.losses == ()


@pytest.mark.parametrize(
    ("part", "rendered"),
    [
        (Image(Source("url", "https://e.com/a")), {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://e.com/a"}}),
        (Image(Source("base64", "AAAA")), {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        (Audio(Source("base64", "AAAA"), "mp3"), {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}}),
        (Video(Source("url", "https://youtu.be/x")), {"fileData": {"fileUri": "https://youtu.be/x"}}),
        (Video(Source("url", "https://e.com/x")), {"fileData": {"mimeType": "video/mp4", "fileUri": "https://e.com/x"}}),
        (Document(Source("url", "https://e.com/x")),
         {"fileData": {"mimeType": "application/pdf", "fileUri": "https://e.com/x"}}),
        (Image(Source("file", "files/x", maker="gemini")), {"fileData": {"fileUri": "files/x"}}),
    ],
)  # fmt: skip
def test_what_has_no_type_gets_the_likeliest(part: Part, rendered: dict[str, Any]) -> None:
    body, _ = render(messages=(Message("user", (part,)),))
    assert body["contents"][0]["parts"] == [rendered]


@pytest.mark.parametrize(
    ("options", "losses"),
    [
        ({"system": (Text("a", cache=CacheMark()),)}, ("cache_control",)),
        ({"tools": (Tool("f", cache=CacheMark()),)}, ("cache_control",)),
        ({"cache": CacheMark("1h")}, ("cache_control",)),
        ({"service_tier": "scale"}, ("service_tier",)),
        ({"service_tier": "auto", "parallel_tools": False}, ()),
        ({"messages": (USER, Message("assistant", (Text("{"),)))}, ("prefill",)),
        ({"losses": ("x", "user"), "user": "u"}, ("x", "user")),
        ({"modalities": ("text", "audio"), "voice": Voice("wav", "Kore")}, ("modalities", "audio.format")),
        ({"voice": Voice("pcm16", "Kore")}, ("audio",)),
        ({"top_logprobs": 3}, ()),
        ({"messages": (Message("user", (Document(Source("base64", "AAAA"), "n", "t", "c", True),)),)},
         ("citations", "document.name", "document.title", "document.context")),
        ({"messages": (USER, Message("assistant", (Audio(id="a", transcript="Hi"),)), USER)}, ("assistant.audio",)),
        ({"tools": (Tool("f", schema={"type": "object", "properties": {"a": {"type": "string", "not": {}}}}),)},
         ("tools.f.properties.a.not",)),
        ({"shape": Shape("schema", {"type": "object", "if": {}})}, ("response_format.schema.if",)),
    ],
)  # fmt: skip
def test_what_gemini_has_no_place_for_is_named(options: dict[str, Any], losses: tuple[str, ...]) -> None:
    assert render(**options)[1].losses == losses


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"tools": (ServerTool("anthropic", "web_search", {}),)}, "tools"),
        ({"modalities": ("text", "smell")}, "modalities"),
        ({"voice": Voice("pcm16", {"id": "v"}), "modalities": ("audio",)}, "audio.voice"),
        ({"messages": (Message("user", (Image(Source("file", "x", maker="openai")),)),)}, "messages"),
        ({"messages": (Message("user", (Block("anthropic", "x", {}),)),)}, "messages"),
        ({"messages": (Message("user", (Audio(id="a"),)),)}, "messages"),
    ],
)
def test_what_would_mean_something_else_is_refused(options: dict[str, Any], param: str) -> None:
    assert refused(**options) == param


@pytest.mark.parametrize(
    ("choice", "strict", "config"),
    [
        (None, None, None),
        (None, True, {"mode": "VALIDATED"}),
        (ToolChoice("auto"), True, {"mode": "VALIDATED"}),
        (ToolChoice("auto", ("f",)), None, {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
        (ToolChoice("required"), True, {"mode": "ANY"}),
        (ToolChoice("none"), True, {"mode": "NONE"}),
    ],
)
def test_how_free_the_model_is_to_call(choice: ToolChoice | None, strict: bool | None, config: Any) -> None:
    body, _ = render(tools=(Tool("f", strict=strict), Tool("g")), tool_choice=choice)
    assert body.get("toolConfig", {}).get("functionCallingConfig") == config
    assert "toolConfig" not in render(tool_choice=choice)[0]


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_tool_that_takes_nothing_has_no_parameters_since_gemini_refuses_empty_ones(schema: Any) -> None:
    body, rendered = render(tools=(Tool("f", "d", schema),))
    assert body["tools"] == [{"functionDeclarations": [{"name": "f", "description": "d"}]}]
    assert rendered.losses == ()


def test_a_tool_of_any_text_is_a_function_with_one_text_and_its_calls_come_back_so() -> None:
    body, rendered = render(
        tools=(Tool("run", freeform=True, grammar={"type": "grammar", "grammar": {"definition": "x+"}}),),
        messages=(USER, Message("assistant", (ToolUse("1", "run", "xx", True),)), USER),
    )
    (tool,) = body["tools"][0]["functionDeclarations"]
    assert tool["parameters"]["required"] == ["input"] and "x+" in tool["description"]
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == {"input": "xx"}
    assert rendered.losses == ()


def test_empty_instructions_are_none() -> None:
    assert "systemInstruction" not in render(system=(Text(""),))[0]
    body, _ = render(system=(Text("a"), Text("")))
    assert body["systemInstruction"] == {"parts": [{"text": "a"}]}


def test_a_request_without_a_turn_to_answer_still_has_one() -> None:
    body, _ = render(messages=(Message("assistant", (Thinking("x"),)),))
    assert body["contents"] == [{"role": "user", "parts": [{"text": ""}]}]


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_every_effort_reaches_every_model(effort: Effort) -> None:
    for model in ("gemini-2.5-pro", "gemini-2.5-flash-lite", "gemini-3-pro", "gemini-4", "tuned"):
        body, _ = render(model, reasoning=Reasoning(effort))
        assert body["generationConfig"]["thinkingConfig"]


def test_an_answer_is_asked_for_in_the_shape_that_was_wanted() -> None:
    assert render(shape=Shape("object"))[0]["generationConfig"] == {"responseMimeType": "application/json"}
    schema = {"type": "array", "items": {"type": "string"}}
    body, _ = render(shape=Shape("schema", schema, "names", "All names."))
    wanted = {"type": "ARRAY", "items": {"type": "STRING"}, "description": "All names."}
    assert body["generationConfig"]["responseSchema"] == wanted


def test_arguments_are_never_changed_by_rendering() -> None:
    request = Request("gemini-3", (USER,), tools=(Tool("f", schema={"type": "object", "properties": {"a": {}}}),))
    before = msgspec.json.encode(request)
    FORMAT.render_request(request)
    assert msgspec.json.encode(request) == before
