"""Connections: which are used again, how many there are, how they end; and that nothing is left over."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable

import pytest

from relay.upstream import Failure, FastUpstream, HttpxUpstream
from relay.upstream.http1 import Connection
from relay.upstream.http1_answer import Http1Answer
from relay.upstream.pool import IDLE_MOST, Pool, Shelf
from tests.conftest import settings_for
from tests.fakes.raw import Peer, RawServer, always, once, waiting
from tests.fakes.upstream import free_port
from tests.relay.upstream.asking import Ear, ask, failing, question
from tests.relay.upstream.conftest import Open
from tests.relay.upstream.wire import Wire

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
OpenFast = Callable[..., FastUpstream]


def numbered() -> Callable[[Peer], object]:
    """Answers with the connection's number."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(b"%d" % peer.number)

    return script


async def test_requests_at_once_get_a_connection_each_and_share_them_afterwards(open: Open) -> None:
    upstream = open()
    async with RawServer(always(FINE)) as server:
        for _ in range(3):
            answers = await asyncio.gather(*(ask(upstream, server.url) for _ in range(20)))
            assert answers == [(200, b"ok")] * 20
        assert server.made <= 20 and server.open == server.made


async def test_the_connection_that_was_used_last_is_used_next(open_fast: OpenFast) -> None:
    upstream = open_fast()
    async with RawServer(numbered()) as server:  # type: ignore[arg-type]
        answers = await asyncio.gather(*(ask(upstream, server.url) for _ in range(3)))
        assert {body for _, body in answers} == {b"0", b"1", b"2"}
        last = (await ask(upstream, server.url))[1]
        assert [(await ask(upstream, server.url))[1] for _ in range(5)] == [last] * 5


async def test_origins_do_not_share_connections(open: Open) -> None:
    upstream = open()
    async with RawServer(always(FINE)) as one, RawServer(always(FINE)) as two:
        for url in (one.url, two.url, one.url.replace("127.0.0.1", "localhost")):
            assert (await ask(upstream, url)) == (200, b"ok")
        assert (one.made, two.made) == (2, 1)


async def test_an_idle_connection_is_closed_after_its_time(open_fast: OpenFast) -> None:
    upstream = open_fast(idle_seconds=0.04)
    async with RawServer(always(FINE)) as server:
        await ask(upstream, server.url)
        await server.until(lambda: server.open == 0)
        assert len(upstream._pool) == 0 and await ask(upstream, server.url) == (200, b"ok")


async def test_a_connection_on_which_something_comes_unasked_is_not_used_again(open_fast: OpenFast) -> None:
    unasked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(FINE)
        if peer.number == 0:
            await unasked.wait()
            await peer.send(FINE.replace(b"ok", b"no"))
            await peer.left()

    upstream = open_fast()
    async with RawServer(script) as server:
        assert await ask(upstream, server.url) == (200, b"ok")
        unasked.set()
        await server.until(lambda: server.open == 0)
        assert await ask(upstream, server.url) == (200, b"ok")
        assert server.made == 2


async def test_idle_connections_of_an_origin_are_limited(open_fast: OpenFast) -> None:
    upstream, count = open_fast(), IDLE_MOST + 10
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await go.wait()
        await peer.send(FINE)
        await peer.left()

    async with RawServer(script) as server:
        asked = [asyncio.ensure_future(ask(upstream, server.url)) for _ in range(count)]
        await server.until(lambda: server.made == count)
        go.set()
        assert await asyncio.gather(*asked) == [(200, b"ok")] * count
        await server.until(lambda: server.open == IDLE_MOST)


async def test_connections_in_all_are_limited_and_idle_ones_give_way(open_fast: OpenFast) -> None:
    upstream = open_fast(max_requests_in_flight=1)  # 17 connections
    async with RawServer(always(FINE)) as idle, RawServer(waiting()) as busy:
        await asyncio.gather(*(ask(upstream, idle.url) for _ in range(10)))
        asked = [asyncio.ensure_future(upstream.send(question(busy.url))) for _ in range(17)]
        await busy.until(lambda: busy.made == 17)
        await idle.until(lambda: idle.open == 0)
        failure = await failing(upstream, busy.url)
        assert failure.kind == "other" and "connections" in failure.message
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await busy.until(lambda: busy.open == 0)
        assert await ask(upstream, idle.url) == (200, b"ok")


