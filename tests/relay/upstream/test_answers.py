"""Answers of every shape that HTTP/1.1 allows, whole and streamed, through both clients."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from relay.upstream import Failure
from tests.fakes.raw import Peer, RawServer, always, once, waiting
from tests.relay.upstream.asking import Ear, ask, failing, question
from tests.relay.upstream.conftest import Open

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"

SHAPES = [
    ("length", OK + b"content-length: 5\r\n\r\nhello", b"hello"),
    ("no body", OK + b"content-length: 0\r\n\r\n", b""),
    ("chunks", CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
    ("chunks with extensions", CHUNKED + b"2;a=b\r\nhe\r\n3;c\r\nllo\r\n0\r\n\r\n", b"hello"),
    ("chunks with trailers", CHUNKED + b"5\r\nhello\r\n0\r\nx-sum: 1\r\nx-b: 2\r\n\r\n", b"hello"),
    ("interim", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 5\r\n\r\nhello", b"hello"),
    ("hints", b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" * 3 + OK + b"content-length: 2\r\n\r\nhi", b"hi"),
    ("204", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ("304", b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
    ("no reason", b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi", b"hi"),
    ("odd names", OK + b"CONTENT-LENGTH:2\r\nX:  y \t\r\n\r\nhi", b"hi"),
    ("other bytes", OK + b"content-length: 3\r\nx: \xe4\r\n\r\n\x00\xff\n", b"\x00\xff\n"),
]
ENDING = [
    ("until the end", OK + b"\r\nhello", b"hello"),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
    ("HTTP/1.0 with length", b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
    ("close", OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
    ("chunks, close", OK + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
]


@pytest.mark.parametrize(("raw", "body"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
async def test_a_proper_answer_is_read_and_its_connection_is_used_again(open: Open, raw: bytes, body: bytes) -> None:
    upstream = open()
    async with RawServer(always(raw)) as server:
        for _ in range(3):
            assert (await ask(upstream, server.url))[1] == body
        assert server.made == 1


@pytest.mark.parametrize(("raw", "body"), [row[1:] for row in ENDING], ids=[row[0] for row in ENDING])
async def test_an_answer_that_ends_with_its_connection_is_read_to_the_end(open: Open, raw: bytes, body: bytes) -> None:
    upstream = open()
    async with RawServer(once(raw[:-3], raw[-3:])) as server:
        for _ in range(2):
            assert (await ask(upstream, server.url))[1] == body
        assert server.made == 2


@pytest.mark.parametrize(("raw", "body"), [row[1:] for row in SHAPES[:4]], ids=[row[0] for row in SHAPES[:4]])
async def test_an_answer_may_come_byte_by_byte(open: Open, raw: bytes, body: bytes) -> None:
    upstream = open()
    async with RawServer(waiting(*(raw[i : i + 1] for i in range(len(raw))))) as server:
        assert await ask(upstream, server.url) == (200, body)


async def test_an_answer_to_head_has_no_body_whatever_its_length_says(open: Open) -> None:
    upstream = open()
    async with RawServer(always(OK + b"content-length: 500\r\n\r\n")) as server:
        for _ in range(2):
            assert await ask(upstream, server.url, b"", method="HEAD") == (200, b"")


async def test_the_request_is_what_was_meant_and_nothing_more(open: Open) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        for _ in range(4):
            seen.append(await peer.request())
            await peer.answer()

    upstream = open()
    async with RawServer(script) as server:
        for body in (b'{"a": 1}', b"x" * 100_000, b""):
            await ask(upstream, server.url, body)
        await ask(upstream, server.url, b"", method="GET")
    assert [request.line for request in seen] == ["POST /v1/chat HTTP/1.1"] * 3 + ["GET /v1/chat HTTP/1.1"]
    assert [request.body for request in seen] == [b'{"a": 1}', b"x" * 100_000, b"", b""]
    for request in seen:
        length = {"content-length": str(len(request.body))} if request.line.startswith("POST") else {}
        assert request.headers == {
            "host": f"127.0.0.1:{server.port}",
            "accept-encoding": "identity",
            "authorization": "Bearer provider-key",
            "content-type": "application/json",
            **length,
        }


async def test_headers_are_found_by_their_names_in_lower_case(open: Open) -> None:
    upstream = open()
    raw = OK + b"X-One: a\r\nRetry-After:  7 \r\nx-two: b\r\nX-ONE: c\r\ncontent-length: 0\r\n\r\n"
    async with RawServer(always(raw)) as server:
        headers = (await upstream.send(question(server.url))).headers
    assert headers["retry-after"] == "7" and headers.get("x-two") == "b"
    assert headers.get("x-one") == "a, c" and headers.get("x-three") is None and headers.get("x-three", "?") == "?"
    assert "x-two" in headers and "wo" not in headers and "x-tw" not in headers
    assert set(headers) == {"x-one", "retry-after", "x-two", "content-length"}
    assert len(headers) in (4, 5)
    with pytest.raises(KeyError):
        headers["x-three"]


async def test_a_redirect_is_an_answer_as_any_other(open: Open) -> None:
    upstream = open()
    async with RawServer(always(b"HTTP/1.1 302 X\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n")) as server:
        assert await ask(upstream, server.url) == (302, b"")
        assert server.made == 1


async def test_cookies_are_not_kept(open: Open) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        for _ in range(2):
            seen.append(await peer.request())
            await peer.answer(b"", 200, b"set-cookie: a=b; path=/")

    upstream = open()
    async with RawServer(script) as server:
        for _ in range(2):
            await ask(upstream, server.url)
    assert len(seen) == 2 and not any("cookie" in request.headers for request in seen)


@pytest.mark.parametrize("size", [10, 1000])
async def test_an_answer_that_is_too_large_is_a_failure_and_its_connection_is_cut(open: Open, size: int) -> None:
    upstream = open()
    async with RawServer(waiting(OK + b"content-length: 5000\r\n\r\n" + b"x" * size)) as server:
        answer = await upstream.send(question(server.url))
        with pytest.raises(Failure) as failure:
            await answer.read(9)
        answer.close()
        assert failure.value.kind == "broken"
        await server.until(lambda: server.open == 0)


async def test_a_whole_answer_that_is_there_is_still_measured(open: Open) -> None:
    upstream = open()
    async with RawServer(always(OK + b"content-length: 10\r\n\r\n" + b"x" * 10)) as server:
        answer = await upstream.send(question(server.url))
        with pytest.raises(Failure):
            await answer.read(9)
        assert await ask(upstream, server.url) == (200, b"x" * 10)


PACKED = [
    ("gzip", gzip.compress(b"hello " * 1000)),
    ("x-gzip", gzip.compress(b"hello " * 1000)),
    ("deflate", zlib.compress(b"hello " * 1000)),
    ("GZIP", gzip.compress(b"hello " * 1000)),
    ("identity", b"hello " * 1000),
]


@pytest.mark.parametrize(("coding", "raw"), PACKED, ids=[row[0] for row in PACKED])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_that_is_packed_unasked_is_unpacked(open: Open, coding: str, raw: bytes, streamed: bool) -> None:
    upstream = open()
    head = OK + f"content-encoding: {coding}\r\ncontent-length: {len(raw)}\r\n\r\n".encode()
    async with RawServer(waiting(head, raw[:9], raw[9:20], raw[20:])) as server:
        answer = await upstream.send(question(server.url))
        if streamed:
            ear = Ear(answer)
            assert await ear.over() is None and ear.heard == b"hello " * 1000
        else:
            assert await answer.read(6000) == b"hello " * 1000
        answer.close()


BOMB = gzip.compress(b"\0" * 40_000_000)
UNPACKABLE = [
    ("bomb", "gzip", BOMB),
    ("garbage", "gzip", b"no gzip at all"),
    ("cut short", "gzip", gzip.compress(b"hello" * 100)[:-9]),
    ("more after the end", "gzip", gzip.compress(b"hello") + b"more" * 100),
    ("br", "br", b"hello"),
    ("twice", "gzip, gzip", gzip.compress(gzip.compress(b"hello"))),
]


@pytest.mark.parametrize(("coding", "raw"), [row[1:] for row in UNPACKABLE], ids=[row[0] for row in UNPACKABLE])
async def test_what_can_not_be_unpacked_within_bounds_is_a_failure(open: Open, coding: str, raw: bytes) -> None:
    upstream = open()
    head = OK + f"content-encoding: {coding}\r\ncontent-length: {len(raw)}\r\n\r\n".encode()
    middle = len(raw) - 20
    async with RawServer(waiting(head, raw[:middle], raw[middle:])) as server:
        assert (await failing(upstream, server.url)).kind == "broken"


async def test_a_stream_is_pushed_as_it_comes(open: Open) -> None:
    upstream, more = open(), asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(CHUNKED + b"3\r\none\r\n")
            await more.wait()
            await peer.send(b"3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n")

    async with RawServer(script) as server:
        answer = await upstream.send(question(server.url))
        ear = Ear(answer)
        await ear.until(3)
        assert ear.pieces == [b"one"] and not ear.ends
        more.set()
        assert await ear.over() is None and ear.heard == b"onetwothree"
        answer.close()
        assert await ask(upstream, server.url) == (200, b"onetwothree")
        assert server.made == 1


async def test_what_came_in_one_read_is_pushed_in_one_piece(open_fast: Open) -> None:
    chunks = b"".join(b"5\r\n%05d\r\n" % number for number in range(100))
    async with RawServer(waiting(CHUNKED + b"1\r\n.\r\n", chunks + b"0\r\n\r\n")) as server:
        ear = Ear(await open_fast().send(question(server.url)))
        assert await ear.over() is None
        assert len(ear.heard) == 501 and len(ear.pieces) <= 3


async def test_a_whole_answer_in_one_read_is_there_without_waiting(open_fast: Open) -> None:
    async with RawServer(always(OK + b"content-length: 5\r\n\r\nhello")) as server:
        answer = await open_fast().send(question(server.url))
        reading = answer.read(100)
        with pytest.raises(StopIteration) as done:
            reading.send(None)
        assert done.value.value == b"hello"
        ear = Ear(await open_fast().send(question(server.url)))
        assert ear.pieces == [b"hello"] and ear.ends == [None], "inside the call"


async def test_a_sink_that_closes_the_answer_hears_no_more(open: Open) -> None:
    upstream = open()
    async with RawServer(waiting(CHUNKED + b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n")) as server:
        answer = await upstream.send(question(server.url))
        ear = Ear(on_data=lambda _: answer.close())
        answer.flow(ear)
        await server.until(lambda: server.open == 0)
        assert len(ear.pieces) == 1 and not ear.ends
        answer.close()


async def test_closing_in_the_middle_cuts_the_connection(open: Open) -> None:
    upstream = open()
    async with RawServer(waiting(CHUNKED + b"3\r\none\r\n")) as server:
        for listens in (False, True):
            answer = await upstream.send(question(server.url))
            ear = Ear(answer) if listens else None
            answer.close()
            answer.close()
            await server.until(lambda: server.open == 0)
            assert ear is None or not ear.ends


async def test_an_ending_that_is_late_gets_a_moment_so_that_the_connection_is_used_again(open: Open) -> None:
    upstream = open()

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(CHUNKED + b"3\r\none\r\n")
            await said.wait()
            await peer.send(b"3\r\ntwo\r\n", b"0\r\n\r\n")

    async with RawServer(script) as server:
        for _ in range(2):
            said = asyncio.Event()
            answer = await upstream.send(question(server.url))
            ear = Ear(answer)
            await ear.until(3)
            answer.finish()
            said.set()
            await asyncio.sleep(0.05)
            answer.close()
            assert ear.heard == b"one" and not ear.ends
        assert server.made == 1


@pytest.mark.parametrize("pieces", [[], [b"9000\r\n" + b"x" * 36_864 + b"\r\n"] * 3], ids=["silent", "endless"])
async def test_an_ending_that_does_not_come_cuts_the_connection(open: Open, pieces: list[bytes]) -> None:
    upstream = open()
    async with RawServer(waiting(CHUNKED + b"3\r\none\r\n", *pieces)) as server:
        answer = await upstream.send(question(server.url))
        answer.finish()
        await server.until(lambda: server.made == 1 and server.open == 0)


async def test_an_answer_that_ended_can_be_finished_and_closed(open: Open) -> None:
    upstream = open()
    async with RawServer(always(OK + b"content-length: 2\r\n\r\nhi")) as server:
        for _ in range(2):
            answer = await upstream.send(question(server.url))
            assert await answer.read(100) == b"hi"
            answer.finish()
            answer.close()
        assert server.made == 1


async def test_an_early_answer_to_a_large_body_is_heard_and_its_connection_not_used_again(open_fast: Open) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.answer(b"too large", 413)
        await peer.left()

    upstream = open_fast()
    async with RawServer(script) as server:
        for _ in range(2):
            assert await ask(upstream, server.url, b"x" * 30_000_000) == (413, b"too large")
        assert server.made == 2
