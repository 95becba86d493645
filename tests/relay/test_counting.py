"""Local token counts."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import counting
from relay.counting import count_text, estimate


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


def test_a_text_that_comes_again_counts_as_much_and_is_not_kept() -> None:
    texts = ("Be brief.", "Be brief.", "", "Tell me more.")
    first = estimate(texts, "gpt-4o")
    assert first == estimate(texts, "gpt-4o") == (sum(count_text(text, "gpt-4o") for text in texts), False)
    assert estimate(texts, "gpt-4") == (sum(count_text(text, "gpt-4") for text in texts), False)
    assert all(isinstance(key, int) for kept in counting._KNOWN.values() for key in kept)


def test_the_vocabulary_is_not_loaded_before_it_is_needed() -> None:
    code = "import relay.counting, sys; assert 'quicktok' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_old_models_vocabulary_is_loaded_when_one_is_asked_for() -> None:
    """Of the two vocabularies a worker at rest keeps one: each takes tens of megabytes."""
    code = (
        "import asyncio, json, os, tempfile\n"
        "from pathlib import Path\n"
        "from openopen8.core.migrate import migrate\n"
        "from openopen8.core.tools import open_tools\n"
        "from relay.app import Relay\n"
        "from relay.counting import ready\n"
        "from tests.conftest import settings_for\n"
        "from tests.relay.driving import Caller, question\n"
        "from tests.world import World\n"
        "async def main(tools):\n"
        "    key = World(tools).token(World(tools).user('ann'))[1]\n"
        "    relay = Relay(tools)\n"
        "    await relay.start()\n"
        "    assert ready('m') and not ready('gpt-4')\n"
        "    await Caller(relay, key).post(body=question(model='gpt-4'))\n"
        "    assert ready('gpt-4')\n"
        "    await relay.stop()\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    tools = open_tools(settings_for(Path(folder)))\n"
        "    migrate(tools)\n"
        "    asyncio.run(main(tools))\n"
        "    tools.close()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
