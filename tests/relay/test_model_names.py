"""Suffixes of model names."""

from __future__ import annotations

import pytest

from openopen8.core.rules.pricing import UNPRICED
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.rules.suffixes import meant
from relay.model_names import wish, with_reasoning
from relay.neutral import Message, Reasoning, Request, Text

KNOWN = {"o3", "claude-opus-4-5", "gemini-2.5-pro", "qwen3-thinking", "gpt-5-high", "gpt-5"}


@pytest.mark.parametrize(
    ("name", "model", "reasoning"),
    [
        ("o3", "o3", None),
        ("o3-high", "o3", Reasoning("high")),
        ("o3-medium", "o3", Reasoning("medium")),
        ("o3-low", "o3", Reasoning("low")),
        ("claude-opus-4-5-thinking", "claude-opus-4-5", Reasoning(summary="auto")),
        ("gemini-2.5-pro-thinking-128", "gemini-2.5-pro", Reasoning(budget=128, summary="auto")),
        ("gemini-2.5-pro-thinking-0", "gemini-2.5-pro", Reasoning(budget=0, summary="auto")),
        ("gemini-2.5-pro-nothinking", "gemini-2.5-pro", Reasoning("none")),
        # a name of its own is no suffix
        ("gpt-5-high", "gpt-5-high", None),
        ("qwen3-thinking", "qwen3-thinking", None),
        ("qwen3-thinking-low", "qwen3-thinking", Reasoning("low")),
        # what is left must be a model
        ("qwen3-high", "qwen3-high", None),
        ("unknown-thinking", "unknown-thinking", None),
        ("-high", "-high", None),
        ("o3-thinking-99999999", "o3-thinking-99999999", None),
        ("o3-huge", "o3-huge", None),
        ("", "", None),
    ],
)
def test_a_suffix_is_taken_off_and_asks_for_thinking(name: str, model: str, reasoning: Reasoning | None) -> None:
    snapshot = Snapshot(prices=dict.fromkeys(KNOWN, (UNPRICED,)))
    assert (meant(name, snapshot), wish(name, meant(name, snapshot))) == (model, reasoning)


def test_the_suffix_goes_before_the_body_but_keeps_how_thoughts_are_shown() -> None:
    request = Request("o3", (Message("user", (Text("Hi"),)),), reasoning=Reasoning("high", None, "concise"))
    assert with_reasoning(request, Reasoning("low")).reasoning == Reasoning("low", None, "concise")
    assert with_reasoning(request, Reasoning(budget=9, summary="auto")).reasoning == Reasoning(None, 9, "concise")


def test_a_fallbacks_name_has_no_wish_of_the_first_ones_suffix() -> None:
    assert wish("o3-high", "fallback") is None
