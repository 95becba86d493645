"""Answers that nobody thought of: made up by hypothesis, or made of the corpus by breaking it."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httptools
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.upstream import Failure, Template
from tests.conftest import EVERYTHING
from tests.relay.upstream.wire import Outcome, consistent, outcome

CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").glob("*/*.http"))]
MANY = settings(max_examples=2000 if EVERYTHING else 200, deadline=None)

TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
OURS = (
    "connection",
    "content-length",
    "transfer-encoding",
    "content-encoding",
    "upgrade",
    "trailer",
    "proxy-connection",
)
NAMES = st.text(TOKEN, min_size=1, max_size=30).filter(lambda name: name.lower() not in OURS)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=12)
BODIES = st.lists(st.binary(min_size=1, max_size=60), max_size=8)
CUTS = st.lists(st.integers(0, 10_000), max_size=8)
INTERIM = st.lists(st.sampled_from([100, 102, 103, 199]), max_size=3)
STATUS = st.integers(200, 999).filter(lambda status: status not in (204, 304))


def in_loop(check: Callable[[], Any]) -> Any:
    """Run ``check`` where there is an event loop."""

    async def run() -> Any:
        return check()

    return asyncio.run(run())


def lines(start: str, headers: list[tuple[str, str]]) -> bytes:
    text = "".join(f"{line}\r\n" for line in [start, *(f"{name}: {value}" for name, value in headers)])
    return text.encode("latin-1") + b"\r\n"


def heard(found: Outcome, headers: list[tuple[str, str]]) -> None:
    """Every header is there, those of one name joined."""
    wanted: dict[str, list[str]] = {}
    for name, value in headers:
        wanted.setdefault(name.lower(), []).append(value.strip(" \t"))
    got = dict(found.headers)
    assert {name: got[name] for name in wanted} == {name: ", ".join(values) for name, values in wanted.items()}


@MANY
@given(STATUS, HEADERS, INTERIM, HEADERS, BODIES, CUTS)
def test_a_proper_answer_with_a_length_is_understood(
    status: int, headers: Any, interim: list[int], hints: Any, body: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(body)
    before = b"".join(lines(f"HTTP/1.1 {one} Wait", hints) for one in interim)
    head = lines(f"HTTP/1.1 {status} Fine", [*headers, ("Content-Length", str(len(data)))])
    found = in_loop(lambda: consistent(before + head + data, cuts))
    assert (found.status, found.body, found.failed, found.reused) == (status, data, False, True)
    heard(found, headers)


@MANY
@given(STATUS, HEADERS, BODIES, HEADERS, st.text(TOKEN, max_size=10), CUTS)
def test_a_proper_answer_in_chunks_is_understood(
    status: int, headers: Any, body: list[bytes], trailers: Any, extension: str, cuts: list[int]
) -> None:
    more = f";{extension}" if extension else ""
    chunks = b"".join(f"{len(one):x}{more}\r\n".encode() + one + b"\r\n" for one in body)
    end = b"0\r\n" + lines("", trailers).removeprefix(b"\r\n")
    head = lines(f"HTTP/1.1 {status} Fine", [*headers, ("TRANSFER-ENCODING", "Chunked")])
    found = in_loop(lambda: consistent(head + chunks + end, cuts))
    assert (found.status, found.body, found.failed, found.reused) == (status, b"".join(body), False, True)
    heard(found, headers)


@MANY
@given(STATUS, HEADERS, BODIES, st.integers(0, 10_000), CUTS)
def test_no_beginning_of_an_answer_passes_for_a_whole_one(
    status: int, headers: Any, body: list[bytes], end: int, cuts: list[int]
) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in body) + b"0\r\n\r\n"
    raw = lines(f"HTTP/1.1 {status} Fine", [*headers, ("transfer-encoding", "chunked")]) + chunks
    raw = raw[: end % len(raw)]
    found = in_loop(lambda: consistent(raw, cuts))
    assert found.failed and not found.reused and b"".join(body).startswith(found.body)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "delete", "repeat"]),
        st.integers(0, 10_000),
        st.one_of(
            st.binary(min_size=1, max_size=3), st.sampled_from([b"\r\n", b"\r\n\r\n", b"\n", b"0\r\n\r\n", b":"])
        ),
    ),
    min_size=1,
    max_size=4,
)


def changed(raw: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, data in changes:
        place %= len(raw) + 1
        if kind == "set":
            raw = raw[:place] + data + raw[place + len(data) :]
        elif kind == "insert":
            raw = raw[:place] + data + raw[place:]
        elif kind == "delete":
            raw = raw[:place] + raw[place + len(data) :]
        else:
            raw = raw[:place] + raw[place : place + 20] + raw[place:]
    return raw


@MANY
@given(st.sampled_from(CORPUS), CHANGES, CUTS, st.sampled_from(["POST", "HEAD"]))
def test_a_broken_answer_never_hangs_never_crashes_and_is_the_same_wherever_it_is_cut(
    raw: bytes, changes: Any, cuts: list[int], method: str
) -> None:
    in_loop(lambda: consistent(changed(raw, changes), cuts, method))


@MANY
@given(st.binary(max_size=200), CUTS)
def test_nothing_else_does_either(raw: bytes, cuts: list[int]) -> None:
    in_loop(lambda: consistent(raw, cuts))
    in_loop(lambda: consistent(b"HTTP/1.1 200 OK\r\n" + raw, cuts))
    in_loop(lambda: consistent(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + raw, cuts))


class Heard:
    """What a strict parser of requests makes of a head."""

    def __init__(self, raw: bytes) -> None:
        self.begun = self.ended = 0
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        httptools.HttpRequestParser(self).feed_data(raw)

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_message_complete(self) -> None:
        self.ended += 1


ANYTHING = st.text(st.one_of(st.sampled_from("\r\n \t:\0/?#@[]%.a1-_"), st.characters()), max_size=30)


@MANY
@given(
    st.one_of(ANYTHING, ANYTHING.map("http://x.test/".__add__), ANYTHING.map("https://".__add__)),
    st.dictionaries(st.one_of(NAMES, ANYTHING), st.one_of(VALUES, ANYTHING), max_size=5),
    st.one_of(st.sampled_from(["GET", "POST", "DELETE"]), ANYTHING.filter(lambda text: not text.isalpha())),
)
def test_a_request_is_sent_as_it_was_meant_or_not_at_all(url: str, headers: dict[str, str], method: str) -> None:
    try:
        template = Template.make(url, headers, method)
    except Failure as failure:
        assert failure.kind == "unreachable"
        return
    heard = Heard(template.head + b"content-length: 0\r\n\r\n")
    assert (heard.begun, heard.ended) == (1, 1) and template.url.endswith(heard.url.decode())
    named = {name.decode(): value.decode() for name, value in heard.headers}
    given = {name.lower(): value.strip(" \t") for name, value in headers.items()}
    assert len(named) == len(heard.headers)
    assert named == {"host": named["host"], "accept-encoding": "identity", "content-length": "0", **given}


def test_two_connections_do_not_share_anything() -> None:
    def check() -> None:
        one = outcome([b"HTTP/1.1 200 OK\r\nx: one\r\ncontent-length: 3\r\n\r\none"])
        two = outcome([b"HTTP/1.1 404 OK\r\nx: two\r\ncontent-length: 3\r\n\r\ntwo"])
        assert (one.body, two.body, one.status, two.status) == (b"one", b"two", 200, 404)

    in_loop(check)
