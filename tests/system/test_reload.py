"""A rolling restart while people call: nobody notices."""

from __future__ import annotations

import asyncio
import json

import pytest

from openopen8.core.models import Hold
from tests.fakes.upstream import Exchange, by_turns, chunk, whole
from tests.server.processes import Server, command, until
from tests.system.crowd import Crowd, crowd
from tests.system.installation import Installation


async def two_seconds(exchange: Exchange) -> None:
    """A stream of 40 pieces."""
    await exchange.begin()
    for _ in range(40):
        await exchange.event(chunk({"content": "word "}))
        await asyncio.sleep(0.05)
    await exchange.event(chunk({}, "stop"))
    await exchange.event(b"[DONE]")
    await exchange.end()


async def reload(server: Server) -> dict[str, object]:
    done = await asyncio.to_thread(command, server, "reload", "--json")
    assert done.returncode == 0, done.stderr + server.text
    told: dict[str, object] = json.loads(done.stdout)
    return told


def check(installation: Installation, callers: Crowd) -> None:
    """Each answer is in the log, charged; nothing else is."""
    assert callers.wrong == []
    log = {entry.request_id: entry for entry in installation.world.log()}
    assert log.keys() == callers.answered.keys()
    assert all(entry.error == "" and entry.credits > 0 for entry in log.values())
    assert not installation.world.all(Hold)
    installation.world.audit()


@pytest.mark.parametrize("workers", [1, 3])
async def test_reloads_under_load_refuse_nobody_cut_nothing_and_leave_nothing_uncharged(
    sqlite_installation: Installation, workers: int
) -> None:
    await reloads_under_load(sqlite_installation, workers, times=1)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
async def test_many_reloads_under_load_do_so_on_each_database(installation: Installation, workers: int) -> None:
    await reloads_under_load(installation, workers, times=3)


async def reloads_under_load(installation: Installation, workers: int, times: int) -> None:
    installation.fake.script(by_turns(two_seconds, whole()))
    _, value = installation.token()
    with installation.serve(workers) as server:
        address = server.address
        async with crowd(address, value, kept=20, new=8, streams=12, pause=0.05) as callers:
            await asyncio.sleep(1)
            for _ in range(times):
                before = set(server.part("relay"))
                assert (await reload(server))["workers"] == workers
                await asyncio.to_thread(until, lambda before=before: not before & set(server.part("relay")))
        check(installation, callers)
        assert server.end() == 0
    assert "Traceback" not in server.text
