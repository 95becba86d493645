"""What the gateway reads of a request, and the 400s with the caller's own field path."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from golden_cases import NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

from openopen8.core.errors import Problem
from relay.formats import FORMATS
from relay.formats.fields import typed
from relay.formats.format import Glance

TURN = {"role": "user", "content": "Hi"}
GOOD: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": [TURN]},
    "openai_responses": {"model": "m", "input": [TURN]},
    "anthropic": {"model": "m", "max_tokens": 5, "messages": [TURN]},
    "gemini": {"contents": [{"parts": [{"text": "Hi"}]}]},
}


def glance(name: str, value: dict[str, Any] | bytes, stream: bool | None = None) -> Glance:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return FORMATS[name].glance(body, "path-model" if name == "gemini" else None, stream)


def refused(name: str, value: dict[str, Any] | bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        glance(name, value)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    return caught.value


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"model": "x" * 257}, "model"),
        ({"model": "a\0b"}, "model"),
        ({"model": "a\nb"}, "model"),
        ({"model": "a\u202eb"}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["Hi"]}, "messages.0"),
        ({"messages": [TURN, {"content": "Hi"}]}, "messages.1"),
        ({"messages": [{"role": 1, "content": "Hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [TURN, "x"]}]}, "messages.0.content.1"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": True}, "n"),
        ({"n": "2"}, "n"),
        ({"n": 1.5}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -5}, "max_tokens"),
        ({"max_tokens": 2**31 + 1}, "max_tokens"),
        ({"max_tokens": 10**400}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"max_completion_tokens": 5, "max_tokens": False}, "max_tokens"),
        ({"stream": "true"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"stream_options": True}, "stream_options"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
    ],
)
def test_an_openai_callers_mistake_is_named_by_its_path(change: dict[str, Any], param: str) -> None:
    assert refused("openai_chat", {**GOOD["openai_chat"], **change}).param == param


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages.0"),
        ({"messages": [{"role": "user", "content": [{"type": 5}]}]}, "messages.0.content.0.type"),
        ({"system": 5}, "system"),
        ({"system": ["x"]}, "system.0"),
        ({"stream": "no"}, "stream"),
    ],
)
def test_a_claude_callers_mistake_is_named_by_its_path(change: dict[str, Any], param: str) -> None:
    assert refused("anthropic", {**GOOD["anthropic"], **change}).param == param


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"contents": []}, "contents"),
        ({"contents": "Hi"}, "contents"),
        ({"contents": [{"parts": "Hi"}]}, "contents.0.parts"),
        ({"contents": [{"parts": ["Hi"]}]}, "contents.0.parts.0"),
        ({"generationConfig": 5}, "generationConfig"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens"),
        ({"generation_config": {"max_output_tokens": "9"}}, "generation_config.max_output_tokens"),
        ({"generation_config": {"candidate_count": 129}}, "generation_config.candidate_count"),
        ({"systemInstruction": "x"}, "systemInstruction"),
        ({"system_instruction": {"parts": {}}}, "system_instruction.parts"),
    ],
)
def test_a_gemini_callers_mistake_is_named_by_its_path(change: dict[str, Any], param: str) -> None:
    assert refused("gemini", {**GOOD["gemini"], **change}).param == param


def test_an_openai_request_is_read_whole() -> None:
    seen = glance("openai_chat", {
        "model": "gpt-4o", "stream": True, "n": 3, "max_tokens": 10, "max_completion_tokens": 20,
        "stream_options": {"include_usage": True, "later": 1}, "field_of_next_month": {"a": 1},
        "tools": [{"type": "function"}],
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What?"},
                                         {"type": "image_url", "image_url": {"url": "data:"}},
                                         {"type": "input_audio", "input_audio": {}}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
            {"role": "tool", "tool_call_id": "1", "content": "42"},
        ],
    })  # fmt: skip
    assert (seen.model, seen.stream, seen.n, seen.max_output, seen.include_usage) == ("gpt-4o", True, 3, 20, True)
    texts = ("Be brief.", "What?", '[{"id": "1"}]', "42", '[{"type": "function"}]')
    assert (seen.input_texts, seen.images, seen.messages) == (texts, 2, 4)
    assert (seen.audio, seen.tools) == (1, 1)
    assert bytes(seen.fields["field_of_next_month"]) == b'{"a": 1}'


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_given_has_its_default(name: str) -> None:
    seen = glance(name, GOOD[name])
    assert (seen.stream, seen.n, seen.images, seen.input_texts) == (False, 1, 0, ("Hi",))
    assert seen.max_output == (5 if name == "anthropic" else None)
    assert glance(name, GOOD[name], stream=True).stream


def test_null_is_as_good_as_missing() -> None:
    nothing = dict.fromkeys(("n", "stream", "stream_options", "max_tokens", "max_completion_tokens"))
    seen = glance("openai_chat", {**GOOD["openai_chat"], **nothing})
    assert (seen.n, seen.stream, seen.max_output, seen.include_usage) == (1, False, None, False)


def test_gemini_fields_may_be_written_in_snake_case() -> None:
    seen = glance("gemini", {**GOOD["gemini"], "system_instruction": {"parts": [{"text": "Brief."}]},
                             "generation_config": {"max_output_tokens": 7, "candidate_count": 2}})  # fmt: skip
    assert (seen.max_output, seen.n, seen.input_texts) == (7, 2, ("Brief.", "Hi"))
    assert FORMATS["gemini"].glance(json.dumps(GOOD["gemini"]).encode(), "models/g-2", True).model == "g-2"


@pytest.mark.parametrize("name", NAMES)
def test_claude_and_gemini_media_count_as_images(name: str) -> None:
    parts = {
        "openai_chat": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "openai_responses": {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
        "anthropic": {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
        "gemini": {"contents": [{"parts": [{"inline_data": {"data": "AA=="}}]}]},
    }
    assert glance(name, {**GOOD[name], **parts[name]}).images == 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
_FIELDS = {
    "openai_chat": ("model", "messages", "n", "max_tokens", "stream", "stream_options", "tools"),
    "openai_responses": ("model", "input", "instructions", "max_output_tokens", "stream", "tools", "text", "reasoning"),
    "anthropic": ("model", "messages", "max_tokens", "stream", "system", "tools", "thinking", "metadata"),
    "gemini": ("contents", "generationConfig", "systemInstruction", "tools"),
}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_a_field_holds_the_answer_is_a_value_or_a_problem(name: str, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(_FIELDS[name]))
    inner = st.fixed_dictionaries({}, optional=dict.fromkeys(("role", "content", "parts", "type", "text"), _json))
    value = data.draw(_json | st.lists(inner, max_size=2))
    _try(name, json.dumps({**GOOD[name], field: value}).encode())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=100, deadline=None)
@given(junk=st.binary(max_size=60), at=st.integers(0, 60))
def test_whatever_the_bytes_the_answer_is_a_value_or_a_problem(name: str, junk: bytes, at: int) -> None:
    good = json.dumps(GOOD[name]).encode()
    for body in (junk, good[:at] + junk, good[:at] + junk + good[at:]):
        _try(name, body)


def _try(name: str, body: bytes) -> None:
    try:
        FORMATS[name].parse_request(glance(name, body))
    except Problem as problem:
        assert problem.status == 400 and problem.message


@pytest.mark.parametrize("name", NAMES)
def test_deep_nesting_and_huge_numbers_are_problems(name: str) -> None:
    good = json.dumps(GOOD[name]).encode()[:-1]
    for depth in (900, 5_000, 100_000):
        for field in (b'"x"', b'"messages"', b'"input"', b'"contents"', b'"metadata"'):
            _try(name, good + b"," + field + b":" + b"[" * depth + b"]" * depth + b"}")
    _try(name, good + b',"seed":' + b"9" * 5000 + b"}")
    _try(name, good + b',"temperature":1e999}')


def test_a_field_read_deeper_in_the_stack_than_the_body_is_still_a_problem() -> None:
    # What was shallow enough for the first look need not be for the second.
    with pytest.raises(Problem) as caught:
        typed(b"[" * 100_000, msgspec.json.Decoder().decode, "metadata")
    assert (caught.value.status, caught.value.param) == (400, "metadata")


def test_a_results_part_of_an_odd_kind_is_a_problem_like_every_other() -> None:
    for kind in ([], {}, 1):
        result = {"type": "function_call_output", "call_id": "c", "output": [{"type": kind}]}
        _try("openai_responses", json.dumps({"model": "m", "input": [result]}).encode())
