"""TLS: the certificate must be right for the host, the session is used again, and a cut is a failure as any other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.upstream import FastUpstream
from tests.fakes.raw import Peer, RawServer, always, once, waiting
from tests.relay.upstream.asking import Ear, ask, failing, question
from tests.relay.upstream.authority import Authority
from tests.relay.upstream.conftest import Open

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
OpenFast = Callable[..., FastUpstream]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def here(host: str, port: int) -> list[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


def url(server: RawServer, host: str = "provider.test") -> str:
    return f"https://{host}:{server.port}"


async def test_an_answer_over_tls_is_read_and_its_connection_used_again(open: Open, authority: Authority) -> None:
    upstream = open(resolve=here, authorities=authority.file)
    seen = []

    async def script(peer: Peer) -> None:
        tls: ssl.SSLObject = peer.writer.get_extra_info("ssl_object")
        seen.append(tls.selected_alpn_protocol())
        while True:
            request = await peer.request()
            await peer.answer(request.body[-100_000:])

    async with RawServer(script, authority.server("provider.test")) as server:
        for body in (b"small", b"x" * 3_000_000):
            assert await ask(upstream, url(server), body) == (200, body[-100_000:])
        answers = await asyncio.gather(*(ask(upstream, url(server), b"%d" % n) for n in range(10)))
        assert [body for _, body in answers] == [b"%d" % n for n in range(10)]
        assert server.made <= 10 and set(seen) == {"http/1.1"}


WRONG = [("other name", "other.test", False), ("expired", "provider.test", True), ("part of it", "test", False)]


@pytest.mark.parametrize(("name", "expired"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
async def test_a_certificate_that_does_not_fit_is_refused_before_anything_is_sent(
    open: Open, authority: Authority, name: str, expired: bool
) -> None:
    upstream, heard = open(resolve=here, authorities=authority.file), []

    async def script(peer: Peer) -> None:
        heard.append(await peer.head())

    async with RawServer(script, authority.server(name, expired=expired)) as server:
        failure = await failing(upstream, url(server))
        assert failure.kind == "unreachable" and "test" not in failure.message and heard == []


async def test_a_certificate_of_an_unknown_authority_is_refused(open: Open, authority: Authority) -> None:
    async with RawServer(always(FINE), authority.server("provider.test")) as server:
        failure = await failing(open(resolve=here), url(server))
        assert failure.kind == "unreachable"


async def test_the_address_in_a_url_must_be_in_the_certificate(open: Open, authority: Authority) -> None:
    async with RawServer(always(FINE), authority.server("provider.test")) as server:
        assert (await failing(open(authorities=authority.file), url(server, "127.0.0.1"))).kind == "unreachable"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_next_connection_resumes_the_session(
    open_fast: OpenFast, authority: Authority, version: ssl.TLSVersion
) -> None:
    upstream, resumed = open_fast(resolve=here, authorities=authority.file), []

    async def script(peer: Peer) -> None:
        resumed.append(peer.writer.get_extra_info("ssl_object").session_reused)
        await peer.request()
        await peer.send(FINE.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))

    async with RawServer(script, authority.server("provider.test", "second.test", version=version)) as server:
        for _ in range(3):
            assert await ask(upstream, url(server)) == (200, b"ok")
        assert resumed == [False, True, True]
        assert await ask(upstream, url(server, "second.test")) == (200, b"ok")
        assert resumed[3:] == [False], "a host's session is its own"


async def test_a_server_that_forgot_the_session_makes_a_new_one(open_fast: OpenFast, authority: Authority) -> None:
    upstream = open_fast(resolve=here, authorities=authority.file)
    server = RawServer(once(FINE), authority.server("provider.test"))
    for _ in range(2):
        await server.start()
        assert await ask(upstream, url(server)) == (200, b"ok")
        await server.stop()
        server._tls = authority.server("provider.test")


async def test_a_session_does_not_make_up_for_a_wrong_certificate(open_fast: OpenFast, authority: Authority) -> None:
    upstream = open_fast(resolve=here, authorities=authority.file)
    server = RawServer(once(FINE), authority.server("provider.test"))
    await server.start()
    assert await ask(upstream, url(server)) == (200, b"ok")
    await server.stop()
    server._tls = authority.server("other.test")
    await server.start()
    assert (await failing(upstream, url(server))).kind == "unreachable"
    await server.stop()


@pytest.mark.parametrize("pieces", [(), (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart",)])
async def test_a_cut_is_a_failure(open: Open, authority: Authority, pieces: tuple[bytes, ...]) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)
        peer.writer.transport.abort()

    async with RawServer(script, authority.server("provider.test")) as server:
        upstream = open(resolve=here, authorities=authority.file)
        assert (await failing(upstream, url(server))).kind == "broken"


async def test_a_pooled_connection_that_was_closed_meanwhile_is_replaced(open: Open, authority: Authority) -> None:
    async with RawServer(once(FINE), authority.server("provider.test")) as server:
        upstream = open(resolve=here, authorities=authority.file)
        for _ in range(3):
            assert await ask(upstream, url(server)) == (200, b"ok")
        assert server.made == 3


async def test_a_server_without_tls_and_one_that_hangs_are_failures(open: Open, authority: Authority) -> None:
    upstream = open(resolve=here, authorities=authority.file, connect_timeout=0.2)
    async with RawServer(once(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        server.script = plain
        assert (await failing(upstream, url(server))).kind == "unreachable"
        server.script = silent
        assert (await failing(upstream, url(server))).kind == "timeout"
        await server.until(lambda: server.open == 0)


async def plain(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def silent(peer: Peer) -> None:
    await peer.left()


async def test_a_caller_that_pauses_holds_the_provider_back(open_fast: OpenFast, authority: Authority) -> None:
    piece, sent = b"10000\r\n" + b"x" * 65_536 + b"\r\n", 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(600):
            peer.writer.write(piece)
            await peer.writer.drain()
            sent += 65_536
        await peer.send(b"0\r\n\r\n")
        await peer.left()

    async with RawServer(script, authority.server("provider.test")) as server:
        answer = await open_fast(resolve=here, authorities=authority.file).send(question(url(server)))
        ear = Ear(answer, on_data=lambda _: answer.pause())
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 16_000_000 and len(ear.heard) < 1_000_000
        ear.on_data = None
        answer.resume()
        assert await ear.over() is None and len(ear.heard) == 600 * 65_536
        answer.close()


async def test_an_idle_connection_leaves_nothing_open(
    open_fast: OpenFast, authority: Authority, tmp_path: Path
) -> None:
    upstream = open_fast(resolve=here, authorities=authority.file, idle_seconds=0.04)
    async with RawServer(always(FINE), authority.server("provider.test")) as server:
        await ask(upstream, url(server))
        await server.until(lambda: server.open == 0)
        asked = asyncio.ensure_future(upstream.send(question(url(server))))
        server.script = waiting()
        await server.until(lambda: server.made == 2)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await server.until(lambda: server.open == 0)
