"""The glance at a whole answer sees what parsing it sees, or gives up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import content, having, told
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.formats.format import Garbage
from relay.formats.openai_chat.response import parse_response
from relay.formats.openai_chat.survey import survey

_count = st.integers(-1, 9) | st.sampled_from([None, True, 1.5, "3", 2**40])
_DETAILS = ("cached_tokens", "reasoning_tokens", "audio_tokens", "image_tokens", "cache_write_tokens")
_details = st.none() | st.fixed_dictionaries({}, optional=dict.fromkeys(_DETAILS, _count))
_usage = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": _count,
        "completion_tokens": _count,
        "total_tokens": st.integers(0, 18) | _count,
        "prompt_tokens_details": _details,
        "completion_tokens_details": _details,
        "cached_tokens": _count,
    },
)
_choice = st.sampled_from([{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}, {}, [], None, 1])
_body = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["m", None, 1]),
        "object": st.sampled_from(["chat.completion", "error", None]),
        "type": st.sampled_from(["error", "x"]),
        "choices": st.lists(_choice, max_size=2) | st.none(),
        "usage": _usage | st.none(),
        "error": st.sampled_from([None, {}, {"message": "down"}, "down", ""]),
        "service_tier": st.sampled_from([None, "default", "flex", 1]),
    },
)


def agree(body: bytes) -> bool:
    """True when the glance saw something; that must be what parsing sees."""
    seen = survey(body)
    if seen is None:
        return False
    parsed = parse_response(body)
    assert parsed.usage is not None and not parsed.usage.inconsistent
    assert (seen.model, seen.usage) == (parsed.model, told(parsed.usage))
    return True


@settings(max_examples=400, deadline=None)
@given(_body)
def test_whatever_the_answer_the_glance_and_the_parser_agree(body: dict[str, Any]) -> None:
    agree(json.dumps(body).encode())


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_counts_that_add_up_are_seen_at_a_glance(prompt: int, completion: int, cached: int, reasoning: int) -> None:
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": min(cached, prompt), "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": min(reasoning, completion)},
    }
    body = {"model": "m", "choices": [{"index": 0, "message": {"content": "Hi"}}], "usage": usage}
    assert agree(json.dumps(body).encode())


@pytest.mark.parametrize("case", [case for case, name in having("response.json") if name == "openai_chat"])
def test_the_answers_of_the_golden_cases_look_the_same_both_ways(case: str) -> None:
    agree(content(case, "openai_chat.response.json"))


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_a_damaged_answer_is_never_seen_as_a_sound_one(cut: int) -> None:
    body = b'{"model":"m","choices":[{"index":0}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
    assert agree(body)
    try:
        parse_response(body[:cut])
    except Garbage:
        assert survey(body[:cut]) is None
