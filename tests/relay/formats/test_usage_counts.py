"""How each vendor counts, and what becomes of counts that contradict themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import NAMES, asked, told
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.anthropic.usage import render_usage as render_claude
from relay.formats.openai_chat.usage import render_usage
from relay.neutral import Answer, Choice, Further, Text, Usage


def parsed(name: str, usage: Any) -> Usage | None:
    bodies = {
        "openai_chat": {"choices": [{"message": {"content": ""}}], "usage": usage},
        "openai_responses": {"output": [], "usage": usage},
        "anthropic": {"content": [], "usage": usage},
        "gemini": {"candidates": [{}], "usageMetadata": usage},
    }
    return FORMATS[name].parse_response(json.dumps(bodies[name]).encode()).usage


def chat(prompt: Any, completion: Any, cached: Any = 0, reasoning: Any = 0, total: Any = None) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


@pytest.mark.parametrize(
    ("usage", "counts", "inconsistent"),
    [
        (chat(100, 50, 80, 30, 150), (20, 80, 20, 30), False),
        (chat(100, 50), (100, 0, 50, 0), False),
        (chat(100, 50.0), (100, 0, 50, 0), False),
        (chat(100, 0), (100, 0, 0, 0), False),
        (chat(100, 50, 120), (0, 100, 50, 0), True),
        (chat(100, 50, 0, 60), (100, 0, 0, 50), True),
        (chat(-5, 50), (0, 0, 50, 0), True),
        (chat(100, -1), (100, 0, 0, 0), True),
        (chat("100", 50), (0, 0, 50, 0), True),
        (chat(100, 50, "x", [1]), (100, 0, 50, 0), True),
        (chat(100, True), (100, 0, 0, 0), True),
        (chat(100, 2**40), (100, 0, 2**31, 0), True),
        (chat(100, 10**30), (100, 0, 2**31, 0), True),
        # xAI: reasoning beside the completion; Google's compatible endpoint: only in the total.
        (chat(10, 20, 0, 300, 330), (10, 0, 20, 300), False),
        (chat(102, 758, 0, 0, 1725), (102, 0, 758, 865), True),
        # DeepSeek, Moonshot, a prompt that is only in the total.
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 8}, (1, 8, 1, 0), False),
        ({"prompt_tokens": 9, "completion_tokens": 1, "cached_tokens": 4}, (5, 4, 1, 0), False),
        ({"completion_tokens": 5, "total_tokens": 25}, (20, 0, 5, 0), True),
        ({"completion_tokens": 5}, (0, 0, 5, 0), True),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": None}, (9, 0, 1, 0), False),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": 3}, (9, 0, 1, 0), False),
    ],
)
def test_openai_counts_cached_and_reasoning_inside(usage: Any, counts: tuple[int, ...], inconsistent: bool) -> None:
    found = parsed("openai_chat", usage)
    assert found == Usage(Counts(*counts), inconsistent, usage)


@pytest.mark.parametrize(
    ("prompt", "made", "counts", "further", "inconsistent"),
    [
        ({"audio_tokens": 38}, {}, (100, 0, 50, 0), Further(input_audio=38), False),
        (
            {"audio_tokens": 60, "cached_tokens": 70},
            {},
            (30, 70, 50, 0),
            Further(input_audio=30, cached_audio=30),
            False,
        ),
        ({}, {"audio_tokens": 20, "reasoning_tokens": 10}, (100, 0, 40, 10), Further(output_audio=20), False),
        ({}, {"image_tokens": 45}, (100, 0, 50, 0), Further(output_image=45), False),
        ({"cache_write_tokens": 40, "cached_tokens": 60}, {}, (40, 60, 50, 0), Further(cache_write_5m=40), False),
        # what can't be: more than there is
        ({"audio_tokens": 120}, {}, (100, 0, 50, 0), Further(input_audio=100), True),
        ({"audio_tokens": 60, "image_tokens": 60}, {}, (100, 0, 50, 0), Further(input_audio=60, input_image=40), True),
        ({"cache_write_tokens": 80, "cached_tokens": 60}, {}, (40, 60, 50, 0), Further(cache_write_5m=40), True),
        ({}, {"audio_tokens": 45, "reasoning_tokens": 10}, (100, 0, 40, 10), Further(output_audio=40), True),
        ({}, {"audio_tokens": -4}, (100, 0, 50, 0), Further(), True),
    ],
)
def test_openai_tells_sounds_pictures_and_cache_writes_apart(
    prompt: Any, made: Any, counts: tuple[int, ...], further: Further, inconsistent: bool
) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "prompt_tokens_details": prompt,
             "completion_tokens_details": made}  # fmt: skip
    found = parsed("openai_chat", usage)
    assert found == Usage(Counts(*counts), inconsistent, usage, further)
    again = parsed("openai_chat", render_usage(found))
    assert again is not None and (again.counts, again.further, again.inconsistent) == (found.counts, further, False)


def test_pictures_in_a_cached_prompt_are_counted_once() -> None:
    usage = {"prompt_tokens": 24_643, "completion_tokens": 10, "total_tokens": 24_653,
             "prompt_tokens_details": {"cached_tokens": 24_503, "image_tokens": 22_000}}  # fmt: skip
    found = parsed("openai_chat", usage)
    assert found is not None and found.counts == Counts(140, 24_503, 10)
    assert found.further == Further(input_image=140, cached_image=21_860)


@pytest.mark.parametrize(("tier", "charged"), [("flex", "flex"), ("priority", "priority"), ("default", ""), (None, ""),
                                            ("auto", ""), (7, "")])  # fmt: skip
def test_the_tier_that_was_charged_is_part_of_the_usage(tier: Any, charged: str) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    body = json.dumps({"model": "m", "choices": [{"message": {}}], "usage": usage, "service_tier": tier}).encode()
    chat = FORMATS["openai_chat"]
    whole = chat.parse_response(body).usage
    assert whole is not None and whole.tier == charged
    surveyed = chat.survey(body) if chat.survey else None
    assert surveyed is not None and surveyed.usage == told(whole)


@pytest.mark.parametrize(
    ("usage", "counts", "further", "inconsistent"),
    [
        ({"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 5}, (10, 90, 5, 0), Further(), False),
        ({"input_tokens": -1, "output_tokens": 5}, (0, 0, 5, 0), Further(), True),
        ({"input_tokens": 3, "cache_read_input_tokens": None, "output_tokens": "5"}, (3, 0, 0, 0), Further(), True),
        # Thinking is inside the output.
        ({"input_tokens": 3, "output_tokens": 80, "output_tokens_details": {"thinking_tokens": 60}},
         (3, 0, 20, 60), Further(), False),
        ({"input_tokens": 3, "output_tokens": 8, "output_tokens_details": {"thinking_tokens": 60}},
         (3, 0, 0, 8), Further(), True),
        # The three shapes of cache writes: a total, a split, both; and a total that has grown since.
        ({"input_tokens": 10, "cache_creation_input_tokens": 40, "output_tokens": 5},
         (50, 0, 5, 0), Further(cache_write_5m=40), False),
        ({"input_tokens": 10, "cache_creation": {"ephemeral_5m_input_tokens": 40}, "output_tokens": 5},
         (50, 0, 5, 0), Further(cache_write_5m=40), False),
        ({"input_tokens": 10, "cache_creation_input_tokens": 40, "output_tokens": 5,
          "cache_creation": {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 0}},
         (50, 0, 5, 0), Further(cache_write_5m=40), False),
        ({"input_tokens": 10, "cache_creation_input_tokens": 40, "output_tokens": 5,
          "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 25}},
         (50, 0, 5, 0), Further(cache_write_5m=15, cache_write_1h=25), False),
        ({"input_tokens": 10, "cache_creation_input_tokens": 20, "output_tokens": 5,
          "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 25}},
         (45, 0, 5, 0), Further(cache_write_5m=10, cache_write_1h=25), True),
        # Searches; compaction is beside the totals.
        ({"input_tokens": 10, "output_tokens": 5,
          "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}},
         (10, 0, 5, 0), Further(calls={"web_search": 2}), False),
        ({"input_tokens": 10, "output_tokens": 5, "iterations": [
            {"type": "compaction", "input_tokens": 1000, "cache_creation_input_tokens": 7, "output_tokens": 50},
            {"type": "message", "input_tokens": 10, "output_tokens": 5}]},
         (1017, 0, 55, 0), Further(cache_write_5m=7), False),
    ],
)  # fmt: skip
def test_claude_counts_cached_beside_the_input(
    usage: Any, counts: tuple[int, ...], further: Further, inconsistent: bool
) -> None:
    found = parsed("anthropic", usage)
    assert found == Usage(Counts(*counts), inconsistent, usage, further)
    again = parsed("anthropic", render_claude(found))
    assert again is not None and (again.counts, again.further, again.inconsistent) == (found.counts, further, False)


@pytest.mark.parametrize(("told", "tier"), [({"service_tier": "standard"}, ""), ({"service_tier": "batch"}, "batch"),
                                            ({"service_tier": "priority", "speed": "standard"}, "priority"),
                                            ({"speed": "fast", "service_tier": "standard"}, "fast"),
                                            ({"service_tier": 5}, "")])  # fmt: skip
def test_claude_tells_its_tier_and_speed_in_the_usage(told: Any, tier: str) -> None:
    found = parsed("anthropic", {"input_tokens": 1, "output_tokens": 1, **told})
    assert found is not None and found.tier == tier
    again = parsed("anthropic", render_claude(found))
    assert again is not None and again.tier == tier


@pytest.mark.parametrize(
    ("usage", "counts", "inconsistent"),
    [
        ({"promptTokenCount": 100, "cachedContentTokenCount": 80, "candidatesTokenCount": 5, "thoughtsTokenCount": 7,
          "totalTokenCount": 112}, (20, 80, 5, 7), False),
        ({"promptTokenCount": 10, "toolUsePromptTokenCount": 30, "candidatesTokenCount": 5, "totalTokenCount": 45},
         (40, 0, 5, 0), False),
        ({"promptTokenCount": 10, "cachedContentTokenCount": 11}, (0, 10, 0, 0), True),
        ({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 99}, (10, 0, 5, 0), True),
    ],
)  # fmt: skip
def test_gemini_counts_thoughts_beside_the_candidates(usage: Any, counts: tuple[int, ...], inconsistent: bool) -> None:
    assert parsed("gemini", usage) == Usage(Counts(*counts), inconsistent, usage)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("usage", [None, {}, [], "x", 5, {"prompt_tokens": 0, "input_tokens": 0}])
def test_no_counts_are_no_usage_rather_than_a_free_answer(name: str, usage: Any) -> None:
    assert parsed(name, usage) is None


_count = st.integers(-10, 200) | st.none() | st.sampled_from(["5", 1.5, True, [], {}])


@given(*[_count] * 5)
def test_counts_are_never_negative_nor_more_than_was_reported(p: Any, c: Any, cached: Any, r: Any, total: Any) -> None:
    usage = parsed("openai_chat", chat(p, c, cached, r, total))
    if usage is None:
        return
    assert all(count >= 0 for count in astuple(usage.counts))
    if not usage.inconsistent:
        assert usage.counts.total_input == p
        assert usage.counts.total_output in (c or 0, (c or 0) + (r or 0))


def test_callers_see_the_counts_in_their_own_convention() -> None:
    answer = Answer("", "", (Choice(0, (Text("x"),), "stop"),), Usage(Counts(20, 80, 5, 7)))
    shown = {name: json.loads(FORMATS[name].render_response(answer, asked()).body) for name in NAMES}
    usage = shown["openai_chat"]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (100, 12, 112)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 80
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 7
    usage = shown["anthropic"]["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (20, 80, 12)
    assert shown["gemini"]["usageMetadata"] == {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 80,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 7,
        "totalTokenCount": 112,
    }
