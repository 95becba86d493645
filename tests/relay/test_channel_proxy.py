"""A channel with a proxy, or with HTTP/2: every call of the relay to its provider goes that way."""

from __future__ import annotations

import pytest

from openopen8.core.models import Channel
from relay import probe
from tests.fakes.raw import RawServer
from tests.fakes.relays import Http2, HttpProxy, SocksProxy
from tests.fakes.upstream import as_asked
from tests.relay.house import Build, House


def call_through(house: House, proxy: str) -> None:
    sealed = house.tools.keyring.seal(proxy)
    base_url = f"http://provider.test:{house.fake.port}"
    house.world.change(Channel, house.channel_id, proxy_sealed=sealed, base_url=base_url)


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_requests_streams_tests_and_lists_of_models_go_through_the_proxy(build: Build, kind: str) -> None:
    house = await build()
    house.fake.script(as_asked("through the proxy"))
    script = HttpProxy(house.fake.port) if kind == "http" else SocksProxy(house.fake.port)
    async with RawServer(script) as proxy:
        call_through(house, f"{kind}://127.0.0.1:{proxy.port}")
        reply = await house.caller.chat()
        assert reply.json["choices"][0]["message"]["content"] == "through the proxy"
        assert (await house.caller.chat(stream=True)).text == "through the proxy"
        assert (await probe.test_channel(house.tools, house.channel_id)).ok
        assert await probe.list_models_of(house.tools, house.channel_id) == ("m",)
        assert len(house.fake.requests) == 4 and proxy.made and script.asked
    assert all("proxy-authorization" not in request.headers for request in house.fake.requests)
    house.settled()


async def test_without_the_proxy_nothing_is_sent(house: House) -> None:
    call_through(house, "http://user:planted-word@127.0.0.1:9")
    reply = await house.caller.chat()
    assert reply.status == 502 and house.fake.requests == [] and "planted-word" not in reply.body.decode()
    assert "planted-word" not in house.entry().error
    house.settled()


async def test_a_provider_that_speaks_http2_only_is_called_with_it(build: Build) -> None:
    async with RawServer(Http2()) as server:
        house = await build(channel={"base_url": server.url, "http2": True})
        assert (await house.caller.chat()).status == 502, "its answer is no JSON, but it was asked"
        assert [request[":path"] for request in server.script.requests] == ["/v1/chat/completions"]  # type: ignore[attr-defined]
        house.settled()
