"""Providers that are gone, come back, hang, cut: what is tried once more, and what is a failure at once."""

from __future__ import annotations

import asyncio

import pytest

from relay.upstream import Failure
from tests.fakes.raw import Peer, RawServer, always, once, waiting
from tests.fakes.upstream import free_port
from tests.relay.upstream.asking import Ear, ask, failing, question
from tests.relay.upstream.conftest import Open

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def test_nobody_there_is_unreachable(open: Open) -> None:
    upstream = open()
    for url in (f"http://127.0.0.1:{free_port()}", "http://no-such-host.invalid"):
        failure = await failing(upstream, url)
        assert failure.kind == "unreachable" and failure.status == 0
        assert "127.0.0.1" not in failure.message and "invalid" not in failure.message


async def test_a_name_that_is_never_found_runs_out_of_time(open: Open) -> None:
    async def hang(host: str, port: int) -> list[str]:
        await asyncio.sleep(3600)
        return []

    assert (await failing(open(resolve=hang, connect_timeout=0.05), "http://provider.test")).kind == "timeout"


@pytest.mark.parametrize("gone", ["before", "while"])
async def test_a_provider_that_was_started_again_is_called_on_a_new_connection(open: Open, gone: str) -> None:
    upstream = open()
    server = RawServer(always(FINE))
    await server.start()
    assert await asyncio.gather(*(ask(upstream, server.url) for _ in range(5))) == [(200, b"ok")] * 5
    for _ in range(3):
        await server.stop()
        if gone == "while":
            assert (await failing(upstream, server.url)).kind in ("unreachable", "broken")
        await server.start()
        assert await asyncio.gather(*(ask(upstream, server.url) for _ in range(5))) == [(200, b"ok")] * 5
    await server.stop()


def gone_at_the_second(*pieces: bytes, reset: bool = False) -> RawServer:
    """Answers the first request of its first connection; then sends ``pieces`` and hangs up."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(FINE)
        await peer.request()
        if peer.number == 0:
            await peer.send(*pieces)
            await asyncio.sleep(0.02)
            if reset:
                peer.reset()
        else:
            await peer.send(FINE)

    return RawServer(script)


@pytest.mark.parametrize("reset", [False, True])
async def test_a_pooled_connection_that_dies_without_a_byte_is_replaced_once(open: Open, reset: bool) -> None:
    upstream = open()
    async with gone_at_the_second(reset=reset) as server:
        for _ in range(2):
            assert await ask(upstream, server.url, b"x" * 100_000) == (200, b"ok")
        assert server.made == 2


@pytest.mark.parametrize("piece", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", FINE[:-20], b"garbage"])
async def test_nothing_is_sent_again_once_a_byte_was_answered(open: Open, piece: bytes) -> None:
    upstream = open()
    async with gone_at_the_second(piece) as server:
        assert await ask(upstream, server.url) == (200, b"ok")
        assert (await failing(upstream, server.url)).kind == "broken"
        assert server.made == 1


async def test_a_new_connection_that_dies_is_not_replaced(open: Open) -> None:
    upstream = open()
    async with RawServer(once()) as server:
        assert (await failing(upstream, server.url)).kind == "broken"
        assert server.made == 1


async def test_the_replacement_is_not_replaced(open: Open) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number == 0:
            await peer.send(FINE)
            await peer.request()

    upstream = open()
    async with RawServer(script) as server:
        assert await ask(upstream, server.url) == (200, b"ok")
        assert (await failing(upstream, server.url)).kind == "broken"
        assert server.made == 2


async def test_a_provider_that_never_answers_runs_out_of_time(open: Open) -> None:
    upstream = open(streaming_timeout=0.1)
    async with RawServer(waiting()) as server:
        failure = await failing(upstream, server.url)
        assert (failure.kind, server.made) == ("timeout", 1)
        await server.until(lambda: server.open == 0)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_provider_that_falls_silent_in_the_middle_runs_out_of_time(open: Open, streamed: bool) -> None:
    upstream = open(streaming_timeout=0.1)
    async with RawServer(waiting(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart")) as server:
        answer = await upstream.send(question(server.url))
        if streamed:
            ear = Ear(answer)
            failure = await ear.over()
            assert failure is not None and ear.heard == b"part"
        else:
            with pytest.raises(Failure) as raised:
                await answer.read(100)
            failure = raised.value
        assert failure.kind == "timeout"
        answer.close()
        await server.until(lambda: server.open == 0)


async def test_a_provider_that_is_slow_but_speaks_has_time(open: Open) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n")
        for _ in range(20):
            await asyncio.sleep(0.02)
            await peer.send(b".")

    async with RawServer(script) as server:
        assert await ask(open(streaming_timeout=0.2), server.url) == (200, b"." * 20)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("reset", [False, True])
async def test_an_answer_that_is_cut_is_a_failure_after_what_came(open: Open, streamed: bool, reset: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n")
        await heard.wait()
        if reset:
            peer.reset()

    heard = asyncio.Event()
    upstream = open()
    async with RawServer(script) as server:
        answer = await upstream.send(question(server.url))
        if streamed:
            ear = Ear(answer)
            await ear.until(4)
            heard.set()
            failure = await ear.over()
            assert failure is not None
        else:
            heard.set()
            with pytest.raises(Failure) as raised:
                await answer.read(100)
            failure = raised.value
        assert failure.kind == "broken"
        answer.close()


async def test_the_status_of_an_error_is_heard_though_its_body_is_cut(open: Open) -> None:
    async with RawServer(once(b"HTTP/1.1 401 No\r\ncontent-length: 99\r\n\r\n{")) as server:
        answer = await open().send(question(server.url))
        assert answer.status == 401
        with pytest.raises(Failure):
            await answer.read(100)
        answer.close()
