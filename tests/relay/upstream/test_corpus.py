"""A corpus of answers, good and bad, cut at every position: what a caller sees never depends on where a read ends.

`corpus/good` are whole and leave the connection usable, `corpus/ending` are whole and end it, `corpus/bad` fail.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from tests.conftest import EVERYTHING
from tests.fakes.raw import RawServer, once
from tests.relay.upstream.asking import ask, failing
from tests.relay.upstream.conftest import Open
from tests.relay.upstream.wire import Outcome, outcome

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*/*.http"))
BAD = sorted(CORPUS.glob("bad/*.http"))
ONE_LOOP = pytest.mark.asyncio(loop_factories=["asyncio"])
"""For what needs no socket."""

# httpx (with h11 below it) reads these in the one way that they can be meant
LENIENT = {
    "chunk-extension-nul", "chunk-size-space", "header-bare-lf", "header-folded", "last-line-bare-lf", "length-list",
    "length-twice-same", "lines-bare-lf", "trailer-length", "version-09", "version-12", "version-2",
}  # fmt: skip


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def fits(path: Path, found: Outcome) -> None:
    """As its folder says."""
    kind = path.parent.name
    assert (found.failed, found.reused) == {"good": (False, True), "ending": (False, False), "bad": (True, False)}[kind]
    if kind != "bad":
        assert found.body == path.with_suffix(".body").read_bytes()


@ONE_LOOP
@pytest.mark.parametrize("path", FILES, ids=map(name, FILES))
async def test_an_answer_is_the_same_wherever_it_is_cut(path: Path) -> None:
    raw = path.read_bytes()
    whole = outcome([raw])
    fits(path, whole)
    cuts = [(cut,) for cut in range(len(raw) + 1)]
    if len(raw) < 120 or (EVERYTHING and len(raw) < 400):
        cuts += itertools.combinations(range(1, len(raw)), 2)
    for cut in cuts:
        pieces = [raw[start:end] for start, end in itertools.pairwise((0, *cut, len(raw))) if start < end]
        found = outcome(pieces)
        # a surplus that comes later finds the connection idle; either way it is not used
        assert (found.status, found.body, found.failed, found.headers) == (
            whole.status, whole.body, whole.failed, whole.headers,
        ), cut  # fmt: skip
        assert found.reused == whole.reused or (path.parent.name == "ending" and "surplus" in path.stem)
    assert outcome([raw[i : i + 1] for i in range(len(raw))]).body == whole.body


@pytest.mark.parametrize("path", BAD, ids=map(name, BAD))
async def test_a_malformed_answer_is_a_clean_failure_and_the_next_request_gets_a_new_connection(
    open: Open, path: Path, request: pytest.FixtureRequest
) -> None:
    lenient = "httpx" in request.node.name and path.stem in LENIENT
    upstream = open()
    async with RawServer(once(path.read_bytes())) as server:
        if lenient:
            assert (await asyncio.wait_for(ask(upstream, server.url), 10))[1] == b"abc"
        else:
            failure = await failing(upstream, server.url)
            assert failure.kind == "broken" and "127.0.0.1" not in failure.message
        server.script = once(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        assert await ask(upstream, server.url) == (200, b"ok")
        assert server.made == 2


@pytest.mark.parametrize("path", sorted(CORPUS.glob("ending/*.http")), ids=lambda path: path.stem)
async def test_a_connection_that_said_too_much_or_goodbye_is_not_used_again(open_fast: Open, path: Path) -> None:
    upstream = open_fast()
    async with RawServer(once(path.read_bytes())) as server:
        for _ in range(2):
            assert (await ask(upstream, server.url))[1] == path.with_suffix(".body").read_bytes()
        assert server.made == 2


ENDLESS = [
    ("heads", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000),
    ("one header", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000),
    ("reason", b"HTTP/1.1 200 " + b"O" * 100_000),
    ("interim answers", b"HTTP/1.1 100 Continue\r\n\r\n" * 5000),
    ("empty lines", b"\r\n" * 50_000),
    ("trailers", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 60_000),
    ("chunk extension", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;" + b"x" * 400_000),
    ("zeros", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"0" * 400_000),
]


@ONE_LOOP
@pytest.mark.parametrize("raw", [row[1] for row in ENDLESS], ids=[row[0] for row in ENDLESS])
@pytest.mark.parametrize("size", [1000, 60_000, 250_000])
async def test_what_is_no_body_may_not_go_on_for_ever(raw: bytes, size: int) -> None:
    found = outcome([raw[i : i + size] for i in range(0, len(raw), size)], end=False)
    assert found.failed and not found.reused


@ONE_LOOP
async def test_a_head_just_below_the_limit_is_read() -> None:
    head = b"HTTP/1.1 200 OK\r\nx: " + b"y" * 65_000 + b"\r\ncontent-length: 5\r\n\r\n"
    assert outcome([head + b"hello"]).body == b"hello"
    assert outcome([head[:100], head[100:], b"hello"]).body == b"hello"
