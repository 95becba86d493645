"""What a relay worker says to its supervisor, and does when told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from openopen8.server import door
from openopen8.server.relay_server import RelayServer
from openopen8.server.seats import Seat, Seats
from openopen8.server.wire import CLOSE_TABS, FAILED, LEAVE, READY, RECOVER, Wire
from tests.server.running import _no_signals


class Root:
    """An application whose answers wait until they are let go."""

    def __init__(self, fails: bool = False) -> None:
        self.failure = ""
        self.running = 0
        self.told: list[str] = []
        self.let = asyncio.Event()
        self.ended: list[str] = []
        self._fails = fails

    def close_tabs(self) -> None:
        self.told.append(CLOSE_TABS)

    async def recover(self) -> None:
        self.told.append(RECOVER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self.failure = "ValueError: it is broken" if self._fails else ""
            await send({"type": f"lifespan.startup.{'failed' if self._fails else 'complete'}"})
            await receive()
            return await send({"type": "lifespan.shutdown.complete"})
        self.running += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await self.let.wait()
            await send({"type": "http.response.body", "body": b"whole"})
            self.ended.append("whole")
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            self.running -= 1


class Running:
    """A server in this loop, and the supervisor's end of its wire."""

    task: asyncio.Task[None]

    def __init__(self, root: Root, shared: bool, patience: float) -> None:
        self.root = root
        self.supervisor, theirs = socket.socketpair()
        self.supervisor.setblocking(False)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        seats = Seats()
        seat = Seat(seats.fileno(), seats.take()) if shared else None
        config = uvicorn.Config(root, **door.options())
        self.server = RelayServer(config, root, Wire(theirs.detach()), seat, patience)
        self.server.capture_signals = _no_signals  # type: ignore[method-assign]

    async def serve(self) -> None:
        await self.server.serve(sockets=[self.listener])

    async def hear(self) -> str:
        return (await asyncio.get_running_loop().sock_recv(self.supervisor, 4096)).decode()

    def tell(self, word: str) -> None:
        self.supervisor.send(word.encode() + b"\n")


@asynccontextmanager
async def running(root: Root, shared: bool = False, patience: float = 30) -> AsyncIterator[Running]:
    found = Running(root, shared, patience)
    found.task = asyncio.create_task(found.serve())
    try:
        yield found
    finally:
        found.server.should_exit = True
        root.let.set()
        await asyncio.gather(found.task, return_exceptions=True)
        found.supervisor.close()


async def ask(address: str) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return (await client.get(address)).text


async def until(condition: object) -> None:
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("shared", [False, True])
async def test_it_says_when_it_serves_and_leaves_when_its_last_request_has_ended(shared: bool) -> None:
    async with running(Root(), shared) as it:
        assert await it.hear() == READY + "\n"
        asked = asyncio.create_task(ask(it.address))
        await until(lambda: it.root.running == 1)
        it.tell(LEAVE)
        await until(lambda: it.listener.fileno() == -1)
        assert not it.task.done()
        it.root.let.set()
        assert await asked == "whole"
        await it.task


async def test_what_outlasts_its_time_is_cancelled() -> None:
    async with running(Root(), patience=0.2) as it:
        await it.hear()
        asked = asyncio.create_task(ask(it.address))
        await until(lambda: it.root.running == 1)
        it.tell(LEAVE)
        await it.task
        assert it.root.ended == ["cancelled"]
        with pytest.raises(httpx.HTTPError):
            await asked


async def test_it_says_why_it_cannot_start() -> None:
    it = Running(Root(fails=True), shared=False, patience=1)
    with pytest.raises(SystemExit):
        await it.serve()
    assert await it.hear() == f"{FAILED} ValueError: it is broken\n"


async def test_it_does_what_it_is_told_and_not_what_it_does_not_know() -> None:
    async with running(Root()) as it:
        await it.hear()
        it.tell(f"{RECOVER}\nsomething newer\n{CLOSE_TABS}")
        it.supervisor.send(RECOVER[:3].encode())
        await asyncio.sleep(0.05)
        it.tell(RECOVER[3:])
        await until(lambda: len(it.root.told) == 3)
        assert sorted(it.root.told) == [CLOSE_TABS, RECOVER, RECOVER]


async def test_it_goes_on_when_the_supervisor_hangs_up() -> None:
    async with running(Root()) as it:
        await it.hear()
        it.supervisor.shutdown(socket.SHUT_RDWR)
        it.root.let.set()
        assert await ask(it.address) == "whole"


@pytest.mark.parametrize("shared", [False, True])
def test_a_burst_of_callers_is_taken_in_a_few_turns_of_the_loop(shared: bool) -> None:
    async def burst() -> int:
        """The number of turns."""
        turns = 0
        async with running(Root(), shared) as it:
            await it.hear()
            callers = [socket.create_connection(it.listener.getsockname()) for _ in range(64)]
            while len(it.server.server_state.connections) < 64:
                turns += 1
                await asyncio.sleep(0)
            for caller in callers:
                caller.close()
        return turns

    assert uvloop.run(burst()) < 32


class Watched(socket.socket):
    """Tells who makes it block; its copies do too."""

    blocked = False

    def settimeout(self, value: float | None) -> None:
        Watched.blocked |= value is None
        super().settimeout(value)

    def setblocking(self, flag: bool) -> None:
        Watched.blocked |= flag
        super().setblocking(flag)


async def test_it_never_blocks_the_socket_that_the_worker_before_it_still_listens_on() -> None:
    it = Running(Root(), shared=False, patience=30)
    it.listener = Watched(fileno=it.listener.detach())
    task = asyncio.create_task(it.serve())
    assert await it.hear() == READY + "\n"
    it.server.should_exit = True
    await task
    it.supervisor.close()
    assert not Watched.blocked
