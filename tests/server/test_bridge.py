"""The dashboard's websocket through a worker: what passes, what does not, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from openopen8.core.tools import Tools
from openopen8.server.bridge import LARGEST, TOO_BIG, Bridge
from openopen8.server.front import Front
from openopen8.server.worker import Worker
from tests.conftest import settings_for
from tests.server.running import serving
from tests.server.site import write_site
from tests.server.test_worker import FakeRelay, api

SESSION = "a session's value"


class Dashboard:
    """Stands for the dashboard process: an echo on a unix socket that keeps what it was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.headers: dict[str, list[str]] = {}
        self.target = ""
        self.sizes: list[int] = []
        self._server: Server | None = None

    async def start(self) -> None:
        self._server = await unix_serve(self._echo, str(self.path), subprotocols=[Subprotocol("0.10.1")], max_size=None)

    async def die(self) -> None:
        assert self._server is not None
        for connection in self._server.connections:
            connection.transport.abort()
        self._server.close(close_connections=False)
        self.path.unlink()

    async def _echo(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.target = connection.request.path
        for name, value in connection.request.headers.raw_items():
            self.headers.setdefault(name.lower(), []).append(value)
        async for message in connection:
            self.sizes.append(len(message))
            await connection.send(message)


@pytest.fixture
async def dashboard(tmp_path: Path) -> AsyncIterator[Dashboard]:
    dashboard = Dashboard(tmp_path / "dashboard")
    await dashboard.start()
    yield dashboard
    if dashboard.path.exists():
        await dashboard.die()


@pytest.fixture
async def base(dashboard: Dashboard, sqlite_tools: Tools, tmp_path: Path) -> AsyncIterator[str]:
    bridge = Bridge(sqlite_tools, dashboard.path)
    async with serving(Worker(FakeRelay(), api, Front(*write_site(tmp_path / "site")), bridge)) as address:
        yield address


@asynccontextmanager
async def tab(base: str, origin: str | None = None, **headers: str) -> AsyncIterator[ClientConnection]:
    """A browser's tab: opens the events' websocket from a page of ``origin``, by default the gateway's own."""
    async with connect(
        base.replace("http:", "ws:") + "/_event/?token=tab-1",
        origin=base if origin is None else origin,  # type: ignore[arg-type]
        additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
        subprotocols=[Subprotocol("0.10.1")],
        proxy=None,
    ) as connection:
        yield connection


async def test_messages_pass_both_ways(base: str, dashboard: Dashboard) -> None:
    async with tab(base) as connection:
        await connection.send("text")
        await connection.send(b"bytes")
        assert [await connection.recv(), await connection.recv()] == ["text", b"bytes"]
        assert connection.subprotocol == "0.10.1"
        assert dashboard.target == "/_event/?token=tab-1"


async def test_a_message_that_no_page_sends_goes_no_further(base: str, dashboard: Dashboard) -> None:
    for much in ("x" * LARGEST + "x", b"x" * LARGEST + b"x"):
        async with tab(base) as connection:
            await connection.send(much)
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            assert connection.close_code == TOO_BIG
    async with tab(base) as connection:
        await connection.send("x" * LARGEST)
        assert len(await connection.recv()) == LARGEST
    assert dashboard.sizes == [LARGEST]


async def test_a_page_of_another_site_is_refused(base: str, dashboard: Dashboard) -> None:
    port = base.rpartition(":")[2]
    foreign = ("https://evil.example", "null", "http://127.0.0.1:1", f"http://evil.example:{port}", "http://[", "")
    for origin in foreign:
        with pytest.raises(InvalidStatus) as refused:
            async with tab(base, origin=origin):
                pass
        assert refused.value.response.status_code == 403, origin
    assert dashboard.headers == {}


async def test_behind_tls_the_own_page_is_let_in(base: str) -> None:
    async with tab(base, origin=base.replace("http:", "https:")) as connection:
        await connection.send("text")
        assert await connection.recv() == "text"


async def test_the_session_arrives_as_a_hash_and_the_cookie_not_at_all(
    base: str, dashboard: Dashboard, sqlite_tools: Tools
) -> None:
    async with tab(base, cookie=f"theme=dark; oo8_session={SESSION}") as connection:
        await connection.send("text")
        await connection.recv()
    assert dashboard.headers["authorization"] == [sqlite_tools.keyring.hash(SESSION)]
    assert "cookie" not in dashboard.headers
    assert SESSION not in str(dashboard.headers)


async def test_what_a_client_says_about_itself_does_not_pass(base: str, dashboard: Dashboard) -> None:
    async with tab(
        base,
        authorization="0" * 64,
        x_forwarded_for="10.0.0.1",
        x_forwarded_host="evil.example",
        forwarded="for=10.0.0.1",
        x_real_ip="10.0.0.1",
        x_api_key="sk-something",
    ) as connection:
        await connection.send("text")
        await connection.recv()
    assert "authorization" not in dashboard.headers
    assert dashboard.headers["x-forwarded-for"] == ["127.0.0.1"]
    assert not dashboard.headers.keys() & {"x-forwarded-host", "forwarded", "x-real-ip", "x-api-key"}


async def test_behind_a_trusted_proxy_the_real_address_is_told(
    dashboard: Dashboard, sqlite_tools: Tools, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, trusted_proxies="127.0.0.1")
    tools = Tools(settings, sqlite_tools.db, sqlite_tools.clock, sqlite_tools.keyring)
    worker = Worker(FakeRelay(), api, Front(*write_site(tmp_path / "site")), Bridge(tools, dashboard.path))
    async with serving(worker) as base, tab(base, x_forwarded_for="10.9.9.9, 203.0.113.7") as connection:
        await connection.send("text")
        await connection.recv()
    assert dashboard.headers["x-forwarded-for"] == ["203.0.113.7"]


async def test_a_dashboard_that_dies_closes_the_tab_with_1012_so_that_it_tries_again(
    base: str, dashboard: Dashboard
) -> None:
    async with tab(base) as connection:
        await connection.send("text")
        await connection.recv()
        await dashboard.die()
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


async def test_a_worker_that_leaves_sends_its_tabs_to_another_one(
    dashboard: Dashboard, sqlite_tools: Tools, tmp_path: Path
) -> None:
    worker = Worker(FakeRelay(), api, Front(*write_site(tmp_path / "site")), Bridge(sqlite_tools, dashboard.path))
    async with serving(worker) as base, tab(base) as connection:
        await connection.send("text")
        await connection.recv()
        worker.close_tabs()
        await left(connection)
        async with tab(base) as late:
            await left(late)


async def left(connection: ClientConnection) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


async def test_while_the_dashboard_starts_the_answer_is_503_and_then_it_works(base: str, dashboard: Dashboard) -> None:
    await dashboard.die()
    with pytest.raises(InvalidStatus) as refused:
        async with tab(base):
            pass
    assert refused.value.response.status_code == 503
    await dashboard.start()
    async with tab(base) as connection:
        await connection.send("text")
        assert await connection.recv() == "text"


async def test_a_tab_that_leaves_ends_its_connection_to_the_dashboard(base: str, dashboard: Dashboard) -> None:
    async with tab(base) as connection:
        await connection.send("text")
        await connection.recv()
        assert dashboard._server is not None
        assert len(dashboard._server.connections) == 1
    async with asyncio.timeout(5):
        while dashboard._server.connections:
            await asyncio.sleep(0.01)
