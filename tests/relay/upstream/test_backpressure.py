"""Slow ones on either side hold back the other, and nothing piles up between them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from relay.upstream import FastUpstream
from relay.upstream.http1 import SLICE
from tests.fakes.raw import Peer, RawServer, waiting
from tests.relay.upstream.asking import Ear, ask, failing, question
from tests.relay.upstream.conftest import Open

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
PIECE = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
OpenFast = Callable[..., FastUpstream]


class Endless:
    """Sends as fast as it is read; counts."""

    def __init__(self, pieces: int = 100_000) -> None:
        self.sent = 0
        self.pieces = pieces

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(self.pieces):
            peer.writer.write(PIECE)
            await peer.writer.drain()
            self.sent += 65_536
        await peer.send(b"0\r\n\r\n")
        await peer.left()

    async def stands(self) -> int:
        """Bytes that were sent when no more went out."""
        sent = -1
        while sent != self.sent:
            sent = self.sent
            await asyncio.sleep(0.1)
        return sent


MOST = 16_000_000
"""What may lie in the kernel's buffers on loopback, and a little more."""


async def test_a_caller_that_pauses_holds_the_provider_back(open: Open) -> None:
    script, upstream = Endless(1000), open()
    async with RawServer(script) as server:
        answer = await upstream.send(question(server.url))
        ear = Ear(answer, on_data=lambda _: answer.pause())
        sent = await script.stands()
        assert len(ear.pieces) == 1 and sent < MOST, "one read and no more"
        for count in range(2, 5):
            answer.resume()
            await ear.until(sum(map(len, ear.pieces)) + 1)
            await asyncio.sleep(0.01)
            assert len(ear.pieces) == count
        ear.on_data = None
        answer.resume()
        assert await ear.over() is None and len(ear.heard) == 65_536_000
        answer.close()


async def test_an_answer_that_nobody_takes_yet_holds_the_provider_back(open: Open) -> None:
    script, upstream = Endless(), open()
    async with RawServer(script) as server:
        answer = await upstream.send(question(server.url))
        assert await script.stands() < MOST
        ear = Ear(answer)
        await ear.until(MOST)
        answer.close()
        await server.until(lambda: server.open == 0)


async def test_a_pause_before_anybody_listens_counts(open_fast: OpenFast) -> None:
    script, upstream = Endless(), open_fast()
    async with RawServer(script) as server:
        answer = await upstream.send(question(server.url))
        answer.pause()
        ear = Ear(answer)
        sent = await script.stands()
        assert sent < MOST and len(ear.pieces) <= 1
        answer.resume()
        await ear.until(MOST)
        answer.close()


async def test_no_time_runs_out_while_the_caller_pauses(open: Open) -> None:
    upstream, go = open(streaming_timeout=0.1), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none")
        await go.wait()
        await peer.send(b"two")
        await peer.left()

    async with RawServer(script) as server:
        answer = await upstream.send(question(server.url))
        ear = Ear(answer, on_data=lambda _: answer.pause())
        await ear.until(3)
        await asyncio.sleep(0.4)
        assert not ear.ends
        ear.on_data = None
        go.set()
        answer.resume()
        assert await ear.over() is None and ear.heard == b"onetwo"
        answer.close()


async def test_a_caller_that_pauses_at_the_end_does_not_stop_the_next_one(open: Open) -> None:
    upstream = open()

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(FINE[:-2])
            await heard.wait()
            await peer.send(FINE[-2:])

    async with RawServer(script) as server:
        for _ in range(3):
            heard = asyncio.Event()
            answer = await upstream.send(question(server.url))
            ear = Ear(answer, on_data=lambda _, answer=answer: answer.pause())
            heard.set()
            await ear.until(2)
            answer.resume()
            assert await ear.over() is None
            answer.close()
        assert server.made == 1


def slow_receiver(go: asyncio.Event) -> Callable[[Peer], object]:
    """Reads the head, then waits before it reads on."""

    async def script(peer: Peer) -> None:
        sock: socket.socket = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        head = await peer.head()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await go.wait()
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await peer.reader.readexactly(int(head.headers["content-length"]))
        await peer.send(FINE)

    return script


async def test_a_large_request_waits_for_a_provider_that_reads_slowly(open_fast: OpenFast) -> None:
    upstream, go = open_fast(), asyncio.Event()
    async with RawServer(slow_receiver(go)) as server:  # type: ignore[arg-type]
        asked = asyncio.ensure_future(ask(upstream, server.url, b"x" * 40_000_000))
        await server.until(lambda: server.made == 1)
        await asyncio.sleep(0.2)
        (connection,) = upstream._pool._all
        assert connection._unsent is not None and len(connection._unsent) > 20_000_000
        assert connection.transport.get_write_buffer_size() <= SLICE + 65_536
        assert not asked.done()
        go.set()
        assert await asked == (200, b"ok")


async def test_a_provider_that_does_not_read_the_request_runs_out_of_time(open: Open) -> None:
    upstream = open(streaming_timeout=0.2)
    async with RawServer(slow_receiver(asyncio.Event())) as server:  # type: ignore[arg-type]
        assert (await failing(upstream, server.url, b"x" * 40_000_000)).kind == "timeout"
        await server.until(lambda: server.made == 1)


async def test_a_provider_that_reads_slowly_but_steadily_has_time(open_fast: OpenFast) -> None:
    async def script(peer: Peer) -> None:
        head = await peer.head()
        left = int(head.headers["content-length"])
        while left:
            left -= len(await peer.reader.read(min(left, 1_000_000)))
            await asyncio.sleep(0.002)
        await peer.send(FINE)

    async with RawServer(script) as server:
        assert await ask(open_fast(streaming_timeout=0.2), server.url, b"x" * 30_000_000) == (200, b"ok")


async def test_a_provider_that_leaves_in_the_middle_of_a_large_request_is_a_failure(open: Open) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async with RawServer(script) as server:
        assert (await failing(open(), server.url, b"x" * 20_000_000)).kind == "broken"


async def test_a_request_that_is_given_up_while_it_is_sent_is_cut(open: Open) -> None:
    upstream = open()
    async with RawServer(slow_receiver(asyncio.Event())) as server:  # type: ignore[arg-type]
        asked = asyncio.ensure_future(ask(upstream, server.url, b"x" * 40_000_000))
        await server.until(lambda: server.made == 1)
        await asyncio.sleep(0.05)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        server.script = waiting()
