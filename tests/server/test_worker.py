"""A relay worker's paths: who answers what, and what every answer carries."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from openopen8.core.tools import Tools
from openopen8.server import door
from openopen8.server.bridge import Bridge
from openopen8.server.front import Front
from openopen8.server.worker import Worker, options_of
from relay.routes import reserved
from tests.conftest import settings_for
from tests.server.door.echo import Echo
from tests.server.running import serving
from tests.server.site import PAGE, write_site


class FakeRelay:
    """Says who it is; notes its beginning and end."""

    def __init__(self) -> None:
        self.life: list[str] = []
        self.release = asyncio.Event()

    async def start(self) -> None:
        self.life.append("started")

    async def stop(self) -> None:
        self.life.append("stopped")

    def handles(self, path: str, method: str) -> bool:
        return reserved(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/slow":
            try:
                await asyncio.sleep(60)
            finally:
                self.life.append("settled")
        await PlainTextResponse("relay")(scope, receive, send)


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("api")(scope, receive, send)


def worker_of(relay: FakeRelay, tools: Tools, folder: Path, app: ASGIApp = api) -> Worker:
    return Worker(relay, app, Front(*write_site(folder)), Bridge(tools, folder / "nobody"))


@pytest.fixture
def relay() -> FakeRelay:
    return FakeRelay()


@pytest.fixture
async def base(relay: FakeRelay, sqlite_tools: Tools, tmp_path: Path) -> AsyncIterator[str]:
    async with serving(worker_of(relay, sqlite_tools, tmp_path / "site")) as address:
        yield address


async def ask(base: str, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        return await client.get(path, headers=headers)


async def test_each_path_goes_to_the_part_that_owns_it(base: str) -> None:
    owners = {
        "/v1/models": "relay",
        "/v1beta/models": "relay",
        "/models": "relay",
        "/api/usage/token": "relay",
        "/healthz": "relay",
        "/v1/unknown": "relay",
        "/api": "api",
        "/api/tokens": "api",
        "/tokens": PAGE,
    }
    for path, owner in owners.items():
        assert (await ask(base, path)).text == owner, path
    assert (await ask(base, "/apis")).status_code == 404


async def test_answers_of_the_api_carry_the_security_headers(base: str) -> None:
    headers = (await ask(base, "/api/tokens")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


async def test_no_answer_names_the_server_software(base: str) -> None:
    for path in ("/v1/models", "/api/tokens", "/tokens"):
        assert "server" not in (await ask(base, path)).headers


async def test_headers_beyond_the_limit_are_refused_with_431(base: str) -> None:
    assert (await ask(base, "/v1/models", x="a" * (door.HEAD_LIMIT - 1000))).status_code == 200
    answer = await ask(base, "/v1/models", x="a" * (door.HEAD_LIMIT + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (431, "headers_too_large")


async def test_a_header_that_never_ends_is_cut_off(base: str) -> None:
    with socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2]))) as connection:
        reader, writer = await asyncio.open_connection(sock=connection.dup())
        writer.write(b"GET /v1/models HTTP/1.1\r\nx: ")
        for _ in range(20):
            writer.write(b"a" * 8192)
        assert b" 431 " in await reader.readline()
        writer.close()


async def test_a_body_may_be_longer_than_the_headers_may_be(base: str) -> None:
    port = int(base.rpartition(":")[2])
    head = b"GET /v1/models HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    await asyncio.sleep(0.05)  # the end of the head comes in the next read, together with the body
    writer.write(b"\n" + b"a" * 200_000)
    assert b" 200 " in await reader.readline()
    writer.close()


async def test_a_websocket_elsewhere_is_refused(base: str) -> None:
    port = int(base.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /tokens HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b" 404 " in await reader.readline()
    writer.close()


async def test_the_relay_stops_after_the_last_request_has_settled(
    relay: FakeRelay, sqlite_tools: Tools, tmp_path: Path
) -> None:
    async with serving(worker_of(relay, sqlite_tools, tmp_path / "other")) as base:
        waiting = asyncio.create_task(ask(base, "/v1/slow"))
        await asyncio.sleep(0.2)
    await asyncio.gather(waiting, return_exceptions=True)
    assert relay.life == ["started", "settled", "stopped"]


def test_the_short_way_can_be_switched_off(tmp_path: Path) -> None:
    relay = Echo()
    for hot_path, expected in ((True, relay), (False, None)):
        options = options_of(settings_for(tmp_path, hot_path=hot_path), relay)
        assert options["http"].relay is expected
