"""Errors in the caller's shape, and what is told of a vendor's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import NAMES

from openopen8.core.errors import Problem
from relay.formats import FORMATS
from relay.formats.format import Format, Garbage


def rendered(name: str, problem: Problem) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(FORMATS[name].render_error(problem, "req-1"))
    return value


@pytest.mark.parametrize(
    ("status", "openai", "claude", "gemini"),
    [
        (400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
        (401, "authentication_error", "authentication_error", "UNAUTHENTICATED"),
        (403, "permission_error", "permission_error", "PERMISSION_DENIED"),
        (404, "invalid_request_error", "not_found_error", "NOT_FOUND"),
        (413, "invalid_request_error", "request_too_large", "INVALID_ARGUMENT"),
        (429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"),
        (500, "api_error", "api_error", "INTERNAL"),
        (502, "api_error", "api_error", "INTERNAL"),
        (503, "api_error", "overloaded_error", "UNAVAILABLE"),
        (504, "api_error", "api_error", "DEADLINE_EXCEEDED"),
    ],
)
def test_an_error_has_the_callers_shape_and_words(status: int, openai: str, claude: str, gemini: str) -> None:
    problem = Problem(status, "some_code", "What to do.", "messages.0")
    assert rendered("openai_chat", problem) == {
        "error": {"message": "What to do.", "type": openai, "param": "messages.0", "code": "some_code"}
    }
    assert rendered("anthropic", problem) == {
        "type": "error", "error": {"type": claude, "message": "What to do."}, "request_id": "req-1"
    }  # fmt: skip
    error = rendered("gemini", problem)["error"]
    assert (error["code"], error["message"], error["status"]) == (status, "What to do.", gemini)
    assert [detail["reason"] for detail in error["details"]] == ["some_code"]


def test_our_own_rate_limit_is_word_for_word_what_programs_look_for() -> None:
    body = FORMATS["openai_chat"].render_error(Problem(429, "rate_limit_exceeded", "Slow down."), "r")
    message = "Rate limit exceeded. Please try again later."
    assert body.decode() == f'{{"error":{{"message":"{message}","type":"rate_limit_error","code":429}}}}'
    assert rendered("openai_chat", Problem(429, "upstream_rate_limited", "Busy."))["error"]["message"] == "Busy."


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"Bad model.","type":"x","code":"y"}}', "Bad model."),
        (b'{"error":"Bad model."}', "Bad model."),
        (b'[{"error":{"code":400,"message":"Bad model.","status":"INVALID_ARGUMENT"}}]', "Bad model."),
        (b'{"type":"error","error":{"type":"x","message":"Bad model."}}', "Bad model."),
        (b'{"object":"error","message":"Bad model."}', "Bad model."),
        (b'{"detail":"Bad model."}', "Bad model."),
        (b"Bad model.", "Bad model."),
        (b"<html>Bad gateway</html>", "The provider answered with status 502."),
        (b"", "The provider answered with status 502."),
        (b"{}", "The provider answered with status 502."),
        (b'{"error":{"message":{"a":1}}}', "The provider answered with status 502."),
        (b"\xff\xfe", "��"),
    ],
)
def test_the_vendors_message_is_found_in_any_shape(name: str, body: bytes, message: str) -> None:
    assert FORMATS[name].parse_error(502, body) == message


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcDEF123456",
        "sk-abc***************wxyz",
        "sk-ant-api03-AbC_dEf-123",
        "AIzaSyA1234567890abcdefghij",
        "Bearer abc.def.ghi",
        "bearer xyz",
        "gsk_abcdefgh1234",
        "https://api.upstream.example/v1/chat?key=1",
        "HTTP://10.0.0.1:8080/x",
        "wss://upstream.example",
        "10.1.2.3:8000",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_a_vendors_message_tells_no_key_and_no_address(secret: str) -> None:
    for text in (f"Wrong: {secret}, really", f"({secret})", secret, f'"{secret}"'):
        for body in (json.dumps({"error": {"message": text}}).encode(), text.encode()):
            told = FORMATS["openai_chat"].parse_error(400, body)
            assert secret not in told and secret[-4:] not in told
    long = "x " * 245 + secret
    assert secret[:12] not in FORMATS["openai_chat"].parse_error(400, long.encode())


def test_names_of_models_stay_in_a_vendors_message() -> None:
    text = "The model meta-llama-3.1-405b-instruct-turbo-fp8-2025-01 does not exist, see section 4.1.2.3a."
    assert FORMATS["openai_chat"].parse_error(404, text.encode()) == text


def test_a_vendors_message_is_short_and_one_line() -> None:
    told = FORMATS["openai_chat"].parse_error(400, json.dumps({"error": {"message": "a\nb\0" + "c " * 10**5}}).encode())
    assert told.startswith("a b c") and len(told) <= 500
    huge = b'{"error":{"message":"sk-' + b"c " * 10**6 + b'"}}'
    assert FORMATS["openai_chat"].parse_error(400, huge) == "The provider answered with status 400."


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"null", b"[]", b"1", b'"x"', b"{}", b'{"error":{"message":"Busy"}}', b'{"error":"Busy"}',
     b'{"choices":[]}', b'{"choices":5}', b'{"choices":{}}', b'{"choices":[1]}', b'{"content":"x"}',
     b'{"candidates":[]}',
     b'{"candidates":5}', b"[" * 100_000, b'{"object":"error","message":"Busy"}'],
)  # fmt: skip
def test_what_is_no_answer_is_garbage(name: str, body: bytes) -> None:
    with pytest.raises(Garbage) as caught:
        FORMATS[name].parse_response(body)
    assert str(caught.value) == "Busy" if b"Busy" in body else str(caught.value)


def test_the_list_of_formats_is_complete() -> None:
    assert set(FORMATS) == {"openai_chat", "openai_responses", "anthropic", "gemini"}
    assert all(isinstance(value, Format) and value.name == name for name, value in FORMATS.items())
