"""500 requests at once, each with a token that the server has never seen: none fails, none is lost, nothing swells.

Lessons L16, L17, N16 and N18: pools that run out, log rows that a queue drops, memory and connections that climb.
"""

from __future__ import annotations

import asyncio

import psutil
import psycopg

from openopen8.core.db import postgres_dsn
from openopen8.core.models import TokenCounter
from tests.fakes.upstream import USAGE, whole
from tests.server.processes import Server
from tests.system.crowd import Crowd
from tests.system.installation import Installation

AT_ONCE = 500
COST = USAGE["prompt_tokens"] * 5 + USAGE["completion_tokens"] * 15
LARGEST_AT_REST = 230
"""MB of a relay worker that has served nothing; 64 of them are the tokenizer's vocabulary."""
MOST_CONNECTIONS = 16
"""To PostgreSQL: a worker's own and its pool's, the supervisor's, and this test's."""


async def one(address: str, value: str) -> Crowd:
    """A caller with a connection of its own."""
    caller = Crowd(address, value)
    connection = await caller.connect()
    if connection is not None:
        await caller.ask(connection)
        connection.transport.close()
    return caller


def relay_megabytes(server: Server) -> float:
    (relay,) = server.part("relay")
    return psutil.Process(relay).memory_info().rss / 1e6


def connections(installation: Installation) -> int:
    if installation.tools.db.is_sqlite:
        return 0
    with psycopg.connect(postgres_dsn(installation.tools.settings.database)) as session:
        row = session.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").fetchone()
    return int(row[0]) if row else 0


async def test_five_hundred_cold_tokens_at_once(installation: Installation) -> None:
    installation.fake.script(whole(usage=USAGE))
    tokens = dict(installation.token(quota=1_000_000) for _ in range(AT_ONCE))
    with installation.serve() as server:
        address = server.address
        assert relay_megabytes(server) < LARGEST_AT_REST
        storm = asyncio.gather(*(one(address, value) for value in tokens.values()))
        most = 0
        while not storm.done():
            most = max(most, await asyncio.to_thread(connections, installation))
            await asyncio.sleep(0.1)
        callers = await storm
    assert [wrong for caller in callers for wrong in caller.wrong] == []
    assert most <= MOST_CONNECTIONS
    charged = {entry.request_id: entry.credits for entry in installation.world.log()}
    assert charged == {id: COST for caller in callers for id in caller.answered}
    assert len(charged) == AT_ONCE
    assert {installation.world.one(TokenCounter, id).used for id in tokens} == {COST}
    installation.world.audit()
