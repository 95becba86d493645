"""What each of Claude's models takes of thinking, sampling and instructions, and what becomes of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.formats import FORMATS
from relay.formats.anthropic.models import Model, model_of
from relay.neutral import (
    Message,
    Opaque,
    Part,
    Reasoning,
    Request,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
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


@pytest.mark.parametrize(
    ("name", "family", "version"),
    [
        ("claude-sonnet-4-5-20250929", "sonnet", (4, 5)),
        ("claude-opus-4-20250514", "opus", (4, 0)),
        ("claude-3-7-sonnet-20250219", "sonnet", (3, 7)),
        ("claude-3-haiku-20240307", "haiku", (3, 0)),
        ("claude-opus-5", "opus", (5, 0)),
        ("claude-haiku-5-5", "haiku", (5, 5)),
        ("claude-fable-5-2", "fable", (5, 2)),
        ("claude-mythos-preview", "mythos", (4, 7)),
        ("us.anthropic.claude-opus-4-6-v1", "opus", (4, 6)),
        ("claude-haiku-4-5@20251001", "haiku", (4, 5)),
        ("anthropic/claude-sonnet-4.5", "sonnet", (4, 5)),
        ("claude-instant", "", (0, 0)),
        ("deepseek-chat", "", (0, 0)),
    ],
)
def test_a_model_is_known_under_every_platforms_spelling(name: str, family: str, version: tuple[int, int]) -> None:
    assert model_of(name) == Model(family, version)


ADAPTIVE = {"thinking": {"type": "adaptive"}}
HIGH = {"output_config": {"effort": "high"}}


def budget(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


@pytest.mark.parametrize(
    ("model", "wish", "limit", "fields", "losses"),
    [
        ("claude-sonnet-4-5", Reasoning("high"), 40_000, budget(24_576), ()),
        ("claude-sonnet-4-5", Reasoning("high"), 9_000, budget(4_500), ()),
        ("claude-sonnet-4-5", Reasoning(budget=8_000), 9_000, budget(8_000), ()),
        ("claude-sonnet-4-5", Reasoning(budget=9_000), 9_000, budget(4_500), ("reasoning",)),
        ("claude-sonnet-4-5", Reasoning(budget=500), 9_000, budget(1_024), ("reasoning",)),
        ("claude-sonnet-4-5", Reasoning("minimal"), 1_025, budget(1_024), ()),
        ("claude-sonnet-4-5", Reasoning("low"), 1_024, {}, ("reasoning",)),
        ("claude-sonnet-4-5", Reasoning(summary="auto"), 9_000, budget(8_192), ()),
        ("claude-sonnet-4-5", Reasoning("none"), 9_000, {"thinking": {"type": "disabled"}}, ()),
        ("claude-opus-4-5", Reasoning("max"), 9_000, budget(4_500), ()),
        ("claude-opus-4-5", Reasoning("high"), 40_000, {**budget(24_576), **HIGH}, ()),
        ("claude-sonnet-4-6", Reasoning(budget=2_000), 9_000, budget(2_000), ()),
        ("claude-sonnet-4-6", Reasoning("high"), 9_000, {**ADAPTIVE, **HIGH}, ()),
        ("claude-opus-4-6", Reasoning("xhigh"), 9_000, {**ADAPTIVE, "output_config": {"effort": "max"}}, ()),
        ("claude-opus-4-7", Reasoning("xhigh"), 9_000, {**ADAPTIVE, "output_config": {"effort": "xhigh"}}, ()),
        ("claude-opus-4-8", Reasoning(budget=20_000), 9_000, {**ADAPTIVE, **HIGH}, ()),
        ("claude-opus-5", Reasoning("minimal"), 9_000, {**ADAPTIVE, "output_config": {"effort": "low"}}, ()),
        ("claude-opus-5", Reasoning(), 9_000, ADAPTIVE, ()),
        ("claude-opus-5", None, 9_000, {}, ()),
        ("claude-opus-5", Reasoning(summary="none"), 9_000,
         {"thinking": {"type": "adaptive", "display": "omitted"}}, ()),
        ("claude-opus-5", Reasoning("high", summary="detailed"), 9_000,
         {"thinking": {"type": "adaptive", "display": "summarized"}, **HIGH}, ()),
        ("claude-opus-5", Reasoning("none"), 9_000, {"thinking": {"type": "disabled"}}, ()),
        ("claude-opus-4-7", Reasoning(budget=0), 9_000, {}, ()),
        ("claude-sonnet-5-5", Reasoning("none"), 9_000, {"thinking": {"type": "between_tools"}}, ()),
        ("claude-opus-5-5", Reasoning("none"), 9_000, {"output_config": {"effort": "low"}}, ("reasoning",)),
        ("claude-mythos-preview", Reasoning("none"), 9_000, {"output_config": {"effort": "low"}}, ("reasoning",)),
        ("deepseek-chat", Reasoning("medium"), 9_000, budget(8_192), ()),
        ("claude-3-haiku-20240307", Reasoning("medium"), 9_000, {}, ("reasoning",)),
        ("claude-3-haiku-20240307", Reasoning("none"), 9_000, {}, ()),
        ("claude-3-7-sonnet-20250219", Reasoning("medium"), 40_000, budget(8_192), ()),
    ],
)  # fmt: skip
def test_thinking_is_asked_for_in_each_models_own_way(
    model: str, wish: Reasoning | None, limit: int, fields: dict[str, Any], losses: tuple[str, ...]
) -> None:
    body, lost = rendered(model, reasoning=wish, max_tokens=limit)
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == fields
    assert (body["max_tokens"], lost) == (limit, losses)


@pytest.mark.parametrize(
    ("model", "wish", "limit"),
    [("claude-sonnet-4-5", None, 32_000), ("claude-sonnet-4-5", Reasoning("high"), 32_768),
     ("claude-sonnet-4-5", Reasoning("max"), 64_000), ("claude-opus-5", Reasoning("max"), 32_000),
     ("claude-3-haiku-20240307", None, 8_192), ("m", None, 8_192)],
)  # fmt: skip
def test_a_limit_is_sent_for_callers_who_give_none_with_room_to_think(
    model: str, wish: Reasoning | None, limit: int
) -> None:
    body, losses = rendered(model, reasoning=wish, max_tokens=None)
    assert body["max_tokens"] == limit and losses == ()
    assert body.get("thinking", {}).get("budget_tokens", 0) < limit


def test_where_a_tool_must_be_called_thinking_is_not_asked_for() -> None:
    forced = {"tools": (TOOL,), "tool_choice": ToolChoice("required"), "reasoning": Reasoning("high")}
    body, losses = rendered("claude-sonnet-4-5", **forced)
    assert "thinking" not in body and losses == ("reasoning",)
    body, losses = rendered("claude-opus-4-7", **forced)
    assert "thinking" not in body and body["output_config"] == {"effort": "high"} and losses == ("reasoning",)
    body, losses = rendered("claude-opus-5", **forced)
    assert "thinking" not in body and body["output_config"] == {"effort": "high"} and losses == ()


@pytest.mark.parametrize(
    ("said", "thinks"),
    [((OWN, CALL), True), ((Thinking("", Opaque("anthropic", "x"), redacted=True), CALL), True), ((CALL,), False),
     ((Text("Let me look."), OWN, CALL), False), ((Text(" "), Thinking("x"), OWN, CALL), True),
     ((Thinking("hm"), CALL), False), ((Thinking("hm", Opaque("openai", "x")), CALL), False)],
)  # fmt: skip
def test_a_tool_loop_whose_thoughts_were_dropped_goes_on_without_thinking(said: tuple[Part, ...], thinks: bool) -> None:
    turns = (*HI, Message("assistant", said), RESULT)
    body, losses = rendered(messages=turns, tools=(TOOL,), reasoning=Reasoning(budget=2_000))
    assert ("thinking" in body) == thinks and ("reasoning" in losses) != thinks
    body, losses = rendered("claude-opus-5", messages=turns, tools=(TOOL,), reasoning=Reasoning("high"))
    assert body["thinking"] == {"type": "adaptive"} and "reasoning" not in losses


def test_a_beginning_put_into_the_models_mouth_ends_without_white_space_and_is_not_thought_about() -> None:
    turns = (*HI, Message("assistant", (Text("Well, "),)))
    body, losses = rendered(messages=turns, reasoning=Reasoning("low"))
    assert body["messages"][-1]["content"] == [{"type": "text", "text": "Well,"}]
    assert "thinking" not in body and losses == ("reasoning",)


@pytest.mark.parametrize(
    ("model", "given", "sent", "losses"),
    [
        ("claude-3-haiku-20240307", {"temperature": 0.5, "top_p": 0.9, "top_k": 4},
         {"temperature": 0.5, "top_p": 0.9, "top_k": 4}, ()),
        ("claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.9, "top_k": 4},
         {"temperature": 0.5, "top_k": 4}, ("top_p",)),
        ("claude-sonnet-4-5", {"top_p": 0.9}, {"top_p": 0.9}, ()),
        ("claude-sonnet-4-5", {"temperature": 1.7}, {"temperature": 1}, ("temperature",)),
        ("claude-opus-4-7", {"temperature": 0.5, "top_p": 0.9, "top_k": 4}, {}, ("temperature", "top_p", "top_k")),
        ("claude-opus-5", {"temperature": 1}, {}, ()),
        ("claude-opus-5", {"temperature": 1.0, "top_p": 0.9}, {}, ("top_p",)),
        ("claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.97, "top_k": 4, "reasoning": Reasoning("low")},
         {"top_p": 0.97}, ("temperature", "top_k")),
        ("claude-sonnet-4-6", {"temperature": 1, "top_p": 0.5, "reasoning": Reasoning("low")}, {}, ("top_p",)),
    ],
)  # fmt: skip
def test_sampling_is_sent_as_far_as_the_model_takes_it(
    model: str, given: dict[str, Any], sent: dict[str, Any], losses: tuple[str, ...]
) -> None:
    body, lost = rendered(model, **given)
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == sent
    assert lost == losses


def test_instructions_amid_a_conversation_stay_where_the_model_takes_them() -> None:
    def texts(*parts: str) -> list[dict[str, Any]]:
        return [{"type": "text", "text": text} for text in parts]

    system, said = Message("system", (Text("Be brief."),)), Message("assistant", (Text("Yes?"),))
    more = Message("system", (Text("In French."),))
    body, losses = rendered("claude-opus-5", messages=(*HI, system, more, said, *HI))
    assert [turn["role"] for turn in body["messages"]] == ["user", "system", "assistant", "user"]
    assert body["messages"][1]["content"] == texts("Be brief.", "In French.") and losses == ()
    assert "system" not in body
    body, losses = rendered("claude-opus-5", messages=(*HI, said, system, *HI))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user", "system"]
    assert losses == ("system_position",)
    body, losses = rendered("claude-opus-4-7", messages=(*HI, said, system, *HI))
    assert body["system"] == texts("Be brief.") and losses == ("system_position",)
    body, losses = rendered("claude-opus-5", messages=(said, system))
    assert body["messages"][-1] == {"role": "user", "content": texts("Be brief.")}
