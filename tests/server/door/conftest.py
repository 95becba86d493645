"""The same gateway behind both doors: at the HTTP protocol (hot) and through ASGI."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
import uvloop

from openopen8.core.models import Hold
from openopen8.core.tools import Tools, open_tools
from openopen8.server import door
from openopen8.server.bridge import Bridge
from openopen8.server.front import Front
from openopen8.server.worker import Worker
from relay.app import Relay
from tests.conftest import EVERYTHING, settings_for
from tests.fakes.upstream import FakeUpstream, as_asked
from tests.server.running import running, server_of
from tests.server.site import write_site
from tests.world import World

DOORS = ("hot", "asgi")


def pytest_asyncio_loop_factories(config: Any, item: Any) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of the product; asyncio's own, which serves where there is no uvloop, in `make test-all`."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    return {**loops, "asyncio": asyncio.new_event_loop} if EVERYTHING else loops


async def api(scope: Any, receive: Any, send: Any) -> None:
    """Stands for the management API, which is not asked here."""
    raise AssertionError("the API was called")


@dataclass
class Gateway:
    """One database, one token, one provider, and a server for each kind of door."""

    tools: Tools
    folder: Path
    fake: FakeUpstream
    world: World
    key: str
    doors: dict[str, str]
    """``hot`` and ``asgi``: addresses."""
    servers: dict[str, uvicorn.Server]

    @property
    def hot(self) -> str:
        return self.doors["hot"]

    @property
    def asgi(self) -> str:
        return self.doors["asgi"]

    async def settled(self) -> None:
        """No hold stays, the books are right. A caller that left is settled right after its request has ended."""
        for _ in range(1000):
            if not self.world.all(Hold):
                break
            await asyncio.sleep(0.01)
        assert self.world.all(Hold) == []
        self.world.audit()

    async def alone(self, kind: str) -> None:
        """Wait until nobody is connected any more."""
        while self.servers[kind].server_state.connections:
            await asyncio.sleep(0.005)

    @asynccontextmanager
    async def serve(self, kind: str, options: dict[str, Any] | None = None, **more: Any) -> AsyncIterator[str]:
        """One more server on the same database; its address."""
        async with self.serving(kind, options, **more) as (address, _):
            yield address

    @asynccontextmanager
    async def serving(
        self, kind: str, options: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **settings: Any
    ) -> AsyncIterator[tuple[str, uvicorn.Server]]:
        """``options`` are uvicorn's, ``limits`` the door's, ``settings`` the gateway's."""
        values = self.tools.settings.model_copy(update=settings)
        relay = Relay(Tools(values, self.tools.db, self.tools.clock, self.tools.keyring), random=lambda: 0.0)
        app = worker_of(relay, self.tools, self.folder)
        given = door.options(relay if kind == "hot" else None, **(limits or {})) | (options or {})
        async with running(server_of(app, **given)) as started:
            yield started


def worker_of(relay: Relay, tools: Tools, folder: Path) -> Worker:
    """A relay worker without its API."""
    return Worker(relay, api, Front(*_site(folder)), Bridge(tools, folder / "nobody"))


def _site(folder: Path) -> tuple[Path, Path]:
    return (folder / "client", folder / "stamp") if (folder / "stamp").exists() else write_site(folder)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, fake: FakeUpstream, request: pytest.FixtureRequest
) -> AsyncIterator[Gateway]:
    """Both doors for all tests of a module; what it says in ``SERVED`` goes to ``Gateway.serve``."""
    folder = tmp_path_factory.mktemp("doors")
    shutil.copy(sqlite_template, folder / "openopen8.db")
    tools = open_tools(settings_for(folder))
    world = World(tools)
    world.channel(base_url=fake.url)
    world.price()
    key = world.token(world.user(balance=10**12))[1]
    made = Gateway(tools, folder, fake, world, key, {}, {})
    async with AsyncExitStack() as stack:
        for kind in DOORS:
            more = {"max_request_body_mb": 1, **getattr(request.module, "SERVED", {})}
            made.doors[kind], made.servers[kind] = await stack.enter_async_context(made.serving(kind, **more))
        yield made
    tools.close()


@pytest.fixture(autouse=True)
def usual_answers(request: pytest.FixtureRequest) -> None:
    """Whatever an earlier test made the provider say."""
    if "gateway" in request.fixturenames:
        request.getfixturevalue("fake").script(as_asked())
