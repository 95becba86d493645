"""Responses requests: what is carried over, what is named as lost, what is refused with the caller's path."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from golden_cases import asked

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS, carrier
from relay.neutral import (
    Answer,
    Audio,
    Block,
    CacheMark,
    Choice,
    Document,
    Image,
    Message,
    Opaque,
    Reasoning,
    Request,
    ServerTool,
    Source,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Usage,
    Video,
)

FORMAT = FORMATS["openai_responses"]
HI = {"role": "user", "content": "Hi"}
USER = (Message("user", (Text("Hi"),)),)


def parse(input: Any = "Hi", **fields: Any) -> Request:
    return FORMAT.parse_request(
        FORMAT.glance(json.dumps({"model": "m", "input": input, **fields}).encode(), None, None)
    )


def rendered(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(FORMAT.render_request(request).body)
    return body


def content(**part: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "input_text", "text": "a"}, part]}


@pytest.mark.parametrize(
    ("input", "fields", "param"),
    [
        ("Hi", {"previous_response_id": "resp_1"}, "previous_response_id"),
        ("Hi", {"conversation": {"id": "conv_1"}}, "conversation"),
        ("Hi", {"prompt": {"id": "pmpt_1"}}, "prompt"),
        ("Hi", {"background": True}, "background"),
        ([{"type": "item_reference", "id": "msg_1"}], {}, "input.0"),
        ([HI, {"role": "tool", "content": "x"}], {}, "input.1.role"),
        ([{"role": "developer", "content": [{"type": "input_image", "image_url": "x"}]}], {}, "input.0.content"),
        ([{"role": "user"}], {}, "input.0.content"),
        ([content(type="input_video")], {}, "input.0.content.1"),
        ([content(type="input_text")], {}, "input.0.content.1.text"),
        ([content(type="input_image")], {}, "input.0.content.1.image_url"),
        ([content(type="input_file")], {}, "input.0.content.1"),
        ([content(type="input_audio")], {}, "input.0.content.1.input_audio"),
        ([content(type="input_audio", input_audio={"data": "x"})], {}, "input.0.content.1.input_audio.format"),
        ([{"type": "function_call", "name": "f", "arguments": "{}"}], {}, "input.0.call_id"),
        ([{"type": "function_call", "call_id": "c", "name": "f"}], {}, "input.0.arguments"),
        ([{"type": "function_call_output", "call_id": "c"}], {}, "input.0.output"),
        ([{"type": "function_call_output", "call_id": "c", "output": [{"type": "x"}]}], {}, "input.0.output.0"),
        ([{"type": "custom_tool_call", "call_id": "c", "name": "f"}], {}, "input.0.input"),
        ([{"type": "reasoning", "summary": "x"}], {}, "input.0.summary"),
        ([{"type": "image_generation_call", "id": "ig"}], {}, "input.0.result"),
        ("Hi", {"tools": [{"name": "f"}]}, "tools.0.type"),
        ("Hi", {"tools": [{"type": "function"}]}, "tools.0.name"),
        ("Hi", {"tool_choice": "any"}, "tool_choice"),
        ("Hi", {"tool_choice": 5}, "tool_choice"),
        ("Hi", {"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ("Hi", {"tool_choice": {"type": "web_search_preview"}}, "tool_choice"),
        ("Hi", {"tool_choice": {"type": "allowed_tools", "tools": [{"type": "function"}]}}, "tool_choice.tools.0.name"),
        ("Hi", {"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ("Hi", {"text": {"format": {"type": "xml"}}}, "text.format"),
        ("Hi", {"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ("Hi", {"temperature": "hot"}, "temperature"),
        ("Hi", {"top_logprobs": 21}, "top_logprobs"),
        ("Hi", {"metadata": {"a": 1}}, "metadata.a"),
        ("Hi", {"include": "x"}, "include"),
        ("Hi", {"store": "no"}, "store"),
    ],
)
def test_what_can_not_be_carried_is_refused_with_the_callers_path(input: Any, fields: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(input, **fields)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "invalid_request", param)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["Hi"]}, "input.0"),
        ({"input": [{"type": 5}]}, "input.0.type"),
        ({"input": [{"role": "user", "content": 1}]}, "input.0.content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input.0.content.0"),
        ({"model": None}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": "9"}, "max_output_tokens"),
        ({"instructions": ["x"]}, "instructions"),
        ({"tools": {}}, "tools"),
    ],
)
def test_a_callers_mistake_is_named_by_its_path(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Problem) as caught:
        FORMAT.glance(json.dumps({"model": "m", "input": "Hi", **fields}).encode(), None, None)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("kept", [{"previous_response_id": "r"}, {"conversation": "c"}, {"prompt": {"id": "p"}}])
def test_a_prompt_that_the_vendor_keeps_needs_no_input(kept: dict[str, Any]) -> None:
    assert FORMAT.glance(json.dumps({"model": "m", **kept}).encode(), None, None).messages == 0


def test_a_request_is_read_whole_at_a_glance() -> None:
    seen = FORMAT.glance(json.dumps({
        "model": "m", "stream": True, "max_output_tokens": 20, "instructions": "Be brief.", "later": {"a": 1},
        "tools": [{"type": "web_search"}], "text": {"verbosity": "low"},
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "What?"}, {"type": "input_file"},
                                         {"type": "input_audio"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gA"},
            {"type": "function_call", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "output": "42"},
            {"type": "custom_tool_call_output", "output": [{"type": "input_text", "text": "43"},
                                                           {"type": "input_image"}]},
            {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "data:"}},
        ],
    }).encode(), None, None)  # fmt: skip
    assert (seen.model, seen.stream, seen.max_output, seen.n, seen.tools) == ("m", True, 20, 1, 1)
    said = ("Be brief.", "What?", "hm", "f", "{}", "42", "43", '[{"type": "web_search"}]', '{"verbosity": "low"}')
    assert (seen.input_texts, seen.images, seen.audio, seen.messages) == (said, 4, 1, 6)
    assert bytes(seen.fields["later"]) == b'{"a": 1}'


@pytest.mark.parametrize(
    ("fields", "losses"),
    [
        ({"truncation": "auto", "max_tool_calls": 3}, {"truncation", "max_tool_calls"}),
        ({"truncation": "disabled", "background": False, "stream_options": {"include_obfuscation": False}}, set()),
        ({"include": ["reasoning.encrypted_content", "message.output_text.logprobs"]}, set()),
        ({"include": ["web_search_call.action.sources"]}, {"include"}),
        ({"reasoning": {"context": "all_turns", "effort": "low"}}, {"reasoning.context"}),
        ({"tools": [{"type": "function", "name": "f", "defer_loading": True}]}, {"tools.defer_loading"}),
        ({"of_next_month": 1, "previous_response_id": None}, {"of_next_month"}),
    ],
)
def test_what_is_left_out_is_named(fields: dict[str, Any], losses: set[str]) -> None:
    assert set(parse(**fields).losses) == losses


def test_an_answer_that_is_sent_back_loses_its_notes_and_says_so() -> None:
    text = {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}], "logprobs": []}
    item = {"type": "message", "id": "msg", "status": "completed", "role": "assistant", "content": [text], "phase": "x"}
    request = parse([HI, item, HI])
    assert request.messages == (*USER, Message("assistant", (Text("a"),)), *USER)
    assert request.losses == ("input.content.annotations", "input.phase")


def test_items_of_one_side_are_one_turn() -> None:
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    custom = {"type": "custom_tool_call", "call_id": "d", "name": "p", "input": "x"}
    request = parse([
        {"role": "developer", "content": "Be brief."}, HI,
        {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gA"},
        {"role": "assistant", "content": "a"}, {**call, "call_id": "c"}, custom,
        {"type": "function_call_output", "call_id": "c", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "d", "output": [{"type": "input_text", "text": "2"}]}, HI,
    ], instructions="Be kind.")  # fmt: skip
    assert request.system == (Text("Be kind."), Text("Be brief."))
    thought = Thinking("", Opaque("openai", "gA"), id="rs")
    calls = (ToolUse("c", "f", "{}"), ToolUse("d", "p", "x", True))
    results = (ToolResult("c", (Text("1"),)), ToolResult("d", (Text("2"),), freeform=True))
    said = Message("assistant", (thought, Text("a"), *calls))
    assert request.messages == (*USER, said, Message("user", results), *USER)
    again = rendered(request)["input"]
    assert [item["type"] for item in again] == [
        "message", "reasoning", "message", "function_call", "custom_tool_call", "function_call_output",
        "custom_tool_call_output", "message",
    ]  # fmt: skip


def test_nothing_but_instructions_still_is_a_turn_to_answer() -> None:
    request = parse([{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}])
    assert (request.system, request.messages) == ((Text("a"),), (Message("user", (Text("b"),)),))


def test_items_of_server_tools_go_to_their_own_vendor_only() -> None:
    search = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search"}}
    shot = {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}}
    request = parse([HI, search, shot], tools=[{"type": "web_search"}], tool_choice={"type": "web_search"})
    assert request.messages[1:] == (
        Message("assistant", (Block("openai_responses", "web_search_call", search),)),
        Message("user", (Block("openai_responses", "computer_call_output", shot),)),
    )
    assert request.tools == (ServerTool("openai_responses", "web_search", {"type": "web_search"}),)
    body = rendered(request)
    assert body["input"][1:] == [search, shot] and body["tool_choice"] == {"type": "web_search"}
    for name in ("openai_chat", "anthropic", "gemini"):
        with pytest.raises(Problem) as caught:
            FORMATS[name].render_request(request)
        assert caught.value.status == 400


def test_a_grammar_goes_there_and_back() -> None:
    format = {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}
    tool = {"type": "custom", "name": "p", "format": format}
    request = parse(tools=[tool, {"type": "custom", "name": "q", "format": {"type": "text"}}])
    inner = {"definition": "start: /x/", "syntax": "lark"}
    assert request.tools == (
        Tool("p", freeform=True, grammar={"type": "grammar", "grammar": inner}),
        Tool("q", freeform=True),
    )
    assert rendered(request)["tools"] == [tool, {"type": "custom", "name": "q"}]


def test_a_choice_names_tools_by_their_kinds() -> None:
    tools = [{"type": "custom", "name": "p"}, {"type": "function", "name": "f"}, {"type": "mcp", "server_label": "s"}]
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": tools}
    for choice in (allowed, {"type": "custom", "name": "p"}, {"type": "function", "name": "f"}, "required"):
        assert rendered(parse(tools=tools, tool_choice=choice))["tool_choice"] == choice
    assert parse(tools=tools, tool_choice=allowed).tool_choice == ToolChoice("auto", ("p", "f", "mcp"))


def test_the_vendor_keeps_nothing_and_enforces_no_schema_unless_that_was_asked_for() -> None:
    tool = Tool("f", schema={"type": "object"})
    body = rendered(Request("m", USER, tools=(tool,)))
    assert body["store"] is False and body["tools"][0]["strict"] is False
    assert rendered(Request("m", USER, store=True))["store"] is True
    asked_for = parse(store=True, tools=[{"type": "function", "name": "f", "strict": True}])
    assert asked_for.store is True and asked_for.tools == (Tool("f", strict=True),)
    assert parse(store=False).store is parse().store is None


@pytest.mark.parametrize(
    ("model", "reasoning", "include"),
    [
        ("gpt-5", None, ["reasoning.encrypted_content"]),
        ("o3", None, ["reasoning.encrypted_content"]),
        ("gpt-4o", None, None),
        ("own-model", Reasoning("low"), ["reasoning.encrypted_content"]),
        ("gpt-5", Reasoning("none"), None),
        ("gpt-5", Reasoning(budget=0), None),
    ],
)
def test_models_that_think_give_their_thoughts_encrypted_for_the_next_turn(
    model: str, reasoning: Reasoning | None, include: list[str] | None
) -> None:
    assert rendered(Request(model, USER, reasoning=reasoning)).get("include") == include


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"n": 2}, "n"),
        ({"stop": ("x",)}, "stop"),
        ({"modalities": ("text", "audio")}, "modalities"),
        ({"messages": (Message("user", (Video(Source("url", "https://example.com/v")),)),)}, "messages"),
        ({"messages": (Message("user", (Audio(Source("url", "https://example.com/a")),)),)}, "messages"),
        ({"messages": (Message("user", (Image(Source("file", "x", maker="gemini")),)),)}, "messages"),
        ({"messages": (Message("user", (Document(Source("file", "x", maker="anthropic")),)),)}, "messages"),
        ({"messages": (Message("user", (Block("anthropic", "x", {}),)),)}, "messages"),
        ({"messages": (Message("assistant", (Block("gemini", "x", {}),)), *USER)}, "messages"),
        ({"messages": (Message("user", (ToolResult("c", (Audio(Source("base64", "QQ==")),)),)),)}, "messages"),
        ({"tools": (ServerTool("gemini", "google_search", {}),)}, "tools"),
    ],
)
def test_what_would_mean_something_else_is_refused(change: dict[str, Any], param: str) -> None:
    with pytest.raises(Problem) as caught:
        FORMAT.render_request(msgspec.structs.replace(Request("m", USER), **change))
    assert (caught.value.status, caught.value.param) == (400, param)


def test_state_of_other_vendors_stays_behind_and_is_named() -> None:
    signed = Opaque("gemini", "c2ln")
    parts = (
        Thinking("hm"), Thinking("hm", Opaque("anthropic", "sig")), Text("a", signature=signed),
        ToolUse("c", "f", signature=signed), Audio(id="audio_1", transcript="said"),
        Image(Source("base64", "QQ==")), Text("b", cache=CacheMark()),
    )  # fmt: skip
    done = FORMAT.render_request(
        Request("m", (Message("assistant", parts),), prediction=(Text("x"),), cache=CacheMark())
    )
    assert done.losses == ("cache_control", "thinking", "signature", "assistant.audio", "assistant.image",
                           "prediction", "prefill")  # fmt: skip
    said = [item.get("content") or item.get("name") for item in json.loads(done.body)["input"]]
    assert said[:2] == ["a", "f"] and b"c2ln" not in done.body and b'"sig"' not in done.body


def test_ids_that_openai_refuses_are_changed_on_both_sides_alike() -> None:
    long = "toolu_" + "x" * 90
    turns = (Message("assistant", (ToolUse(long, "f"), ToolUse("", "g"))), Message("user", (ToolResult(long, ()),)))
    first, second, result = rendered(Request("m", turns))["input"]
    assert first["call_id"] == result["call_id"] and len(first["call_id"]) <= 64
    assert second["call_id"] == "call_0_1" and (first["arguments"], result["output"]) == ("{}", "")


def test_a_tampered_state_is_no_thought() -> None:
    good = carrier.sealed(carrier.packed((Thinking("hm", Opaque("anthropic", "sig")),)), "openai")
    assert parse([{"type": "reasoning", "encrypted_content": good, "summary": []}, HI]).messages[0].parts == (
        Thinking("hm", Opaque("anthropic", "sig")),
    )
    for bad in (good[:-3], "oo8.thoughts.", "oo8.", "oo8.x.y"):
        item = {"type": "reasoning", "encrypted_content": bad, "summary": [{"type": "summary_text", "text": "hm"}]}
        assert parse([item, HI]).messages[0].parts == (Thinking("hm"),)


def usage_of(usage: Any, **more: Any) -> Usage | None:
    return FORMAT.parse_response(json.dumps({"output": [], "usage": usage, **more}).encode()).usage


def counts(asked: Any, made: Any, cached: Any = 0, reasoning: Any = 0, total: Any = None) -> dict[str, Any]:
    details = {
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens_details": {"reasoning_tokens": reasoning},
    }
    return {"input_tokens": asked, "output_tokens": made, "total_tokens": total, **details}


@pytest.mark.parametrize(
    ("usage", "expected", "inconsistent"),
    [
        (counts(100, 50, 80, 30, 150), (20, 80, 20, 30), False),
        (counts(100, 50), (100, 0, 50, 0), False),
        (counts(100, 50, 120), (0, 100, 50, 0), True),
        (counts(100, 50, 0, 60), (100, 0, 0, 50), True),
        (counts(-5, 50), (0, 0, 50, 0), True),
        (counts("100", 50), (0, 0, 50, 0), True),
        (counts(100, True), (100, 0, 0, 0), True),
        (counts(100, 10**30), (100, 0, 2**31, 0), True),
        (counts(100, 50, 0, 0, 99), (100, 0, 50, 0), True),
        ({"output_tokens": 5, "total_tokens": 25}, (20, 0, 5, 0), True),
        ({"input_tokens": 9, "output_tokens": 1, "input_tokens_details": 3}, (9, 0, 1, 0), False),
    ],
)
def test_cached_and_reasoning_are_counted_inside(usage: Any, expected: tuple[int, ...], inconsistent: bool) -> None:
    assert usage_of(usage) == Usage(Counts(*expected), inconsistent, usage)


def test_searches_files_and_containers_are_counted_from_the_items() -> None:
    items = [
        {"type": "web_search_call", "action": {"type": "search"}}, {"type": "web_search_call"},
        {"type": "web_search_call", "action": {"type": "find_in_page"}}, {"type": "file_search_call"},
        *({"type": "code_interpreter_call", "container_id": id} for id in ("a", "a", "b")),
    ]  # fmt: skip
    found = usage_of(counts(10, 5), output=items)
    assert found is not None
    assert found.further.calls == {"web_search": 2, "file_search": 1, "code_interpreter": 2}
    told = usage_of(counts(10, 5), output=items, tool_usage={"web_search": {"num_requests": 3}})
    assert told is not None and told.further.calls["web_search"] == 3


def test_cache_writes_and_the_tier_are_told_apart() -> None:
    details = {"cached_tokens": 10, "cache_write_tokens": 50, "cache_write_tokens_details": {"ttl_12h_tokens": 20}}
    usage = {"input_tokens": 100, "output_tokens": 5, "total_tokens": 105, "input_tokens_details": details}
    found = usage_of(usage, service_tier="flex")
    assert found is not None and found.tier == "flex" and found.counts == Counts(90, 10, 5)
    assert (found.further.cache_write_5m, found.further.cache_write_1h) == (30, 20)
    body = json.loads(FORMAT.render_response(Answer("", "", (Choice(0),), found), asked()).body)
    assert body["service_tier"] == "flex" and body["usage"]["input_tokens_details"]["cache_write_tokens"] == 50
    unusual = usage_of({**usage, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 50}})
    assert unusual is not None and unusual.inconsistent and unusual.further.cache_write_5m == 40
