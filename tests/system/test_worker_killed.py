"""Kill -9 of one relay worker of three under load: the others go on, and nothing that it held is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import psutil

from openopen8.core.models import Hold, Worker
from openopen8.core.services.ledger.rows import LAST_BITS
from tests.fakes.upstream import USAGE, Exchange, by_turns, chunk, whole
from tests.server.processes import Server, until
from tests.system.crowd import Crowd, crowd
from tests.system.installation import Installation

COST = USAGE["prompt_tokens"] * 5 + USAGE["completion_tokens"] * 15


async def four_seconds(exchange: Exchange) -> None:
    """A stream of 80 pieces, with the provider's own count at its end."""
    await exchange.begin()
    for _ in range(80):
        await exchange.event(chunk({"content": "four words and more "}))
        await asyncio.sleep(0.05)
    await exchange.event(chunk({}, "stop"))
    await exchange.event({**chunk({}), "choices": [], "usage": USAGE})
    await exchange.event(b"[DONE]")
    await exchange.end()


def stop_and_look(pid: int, address: str) -> set[int]:
    """Freeze a worker, so that it takes nothing any more; the ports of the callers that it has."""
    os.kill(pid, signal.SIGSTOP)
    process, port = psutil.Process(pid), int(address.rpartition(":")[2])
    until(lambda: process.status() == psutil.STATUS_STOPPED)
    found = process.net_connections("tcp")
    return {c.raddr.port for c in found if c.raddr and c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED}


def held_by(installation: Installation, pid: int, streaming: bool = False) -> list[str]:
    """The requests that a worker holds credits for; only those of which a part is written down already."""
    ids = {worker.id for worker in installation.world.all(Worker) if worker.pid == pid}
    holds = [hold for hold in installation.world.all(Hold) if hold.id >> LAST_BITS in ids]
    return [hold.request_id for hold in holds if hold.progress is not None or not streaming]


def busiest(installation: Installation, server: Server) -> int:
    """The worker that has the most streams under way; there may be one with none on a machine that is busy itself."""

    def streams(pid: int) -> int:
        return len(held_by(installation, pid, streaming=True))

    until(lambda: any(streams(pid) for pid in server.part("relay")))
    return max(server.part("relay"), key=streams)


async def kill_one(installation: Installation, server: Server) -> tuple[set[int], list[str]]:
    """What the killed worker had: its callers' ports, and the requests that it held credits for."""
    killed = await asyncio.to_thread(busiest, installation, server)
    hit = await asyncio.to_thread(stop_and_look, killed, server.address)
    held = held_by(installation, killed)
    began = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    await asyncio.to_thread(until, lambda: not held_by(installation, killed), lambda: server.text)
    print(f"{len(held)} holds settled after {time.monotonic() - began:.2f} s")
    await asyncio.to_thread(until, lambda: len(server.part("relay")) == 3 and killed not in server.part("relay"))
    return hit, held


async def test_the_others_go_on_and_nothing_is_lost(installation: Installation) -> None:
    installation.fake.script(by_turns(four_seconds, whole()))
    _, value = installation.token()
    with installation.serve(workers=3) as server:
        assert server.address
        await asyncio.to_thread(until, lambda: len(server.part("relay")) == 3)
        async with crowd(server.address, value, kept=18, new=6, streams=24, pause=0.1) as callers:
            await asyncio.sleep(3)
            hit, held = await kill_one(installation, server)
            await asyncio.sleep(2)
        check(installation, callers, hit, held)


def check(installation: Installation, callers: Crowd, hit: set[int], held: list[str]) -> None:
    assert hit and held
    assert {wrong.port for wrong in callers.wrong} <= hit, callers.wrong
    log = {entry.request_id: entry for entry in installation.world.log()}
    assert len(log) == len(installation.world.log()), "logged twice"
    for id in callers.answered:
        assert (log[id].credits, log[id].error) == (COST, "")
    for id in held:
        entry = log[id]
        assert id not in callers.answered
        assert entry.error.startswith("interrupted") or entry.credits == COST  # its commit was on the way
        assert entry.credits == entry.input_tokens * 5 + entry.output_tokens * 15
    assert any(log[id].output_tokens for id in held), "streams are charged to their last second"
    # the rest was charged by the worker that died, just before it could answer
    rest = log.keys() - callers.answered.keys() - set(held)
    assert all(log[id].credits == COST for id in rest) and len(rest) + len(held) <= len(hit)
    assert not installation.world.all(Hold)
    installation.world.audit()
