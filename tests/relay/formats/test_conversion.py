"""What is lost on the way between formats is named; what would change the meaning is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import asked, events, written

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Rendered
from relay.neutral import Answer, Choice, Delta, Message, Refusal, Request, Start, Stop, Text, Usage, fold, spoken

GOOD: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    "anthropic": {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]},
    "gemini": {"contents": [{"parts": [{"text": "Hi"}]}]},
}


def parse(name: str, change: dict[str, Any]) -> Request:
    form = FORMATS[name]
    return form.parse_request(form.glance(json.dumps({**GOOD[name], **change}).encode(), "m", False))


def render(name: str, request: Request) -> tuple[dict[str, Any], Rendered]:
    rendered = FORMATS[name].render_request(request)
    return json.loads(rendered.body), rendered


def block(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, fields]}]}


def part(**fields: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "a"}, fields]}]}


@pytest.mark.parametrize(
    ("name", "change", "param"),
    [
        ("openai_chat", {"tools": [{}]}, "tools.0.function"),
        ("openai_chat", {"tools": [{"type": "web_search"}]}, "tools.0"),
        ("openai_chat", {"tools": [{"type": "function", "function": {"description": "x"}}]}, "tools.0.function.name"),
        ("openai_chat", {"functions": [{}]}, "functions.0.name"),
        ("openai_chat", {"tool_choice": "any"}, "tool_choice"),
        ("openai_chat", {"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ("openai_chat", {"response_format": {"type": "json_schema"}}, "response_format"),
        ("openai_chat", {"reasoning_effort": "huge"}, "reasoning_effort"),
        ("openai_chat", {"logit_bias": {"1": "x"}}, "logit_bias.1"),
        ("openai_chat", {"metadata": {"a": 1}}, "metadata.a"),
        ("openai_chat", {"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id"),
        ("openai_chat", {"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ("openai_chat", {"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages.0.tool_calls.0.function"),
        ("openai_chat", block(type="image_url", image_url={}), "messages.0.content.1.image_url.url"),
        (
            "openai_chat",
            block(type="input_audio", input_audio={"data": "x"}),
            "messages.0.content.1.input_audio.format",
        ),
        ("openai_chat", block(type="file", file={}), "messages.0.content.1.file"),
        ("openai_chat", block(type="hologram"), "messages.0.content.1"),
        ("openai_chat", block(type="text"), "messages.0.content.1.text"),
        ("openai_chat", {"temperature": "hot"}, "temperature"),
        ("openai_chat", {"stop": [1]}, "stop.0"),
        ("openai_chat", {"seed": 1.5}, "seed"),
        ("anthropic", {"tools": [{"description": "x"}]}, "tools.0.name"),
        ("anthropic", {"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ("anthropic", {"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ("anthropic", {"mcp_servers": [{"name": "x"}]}, "mcp_servers"),
        ("anthropic", {"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ("anthropic", {"thinking": {"type": "some"}}, "thinking.type"),
        ("anthropic", {"output_config": {"effort": "huge"}}, "output_config.effort"),
        ("anthropic", {"max_tokens": 0}, "max_tokens"),
        ("anthropic", block(type="image", source={}), "messages.0.content.1.source"),
        ("anthropic", block(type="image"), "messages.0.content.1.source"),
        ("anthropic", block(type="image", source={"type": "url"}), "messages.0.content.1.source.url"),
        ("anthropic", block(text="x"), "messages.0.content.1.type"),
        ("anthropic", block(type="tool_result"), "messages.0.content.1.tool_use_id"),
        ("anthropic", {"system": [{"type": "image"}]}, "system.0"),
        ("anthropic", {"messages": [{"role": "system", "content": "x"}]}, "messages.0.role"),
        ("anthropic", {"stop_sequences": "x"}, "stop_sequences"),
        ("anthropic", {"output_format": {"type": "json_schema"}}, "output_format"),
        ("gemini", {"tools": [{"functionDeclarations": [{}]}]}, "tools.0.functionDeclarations.0.name"),
        ("gemini", {"cached_content": "cachedContents/1"}, "cached_content"),
        ("gemini", part(inlineData={"data": ""}), "contents.0.parts.1.inlineData.mimeType"),
        ("gemini", part(function_call={"id": "f"}), "contents.0.parts.1.function_call.name"),
        ("gemini", part(video_metadata={}), "contents.0.parts.1.text"),
        ("gemini", {"contents": [{"role": "robot", "parts": []}]}, "contents.0.role"),
        ("gemini", {"tool_config": {"function_calling_config": {"mode": "SOME"}}},
         "tool_config.function_calling_config.mode"),
        ("gemini", {"generationConfig": {"response_mime_type": "text/x.enum"}}, "generationConfig.response_mime_type"),
        ("gemini", {"generation_config": {"response_schema": []}}, "generation_config.response_schema"),
        ("gemini", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HUGE"}}},
         "generationConfig.thinkingConfig.thinkingLevel"),
        ("gemini", {"generationConfig": {"topK": 1.5}}, "generationConfig.topK"),
        ("gemini", {"systemInstruction": {"parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]}},
         "systemInstruction"),
        ("gemini", {"labels": {"a": 1}}, "labels.a"),
        ("gemini", {"generationConfig": {"topP": []}}, "generationConfig.topP"),
    ],
)  # fmt: skip
def test_what_can_not_be_carried_is_refused_with_the_callers_path(name: str, change: Any, param: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(name, change)
    problem = caught.value
    assert (problem.status, problem.code, problem.param) == (400, "invalid_request", param)
    words = ("not carried to this kind of channel", "must be", "needs")
    assert any(word in problem.message for word in words)


@pytest.mark.parametrize(
    ("name", "change", "losses"),
    [
        ("openai_chat", {"logit_bias": {"1": 2}, "store": True, "service_tier": None}, set()),
        ("openai_chat", {"moderation": {"model": "m"}, "next_month": 1}, {"moderation", "next_month"}),
        ("openai_chat", {"tools": [], "response_format": {"type": "text"}, "modalities": ["text"]}, set()),
        ("openai_chat", {"messages": [{"role": "user", "content": "a", "title": "Al"}] * 3}, {"messages.title"}),
        ("anthropic", block(type="text", text="b", cache_control={"type": "ephemeral"}), {"cache_control"}),
        ("anthropic", {"cache_control": {"type": "ephemeral"}}, {"cache_control"}),
        ("anthropic", block(type="text", text="b", citations=[{}]), {"messages.content.citations"}),
        ("anthropic", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, set()),
        ("anthropic", {"thinking": {"type": "disabled"}, "output_config": {"effort": "low", "task_budget": {}}},
         {"output_config.effort", "output_config.task_budget"}),
        ("anthropic", {"speed": "fast", "context_management": {}}, {"speed", "context_management"}),
        ("anthropic", {"thinking": {"type": "disabled"}, "tools": []}, set()),
        ("anthropic", {"metadata": {"user_id": "u", "more": 1}}, {"metadata.more"}),
        ("anthropic", {"top_k": 5}, {"top_k"}),
        ("gemini", {"safetySettings": [{}]}, {"safetySettings"}),
        ("gemini", part(text="x", thought=True), {"contents.parts.thought"}),
        ("gemini", part(text="x", thoughtSignature="x"), {"contents.parts.thoughtSignature"}),
        ("gemini", {"generationConfig": {"thinkingConfig": {"later": 1}}}, {"generationConfig.thinkingConfig.later"}),
        ("gemini", {"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}},
         {"generationConfig.mediaResolution"}),
        ("gemini", {"toolConfig": {"retrievalConfig": {}}}, {"toolConfig.retrievalConfig"}),
        ("gemini", {"generation_config": {"top_k": 3}}, {"top_k"}),
        ("gemini", {"generationConfig": {"responseMimeType": "text/plain", "responseModalities": ["Text"]}}, set()),
    ],
)  # fmt: skip
def test_what_is_left_out_is_named(name: str, change: dict[str, Any], losses: set[str]) -> None:
    _, rendered = render("openai_chat", parse(name, change))
    assert set(rendered.losses) == losses and len(rendered.losses) == len(losses)


def test_options_reach_the_upstream_under_its_own_names() -> None:
    system = [{"type": "text", "text": text} for text in "ab"]
    options = {"temperature": 0.3, "top_p": 0.2, "stop_sequences": ["x"], "metadata": {"user_id": "u"}}
    body, _ = render("openai_chat", parse("anthropic", {"system": system, **options}))
    assert body == {
        "model": "m", "max_tokens": 5, "temperature": 0.3, "top_p": 0.2, "stop": ["x"], "user": "u",
        "messages": [{"role": "system", "content": "a\n\nb"}, {"role": "user", "content": "Hi"}],
    }  # fmt: skip
    config = {"maxOutputTokens": 9, "candidateCount": 2, "seed": 4, "presence_penalty": 0.1, "frequencyPenalty": 0.2}
    body, _ = render("openai_chat", parse("gemini", {"generation_config": config}))
    assert {key: body[key] for key in body if key not in ("model", "messages")} == {
        "max_tokens": 9, "n": 2, "seed": 4, "presence_penalty": 0.1, "frequency_penalty": 0.2
    }  # fmt: skip


def test_a_stream_asks_the_vendor_for_its_counts() -> None:
    body, _ = render("openai_chat", Request("m", (Message("user", (Text("Hi"),)),), stream=True))
    assert body["stream"] is True and body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(("model", "field"), [("gpt-4o", "max_tokens"), ("deepseek-chat", "max_tokens"),
                                              ("o3-mini", "max_completion_tokens"), ("gpt-5", "max_completion_tokens"),
                                              ("gpt-4.1", "max_tokens"), ("olmo", "max_tokens")])  # fmt: skip
def test_the_limit_has_the_name_that_the_model_takes(model: str, field: str) -> None:
    body, _ = render("openai_chat", Request(model, (Message("user", (Text("Hi"),)),), max_tokens=3))
    assert body[field] == 3


def test_claude_has_no_second_answer_and_a_shorter_scale() -> None:
    turn = (Message("user", (Text("Hi"),)),)
    with pytest.raises(Problem) as caught:
        render("anthropic", Request("m", turn, n=2))
    assert caught.value.param == "n"
    body, rendered = render("anthropic", Request("m", turn, temperature=1.5, seed=1))
    assert body["temperature"] == 1 and body["max_tokens"] == 8192
    assert set(rendered.losses) == {"temperature", "seed"}


def test_instructions_amid_a_conversation_move_to_the_front_and_that_is_said() -> None:
    turns = [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "developer", "content": "c"},
    ]
    request = parse("openai_chat", {"messages": turns})
    assert request.system == (Text("a"),) and request.messages[-1] == Message("system", (Text("c"),))
    for name, system in (("anthropic", "system"), ("gemini", "systemInstruction")):
        body, rendered = render(name, request)
        assert json.dumps(body[system]).count('"text": ') == 2 and rendered.losses == ("system_position",)


def test_a_request_of_nothing_but_instructions_still_has_a_turn_to_answer() -> None:
    request = parse("openai_chat", {"messages": [{"role": "system", "content": c} for c in "ab"]})
    assert (request.system, request.messages) == ((Text("a"),), (Message("user", (Text("b"),)),))


def test_a_beginning_put_into_the_models_mouth_is_a_loss() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}]
    assert render("openai_chat", parse("anthropic", {"messages": turns}))[1].losses == ("prefill",)


def test_a_refusal_in_the_models_words_stays_one_where_there_is_a_place_for_it() -> None:
    answer = Answer("", "", (Choice(0, (Refusal("I won't."),), "refusal"),))
    shown = {name: json.loads(FORMATS[name].render_response(answer, asked()).body) for name in FORMATS}
    choice = shown["openai_chat"]["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": "I won't."}
    assert choice["finish_reason"] == "stop"
    assert FORMATS["openai_chat"].parse_response(json.dumps(shown["openai_chat"]).encode()).choices == answer.choices
    assert shown["anthropic"]["content"][0]["text"] == "I won't." and shown["anthropic"]["stop_reason"] == "refusal"
    assert shown["gemini"]["candidates"][0]["finishReason"] == "SAFETY"


def test_a_streamed_refusal_folds_into_the_whole_one() -> None:
    happened = [Start(), Delta("I ", 0, "refusal"), Delta("won't.", 0, "refusal"), Stop("refusal")]
    again = fold(events("openai_chat", written("openai_chat", list(happened), Usage(Counts()))))
    mixed = fold([Delta("Well, "), Delta("no.", 0, "refusal")])
    assert mixed.parts == (Text("Well, "), Refusal("no."))
    assert again.choices == fold(happened).choices == (Choice(0, (Refusal("I won't."),), "refusal"),)


@pytest.mark.parametrize(
    ("name", "body", "stop"),
    [
        ("anthropic", {"content": [], "stop_reason": "stop_sequence", "stop_sequence": "END"}, "sequence"),
        ("anthropic", {"content": [], "stop_reason": "pause_turn"}, "pause"),
        ("anthropic", {"content": [], "stop_reason": "model_context_window_exceeded"}, "length"),
        ("gemini", {"promptFeedback": {"blockReason": "SAFETY"}}, "refusal"),
        ("gemini", {"candidates": [{"finishReason": "RECITATION"}]}, "refusal"),
        ("gemini", {"candidates": [{"finishReason": "NEW_ONE"}]}, "other"),
        ("openai_chat", {"choices": [{"message": {}, "finish_reason": "tool_calls"}]}, "tools"),
        ("openai_chat", {"choices": [{"message": {}, "finish_reason": "eos"}]}, "other"),
        ("openai_chat", {"choices": [{"message": {}, "finish_reason": ""}]}, None),
    ],
)
def test_every_reason_to_stop_has_a_neutral_one(name: str, body: dict[str, Any], stop: str | None) -> None:
    answer = FORMATS[name].parse_response(json.dumps(body).encode())
    assert answer.stop == stop
    assert answer.choices[0].sequence == body.get("stop_sequence")


def test_thoughts_are_no_part_of_an_answers_text() -> None:
    parts = [{"text": "hm", "thought": True}, {"text": "Yes"}]
    answer = FORMATS["gemini"].parse_response(json.dumps({"candidates": [{"content": {"parts": parts}}]}).encode())
    assert spoken(answer.parts) == "Yes" and answer.texts == ("hm", "Yes")
