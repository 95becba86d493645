"""Local token counts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.counting import count_text


@pytest.mark.parametrize(
    ("text", "model", "tokens"),
    [
        ("", "", 0),
        ("hello world", "", 2),
        ("hello world", "gpt-4", 2),
        ("안녕하세요", "gpt-4o", 2),
        ("안녕하세요", "gpt-4-turbo", 5),
        ("안녕하세요", "gpt-3.5-turbo", 5),
        ("안녕하세요", "claude-sonnet-4-5", 2),
    ],
)
def test_counts_are_those_of_the_models_vocabulary(text: str, model: str, tokens: int) -> None:
    assert count_text(text, model) == tokens


@pytest.mark.parametrize("model", ["gpt-4", "gpt-4o"])
@pytest.mark.parametrize("text", ["<|endoftext|>", "<|im_start|>system<|im_sep|>", "\ud800", "a\udfffb", "\0", "\x07"])
def test_odd_text_is_counted_like_any_other(text: str, model: str) -> None:
    assert count_text(text, model) > 0


@given(st.text(alphabet=st.characters(), max_size=200))
def test_no_text_raises_or_counts_more_than_its_bytes(text: str) -> None:
    assert 0 <= count_text(text) <= len(text.encode("utf-8", "surrogatepass"))


def test_the_vocabulary_is_not_loaded_before_it_is_needed() -> None:
    code = "import relay.counting, sys; assert 'quicktok' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
