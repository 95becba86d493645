"""What a call to a provider costs, without the rest of the gateway: ``python -m tests.bench.upstream [SECONDS]``.

The provider is the mock in a process of its own; counted is the CPU time of this process. ``bare`` is a protocol that
writes ready bytes and waits for as many as it expects: what loop, kernel and sockets cost at least.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from openopen8.core.config import Settings
from relay.upstream import Failure, FastUpstream, HttpxUpstream, Outgoing, Template, Upstream
from tests.bench import mock, servers

ROUNDS = 3
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json",
    "user-agent": "openopen8/bench",
    "authorization": "Bearer sk-" + "x" * 48,
}

Ask = Callable[[], Awaitable[int]]
"""One request; returns the number of reads that brought its body."""


class Listener:
    """Counts the pieces of a stream."""

    def __init__(self) -> None:
        self.pieces = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data(self, data: bytes) -> None:
        self.pieces += 1

    def end(self, failure: Failure | None) -> None:
        assert failure is None
        self.over.set_result(None)


def whole(upstream: Upstream, template: Template, body: bytes) -> Ask:
    async def ask() -> int:
        answer = await upstream.send(Outgoing(template, body))
        assert len(await answer.read(1_000_000)) > 1000 and answer.status == 200
        answer.close()
        return 1

    return ask


def streamed(upstream: Upstream, template: Template, body: bytes) -> Ask:
    async def ask() -> int:
        answer = await upstream.send(Outgoing(template, body))
        listener = Listener()
        answer.flow(listener)
        await listener.over
        answer.close()
        return listener.pieces

    return ask


class Bare(asyncio.Protocol):
    """One connection that knows how many bytes will come."""

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        self.missing = 0

    def ask(self, request: bytes) -> asyncio.Future[None]:
        self.missing = len(mock.WHOLE)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.done

    def data_received(self, data: bytes) -> None:
        self.missing -= len(data)
        if self.missing == 0:
            self.done.set_result(None)


def bare(port: int, template: Template, body: bytes) -> Ask:
    idle: list[Bare] = []
    request = b"%bcontent-length: %d\r\n\r\n%b" % (template.head, len(body), body)

    async def ask() -> int:
        loop = asyncio.get_running_loop()
        one = idle.pop() if idle else (await loop.create_connection(Bare, "127.0.0.1", port))[1]
        await one.ask(request)
        idle.append(one)
        return 1

    return ask


async def measured(ask: Ask, at_once: int, seconds: float) -> tuple[float, float, float, float]:
    """User and system µs per request, requests a second, reads per request."""
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(ask() for _ in range(at_once)))
    requests = reads = 0
    start, before = loop.time(), resource.getrusage(resource.RUSAGE_SELF)

    async def one() -> None:
        nonlocal requests, reads
        while loop.time() < start + seconds:
            number = await ask()
            reads += number
            requests += 1

    await asyncio.gather(*(one() for _ in range(at_once)))
    after, took = resource.getrusage(resource.RUSAGE_SELF), loop.time() - start
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return user / requests * 1e6, system / requests * 1e6, requests / took, reads / requests


async def compare(port: int, seconds: float) -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    template = Template.make(f"http://127.0.0.1:{port}/v1/chat/completions", HEADERS)
    small = json.dumps({"model": "bench", "messages": [{"role": "user", "content": "x" * 900}]}).encode()
    large = json.dumps({"model": "bench", "messages": [{"role": "user", "content": "x" * 100_000}]}).encode()
    stream = b'{"model": "bench", "stream": true}'
    paced = b'{"model": "paced", "stream": true}'
    fast, slow = FastUpstream(settings), HttpxUpstream(settings)
    rows: list[tuple[str, Ask, int]] = []
    for at_once in (1, 32):
        rows.append((f"bare, 1 kB, {at_once}", bare(port, template, small), at_once))
        rows.append((f"fast, 1 kB, {at_once}", whole(fast, template, small), at_once))
        rows.append((f"httpx, 1 kB, {at_once}", whole(slow, template, small), at_once))
    rows.append(("bare, 100 kB, 32", bare(port, template, large), 32))
    for name, upstream in (("fast", fast), ("httpx", slow)):
        rows.append((f"{name}, 100 kB, 32", whole(upstream, template, large), 32))
        rows.append((f"{name}, stream of 100 at once, 64", streamed(upstream, template, stream), 64))
        rows.append((f"{name}, stream of 100 each 20 ms, 64", streamed(upstream, template, paced), 64))
    print(f"{'':36}{'user µs':>9}{'system':>9}{'in all':>9}{'per read':>10}{'rps':>9}")
    for name, ask, at_once in rows:
        found = [await measured(ask, at_once, seconds) for _ in range(ROUNDS)]
        user, system, rate, reads = (statistics.median(one) for one in zip(*found, strict=True))
        print(f"{name:36}{user:9.1f}{system:9.1f}{user + system:9.1f}{(user + system) / reads:10.1f}{rate:9.0f}")
    await fast.close()
    await slow.close()


if __name__ == "__main__":
    import uvloop

    with servers.mock() as server:
        uvloop.run(compare(server.port, float(sys.argv[1]) if len(sys.argv) > 1 else 2.0))
