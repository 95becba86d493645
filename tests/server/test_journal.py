"""Log lines hold no secrets."""

from __future__ import annotations

import logging
import sys

import pytest

from openopen8.server.journal import Line, struck

SECRETS = (
    "Authorization: Bearer sk-abcdefghijklmnop1234",
    "{'authorization': 'abcdef0123456789'}",
    "cookie: oo8_session=abcdef0123456789; theme=dark",
    "b'cookie', b'abcdef0123456789'",
    "GET /v1beta/models?key=abcdef0123456789 HTTP/1.1",
    "http://127.0.0.1/api/logs?search=abcdef0123456789&page=2",
    "postgresql://ann:abcdef0123456789@db/openopen8",
    "x-api-key: sk-ant-abcdef0123456789",
    "AIzaabcdef0123456789",
    "token oo8-abcdef0123456789",
)


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_struck_out(text: str) -> None:
    assert "abcdef0123456789" not in struck(text)
    assert "abcdefghijklmnop1234" not in struck(text)


def test_plain_sentences_stay_as_they_are() -> None:
    for text in ("relay-1 ended (signal 9); starting it again in 0.1 s", "Is it there? a = b", "task-1234567 done"):
        assert struck(text) == text


def test_secrets_in_a_traceback_are_struck_out_too() -> None:
    try:
        raise ValueError("sk-abcdef0123456789")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f.py", 1, "failed", None, sys.exc_info())
    text = Line("relay-1").format(record)
    assert "ValueError" in text
    assert "abcdef0123456789" not in text


def test_a_line_break_in_a_value_can_not_forge_a_line() -> None:
    record = logging.LogRecord(
        "x", logging.INFO, "f.py", 1, "model %s", ("a\n2026-01-01T00:00:00.000Z INFO forged",), None
    )
    lines = Line("relay-1").format(record).splitlines()
    assert len([line for line in lines if not line.startswith("    ")]) == 1
