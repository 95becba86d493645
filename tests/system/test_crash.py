"""Kill -9 under load: afterwards every complete answer is charged once, streams to within their last second."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from openopen8.core.models import Hold
from tests.fakes.upstream import USAGE, Exchange, chunk, whole
from tests.server.processes import Server, until
from tests.system.installation import Heard, Installation, calling

MANY = 50
PIECE = "four words and more "
PIECES_A_SECOND = 50


async def endless(exchange: Exchange) -> None:
    """A stream that goes on until somebody hangs up; a whole answer for those who asked for one."""
    if not exchange.received.json["stream"]:
        return await whole()(exchange)
    await exchange.begin()
    for _ in range(60 * PIECES_A_SECOND):
        await exchange.event(chunk({"content": PIECE}))
        await asyncio.sleep(1 / PIECES_A_SECOND)
    await exchange.end()


async def under_fire(
    installation: Installation, server: Server, value: str, fire: Callable[[], Awaitable[None]]
) -> tuple[list[Heard], list[Heard]]:
    """50 streams and always up to 50 whole requests, until ``fire`` is over; what those heard that it hit."""
    over = asyncio.Event()

    async def again(ask: Callable[[], Awaitable[Heard]]) -> list[Heard]:
        heard = []
        while not over.is_set():
            heard.append(await ask())
            if not heard[-1].complete:
                break
        return heard

    async with calling(server.address, value) as caller:
        streams = [asyncio.create_task(caller.chat(stream=True)) for _ in range(MANY)]
        await asyncio.to_thread(until, lambda: _progressed(installation) == MANY, lambda: server.text)
        wholes = [asyncio.create_task(again(caller.chat)) for _ in range(MANY)]
        await asyncio.sleep(1.5)
        await fire()
        over.set()
        answered = [heard for part in await asyncio.gather(*wholes) for heard in part]
        heard = [h for h in await asyncio.gather(*streams, return_exceptions=True) if isinstance(h, Heard)]
        return heard, answered


def _progressed(installation: Installation) -> int:
    return sum(hold.progress is not None for hold in installation.world.all(Hold))


def check(installation: Installation, streams: list[Heard], wholes: list[Heard], left: list[Hold]) -> None:
    """The books against what callers hold; ``left``: the holds as they stood when the server was dead."""
    log: dict[str, Any] = {}
    for entry in installation.world.log():
        assert entry.request_id not in log, "logged twice"
        log[entry.request_id] = entry
    cost = USAGE["prompt_tokens"] * 5 + USAGE["completion_tokens"] * 15
    for heard in wholes:
        if heard.status == 200 and heard.complete:
            assert (log[heard.request_id].credits, log[heard.request_id].error) == (cost, "")
    for heard in streams:
        entry = log[heard.request_id]
        assert entry.error.startswith("interrupted") and heard.text
        assert entry.output_tokens > 0 and entry.credits == entry.input_tokens * 5 + entry.output_tokens * 15
    for hold in left:
        # to the last word that the ledger was told, which it is once a second
        told = hold.progress["counts"]["output"] if hold.progress else 0
        assert log[hold.request_id].output_tokens == told
    assert not installation.world.all(Hold)
    installation.world.audit()


async def test_the_whole_server_is_killed(installation: Installation) -> None:
    installation.fake.script(endless)
    _, value = installation.token()

    with installation.serve(workers=2) as server:

        async def kill() -> None:
            server.end(signal.SIGKILL)
            await asyncio.to_thread(until, lambda: server.family() == [])

        streams, wholes = await under_fire(installation, server, value, kill)
    assert len(streams) == MANY and not any(heard.complete for heard in streams)
    assert any(heard.complete for heard in wholes)
    left = installation.world.all(Hold)
    assert len(left) >= MANY
    with installation.serve() as again:
        assert again.address
        check(installation, streams, wholes, left)


@pytest.mark.slow
async def test_whatever_the_moment_of_the_kill_the_books_are_right(installation: Installation) -> None:
    installation.fake.script(endless)
    _, value = installation.token()
    chance, wholes = random.Random(8), []
    for _ in range(8):
        with installation.serve(workers=3) as server:
            async with calling(server.address, value) as caller:
                running = [asyncio.create_task(caller.chat(stream=n % 2 == 0)) for n in range(60)]
                await asyncio.sleep(chance.uniform(0, 2.5))
                server.end(signal.SIGKILL)
                await asyncio.to_thread(until, lambda server=server: server.family() == [])
                wholes += [heard for n, heard in enumerate(await asyncio.gather(*running)) if n % 2]
    with installation.serve() as again:
        assert again.address
        check(installation, [], wholes, [])
