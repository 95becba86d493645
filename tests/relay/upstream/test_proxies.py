"""Channels with a proxy or with HTTP/2: the template chooses, the same client takes them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from relay.upstream import FastUpstream, HttpxUpstream, Upstream
from tests.conftest import settings_for
from tests.fakes.raw import RawServer, always, once
from tests.fakes.relays import Http2, HttpProxy, SocksProxy
from tests.fakes.upstream import free_port
from tests.relay.upstream.asking import Ear, ask, failing, question
from tests.relay.upstream.authority import Authority

FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def both(tmp_path: Path, authority: Authority) -> AsyncIterator[Callable[..., Upstream]]:
    """``both(connect_timeout=…)``: the client as a worker has it, the fast one in front of httpx."""
    opened: list[Upstream] = []

    def make(**changes: Any) -> Upstream:
        settings = settings_for(tmp_path, **changes)
        rich = HttpxUpstream(settings, here, authority.file)
        opened.append(FastUpstream(settings, rich, here, authority.file))
        return opened[-1]

    yield make
    for upstream in opened:
        await upstream.close()


async def here(host: str, port: int) -> list[str]:
    assert host != "provider.test", "the proxy looks the provider up"
    return ["127.0.0.1"]


async def through(upstream: Upstream, proxy: str, url: str = "http://provider.test") -> tuple[int, bytes]:
    return await ask(upstream, url, proxy=proxy)


async def test_plain_requests_go_through_an_http_proxy(both: Any) -> None:
    upstream = both()
    async with RawServer(always(FINE)) as provider, RawServer(HttpProxy(provider.port)) as proxy:
        for _ in range(2):
            assert await through(upstream, proxy.url) == (200, b"ok")
        assert set(proxy.script.asked) == {"POST http://provider.test/v1/chat"}  # type: ignore[attr-defined]
        assert proxy.made == 1, "its connection is used again"


async def test_tls_goes_through_a_tunnel_and_the_certificate_is_the_providers(both: Any, authority: Authority) -> None:
    upstream = both()
    async with RawServer(always(FINE), authority.server("provider.test")) as provider:
        script = HttpProxy(provider.port, "user:p@ss")
        async with RawServer(script) as proxy:
            url = f"http://user:p%40ss@127.0.0.1:{proxy.port}"
            assert await through(upstream, url, "https://provider.test") == (200, b"ok")
            assert script.asked == ["CONNECT provider.test:443"]
            failure = await failing(upstream, "https://provider2.test", proxy=url)
            assert failure.kind == "unreachable" and "provider" not in failure.message.replace("The provider", "")


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_requests_go_through_a_socks_proxy(both: Any, scheme: str) -> None:
    upstream = both()
    async with RawServer(always(FINE)) as provider:
        script = SocksProxy(provider.port, "user:pass")
        async with RawServer(script) as proxy:
            assert await through(upstream, f"{scheme}://user:pass@127.0.0.1:{proxy.port}") == (200, b"ok")
            assert script.asked == ["provider.test:80"]


REFUSALS = [
    ("wrong password", "user:wrong@", b""),
    ("no password", "", b""),
    ("not allowed", "user:pass@", b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x00"),
    ("garbage", "user:pass@", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
]


@pytest.mark.parametrize(("user", "then"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
async def test_a_socks_proxy_that_refuses_is_a_failure_and_leaves_nothing_open(
    both: Any, user: str, then: bytes
) -> None:
    upstream = both()
    script = SocksProxy(1, "user:pass", *([then] if then else []))
    async with RawServer(script) as proxy:
        failure = await failing(upstream, "http://provider.test", proxy=f"socks5://{user}127.0.0.1:{proxy.port}")
        assert failure.kind in ("unreachable", "broken")
        assert "pass" not in failure.message and "127.0.0.1" not in failure.message
        await proxy.until(lambda: proxy.open == 0)


async def test_an_http_proxy_that_refuses_is_a_failure(both: Any) -> None:
    upstream = both()
    async with RawServer(HttpProxy(1, "user:pass")) as proxy:
        failure = await failing(upstream, "https://provider.test", proxy=proxy.url)
        assert failure.kind == "unreachable" and "proxy" in failure.message
        assert await through(upstream, proxy.url) == (407, b"who are you")
    assert (await failing(upstream, "http://x.test", proxy=f"http://127.0.0.1:{free_port()}")).kind == "unreachable"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_hangs_runs_out_of_time(both: Any, scheme: str) -> None:
    async def hang(peer: Any) -> None:
        await peer.left()

    upstream = both(connect_timeout=0.1, streaming_timeout=0.2)
    async with RawServer(hang) as proxy:
        url = f"{scheme}://127.0.0.1:{proxy.port}"
        assert (await failing(upstream, "http://provider.test", proxy=url)).kind == "timeout"
        await proxy.until(lambda: proxy.open == 0)


async def test_the_proxys_address_is_judged_and_one_in_writing_behind_it(both: Any) -> None:
    async with RawServer(once(FINE)) as proxy:
        closed = both(allow_private_upstreams=False)
        assert (await failing(closed, "http://provider.test", proxy=proxy.url)).kind == "unreachable"
        spelt = ("169.254.169.254.", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.169.0xfe")
        for url in ("http://169.254.169.254", "http://[fe80::1]", *(f"http://{host}" for host in spelt)):
            assert (await failing(both(), url, proxy=proxy.url)).kind == "unreachable"
        for address in ("http://169.254.169.254:3128", "socks5://[fd00:ec2::254]:1080"):
            assert (await failing(both(), "http://provider.test", proxy=address)).kind == "unreachable"
        assert proxy.made == 0


async def test_what_goes_through_a_proxy_never_goes_directly_and_the_other_way_round(both: Any) -> None:
    upstream = both()
    async with RawServer(always(FINE)) as provider:
        script = HttpProxy(provider.port)
        async with RawServer(script) as proxy:
            url = f"http://direct.test:{provider.port}"
            assert await ask(upstream, url) == (200, b"ok") and script.asked == []
            assert await ask(upstream, url, proxy=proxy.url) == (200, b"ok") and len(script.asked) == 1
            assert await ask(upstream, url) == (200, b"ok") and len(script.asked) == 1


@pytest.mark.parametrize("tls", [False, True])
async def test_a_host_that_speaks_http2_only_is_called_with_it(both: Any, authority: Authority, tls: bool) -> None:
    upstream, script = both(), Http2()
    context = authority.server("second.test") if tls else None
    async with RawServer(script, context) as server:
        url = f"{'https' if tls else 'http'}://second.test:{server.port}"
        answers = await asyncio.gather(*(ask(upstream, url, b"%d" % n, http2=True) for n in range(10)))
        assert answers == [(200, b"heard: %d" % n) for n in range(10)]
        answer = await upstream.send(question(url, b"x" * 200_000, http2=True))
        ear = Ear(answer)
        assert answer.headers["x-kind"] == "h2" and await ear.over() is None and len(ear.heard) == 10_007
        answer.close()
        assert len(script.requests) == 11 and script.requests[0]["authorization"] == "Bearer provider-key"
        assert server.made <= 10


async def test_a_host_that_speaks_both_is_called_with_what_it_chooses(both: Any, authority: Authority) -> None:
    context = authority.server("second.test")
    context.set_alpn_protocols(["http/1.1"])
    async with RawServer(always(FINE), context) as server:
        assert await ask(both(), f"https://second.test:{server.port}", http2=True) == (200, b"ok")