async def test_a_request_that_is_given_up_leaves_no_connection_behind(open: Open) -> None:
    upstream = open()
    async with RawServer(waiting()) as server:
        for _ in range(3):
            asked = asyncio.ensure_future(upstream.send(question(server.url)))
            await server.until(lambda: server.open == 1)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            await server.until(lambda: server.open == 0)
        server.script = waiting(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart")
        answer = await upstream.send(question(server.url))
        reading = asyncio.ensure_future(answer.read(100))
        await asyncio.sleep(0.02)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        answer.close()
        await server.until(lambda: server.open == 0)


async def test_a_request_that_is_given_up_at_any_moment_leaves_nothing_behind(open_fast: OpenFast) -> None:
    upstream = open_fast()
    async with RawServer(always(FINE)) as server:
        for turns in range(40):
            asked = asyncio.ensure_future(ask(upstream, server.url))
            for _ in range(turns):
                await asyncio.sleep(0)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        assert await ask(upstream, server.url) == (200, b"ok")
        await server.until(lambda: server.open == len(upstream._pool) == 1)


async def test_closing_the_client_ends_what_is_under_way(open_fast: OpenFast) -> None:
    upstream = open_fast()
    async with RawServer(waiting(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")) as server:
        ear = Ear(await upstream.send(question(server.url)))
        whole = asyncio.ensure_future((await upstream.send(question(server.url))).read(100))
        server.script = waiting()
        headless = asyncio.ensure_future(upstream.send(question(server.url)))
        await server.until(lambda: server.made == 3)
        await upstream.close()
        assert (await ear.over()) is not None
        for task in (whole, headless):
            with pytest.raises(Failure):
                await task
        await server.until(lambda: server.open == 0)
        with pytest.raises(Failure):
            await upstream.send(question(server.url))
        await upstream.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_no_descriptor_is_left_whatever_happens(tmp_path: object) -> None:
    for kind in (FastUpstream, HttpxUpstream):
        async with RawServer(always(FINE)) as server:
            await asyncio.sleep(0.01)
            before = descriptors()
            upstream = kind(settings_for(tmp_path, streaming_timeout=0.2, connect_timeout=0.5))  # type: ignore[arg-type]
            for script in (always(FINE), once(), once(b"garbage\r\n\r\n"), waiting()):
                server.script = script
                for task in await asyncio.gather(
                    *(ask(upstream, server.url) for _ in range(5)), return_exceptions=True
                ):
                    assert task == (200, b"ok") or isinstance(task, Failure)
            await failing(upstream, f"http://127.0.0.1:{free_port()}")
            await failing(upstream, "http://no-such-host.invalid")
            await upstream.close()
            await server.until(lambda: server.open == 0)
            await asyncio.sleep(0.01)
            assert descriptors() == before


async def test_requests_leave_nothing_for_the_garbage_collector(open_fast: OpenFast) -> None:
    upstream = open_fast()
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    async with RawServer(always(chunked)) as server:
        await ask(upstream, server.url)
        found = []
        gc.disable()
        try:
            for _ in range(3):
                gc.collect()
                for _ in range(100):
                    await ask(upstream, server.url)
                    answer = await upstream.send(question(server.url))
                    ear = Ear(answer)
                    await ear.over()
                    answer.close()
                    del ear, answer
                found.append(gc.collect())
        finally:
            gc.enable()
    # the process has other things to collect, too, but not every time
    assert min(found) < 100, "less than one object per request"


async def test_failures_leave_nothing_for_the_garbage_collector(open_fast: OpenFast) -> None:
    upstream = open_fast()

    async def one(body: bytes) -> None:
        try:
            await ask(upstream, server.url, body)
        except Failure:
            return
        raise AssertionError

    async def script(peer: Peer) -> None:
        request = await peer.request()
        await peer.send(b"garbage" if request.body == b"head" else b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut")

    async with RawServer(script) as server:
        for body in (b"head", b"body"):
            await one(body)
            gc.collect()
            gc.disable()
            try:
                before = count(Http1Answer)
                for _ in range(50):
                    await one(body)
                assert count(Http1Answer) - before < 10, "the last ones may still be under way"
            finally:
                gc.enable()


def count(kind: type) -> int:
    return sum(type(one) is kind for one in gc.get_objects())


async def test_a_connection_that_is_closing_is_not_taken_from_the_pool() -> None:
    pool, shelf = Pool(10, 10), Shelf()
    for connection in (old := Connection(pool, shelf), young := Connection(pool, shelf)):
        connection.connection_made(Wire())
        pool.add(connection)
        pool.release(connection)
    young.transport.abort()
    assert pool.youngest(shelf) is old and pool.youngest(shelf) is None
    pool.close()


async def test_a_connection_that_is_lost_as_it_is_made_is_not_counted() -> None:
    pool = Pool(10, 10)
    connection = Connection(pool, Shelf())
    connection.connection_made(Wire())
    connection.connection_lost(None)
    pool.add(connection)
    assert len(pool) == 0
    pool.close()
