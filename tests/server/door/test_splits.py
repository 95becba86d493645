"""Where the bytes of requests are cut on their way changes nothing: at every place, for every file of ``corpus``."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.conftest import EVERYTHING
from tests.server.door.twins import Outcome, Twins

pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])

FILES = sorted((Path(__file__).parent / "corpus").glob("*.http"))
SHORT = [file for file in FILES if file.name.startswith("short-")]

EXPECTED = {
    "absolute": "200 200", "bare-lf": "400", "chat": "200", "chunks": "200 200", "chunks-and-length": "400",
    "close": "200", "connect": "400", "early": "200 200", "early-chunks": "200 200", "empty-lines": "200 200",
    "expect": "100 200", "expect-early": "200", "fold": "400", "head": "200 200", "hidden-in-body": "200 200",
    "hidden-in-trailers": "400", "http10": "200", "http2": "400", "length-and-chunks": "400", "list": "200",
    "no-host": "400", "no-length": "200 200", "nul": "400", "odd-coding": "400", "pipeline": "200 200 200 200",
    "query": "200 200", "rubbish-behind": "200 200 400", "rubbish-in-chunks": "200 400", "short-chunks": "200",
    "short-hot": "200", "short-list": "200", "space-colon": "400", "stream-pipeline": "200 200 200", "tls": "400",
    "two-hosts": "400", "two-lengths": "400", "upgrade": "200 200", "upgrade-chunks": "200 200",
}  # fmt: skip
"""What each file is answered with, so that no file is wrong in the same way everywhere."""


def statuses(outcome: Outcome) -> str:
    final = [part[:3].decode() for part in outcome.written.split(b"HTTP/1.1 ")[1:]]
    return " ".join(["100"] * outcome.continued + final)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_one_cut_anywhere_changes_nothing(file: Path) -> None:
    data = file.read_bytes()
    outcome = await Twins().agreed(data, *([cut] for cut in range(1, len(data))), range(len(data)))
    assert statuses(outcome) == EXPECTED[file.stem]


@pytest.mark.parametrize("file", FILES if EVERYTHING else SHORT, ids=lambda file: file.stem)
async def test_two_cuts_change_nothing(file: Path) -> None:
    data = file.read_bytes()
    step = 1 + len(data) // (80 if EVERYTHING else 40)
    await Twins().agreed(data, *itertools.combinations(range(1, len(data), step), 2))
