"""Whatever happens to requests, the books are right: random days, growing holds, killed workers."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openopen8.core.models import Hold, LogEntry, TokenCounter
from openopen8.core.services.ledger import Ledger
from openopen8.core.tools import Tools
from tests.conftest import SECRET
from tests.fakes import upstream as fakes
from tests.fakes.upstream import FakeUpstream, as_asked, streamed, whole
from tests.relay.driving import question
from tests.relay.house import Build, House
from tests.world import World

SCRIPTS: list[fakes.Script] = [
    as_asked(),
    as_asked("one two three", usage=None),
    whole(usage={"prompt_tokens": 5, "completion_tokens": -3, "prompt_tokens_details": {"cached_tokens": 99}}),
    fakes.status(500),
    fakes.status(400),
    fakes.status(429),
    fakes.cut_at_once(),
    fakes.cut_whole(),
    fakes.garbage(),
    fakes.error_inside(),
    fakes.error_inside("some", "text"),
    streamed("a", finish=None, done=False, then="cut"),
    streamed("a", done=False),
]
REQUEST = st.tuples(
    st.integers(0, len(SCRIPTS) - 1),
    st.booleans(),
    st.sampled_from([None, None, None, 1, 2, 3]),
    st.sampled_from([None, None, 0.0, 0.002, 0.01]),
    st.sampled_from(["/v1/chat/completions", "/v1/messages"]),
    st.sampled_from([None, 1, 100]),
)


async def test_random_days_of_requests_failures_and_disconnects_leave_the_books_right(build: Build) -> None:
    house = await build(balance=5_000_000)
    for priority in (0, -1):
        house.world.channel(house.fake.url, priority=priority)
    caller = house.other_caller(quota=3_000_000)
    days: list[list[Any]] = []

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(REQUEST, min_size=1, max_size=12))
    def collect(day: list[Any]) -> None:
        days.append(day)

    collect()
    for day in days:
        house.fake.script(*(SCRIPTS[row[0]] for row in day), as_asked())

        async def one(
            _script: int, stream: bool, break_at: int | None, leave: float | None, path: str, most: Any
        ) -> None:
            more = {"max_tokens": most or 50} if most or path == "/v1/messages" else {}
            talk = caller.open(path, question(stream, **more), break_at=break_at)
            if leave is not None:
                await asyncio.sleep(leave)
                talk.leave()
            await talk.end()

        await asyncio.gather(*(one(*row) for row in day))
        await house.calm()
        house.clock.advance(61_000)
        house.settled()
    assert len(house.world.log()) == sum(len(day) for day in days)


async def test_a_streams_growing_hold_shuts_the_door_on_later_requests(house: House) -> None:
    long = "many words " * 2_000
    house.fake.script(streamed(long, " end", gated=True, usage=None), whole())
    token_id, key = house.world.token(house.user, quota=40_000)
    caller = type(house.caller)(house.relay, key)
    talk = caller.stream()
    await talk.until(b"assistant")
    before = house.world.all(Hold)[0].amount
    house.fake.let()
    while (hold := house.world.all(Hold)[0]).amount == before:
        await asyncio.sleep(0.05)
    assert hold.amount > 40_000 and hold.progress is not None
    refused = await caller.chat()
    assert (refused.status, refused.json["error"]["code"]) == (403, "insufficient_token_quota")
    house.fake.let()
    await talk.end()
    assert house.world.one(TokenCounter, token_id).used == house.world.log()[-1].credits > 40_000
    assert (await caller.chat()).json["error"]["code"] == "token_quota_exhausted"
    house.settled()


async def test_nothing_secret_is_logged_or_told(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Planted: the token, the provider's key, the provider's address, a query string, the prompt."""
    caplog.set_level(logging.DEBUG, logger="openopen8")
    told = ""
    for script in SCRIPTS:
        for stream in (False, True):
            house.fake.script(script)
            house.clock.advance(61_000)
            body = question(stream, user="planted-user")
            reply = await house.caller.post(body=body, query=f"key={house.key}&planted=query")
            told += reply.body.decode() + json.dumps(reply.headers)
    written = caplog.text + "".join(repr(entry) + str(entry.details) for entry in house.world.all(LogEntry))
    for secret in (house.key, "upstream-key", "planted=query"):
        assert secret not in told and secret not in written
    assert house.fake.url not in told and str(house.fake.port) not in told


# -- a worker that is killed ---------------------------------------------------------------------------

WORKER = """
import asyncio, sys, uvicorn
from openopen8.core.config import Settings
from openopen8.core.tools import open_tools
from relay.app import Relay
from pathlib import Path

async def main():
    folder, database, secret = sys.argv[1:]
    tools = open_tools(Settings(_env_file=None, data_dir=Path(folder), database_url=database, secret_key=secret))
    relay = Relay(tools)
    await relay.start()
    server = uvicorn.Server(uvicorn.Config(relay, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await task

asyncio.run(main())
"""


class Killed:
    """A worker in a process of its own, to be killed."""

    def __init__(self, tools: Tools) -> None:
        database = tools.settings.database
        arguments = [sys.executable, "-c", WORKER, str(tools.settings.data_dir), database, SECRET]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as made:
        yield made


async def test_a_killed_worker_leaves_no_hold_and_no_request_unlogged(tools: Tools, client: httpx.AsyncClient) -> None:
    """50 streams and 50 whole requests; -9 in the middle; the next start settles them."""
    world = World(tools)
    user = world.user(balance=10**9)
    _, key = world.token(user)
    complete: list[bytes] = []
    with FakeUpstream(fakes.by_turns(streamed("one", " two", gated=True), whole(gated=True))) as fake:
        world.channel(fake.url)
        world.price()
        worker = await asyncio.to_thread(Killed, tools)
        headers = {"authorization": f"Bearer {key}"}

        async def ask(stream: bool) -> None:
            url = worker.url + "/v1/chat/completions"
            try:
                async with client.stream("POST", url, json=question(stream), headers=headers) as answer:
                    body = await answer.aread()
                    if answer.status_code == 200:
                        complete.append(body)
            except httpx.HTTPError:
                pass

        tasks = [asyncio.create_task(ask(n % 2 == 0)) for n in range(100)]
        while len(fake.chats) < 100:
            await asyncio.sleep(0.02)
        fake.let(60)
        while len(complete) < 5:
            await asyncio.sleep(0.01)
        worker.kill()
        await asyncio.gather(*tasks)
    assert world.all(Hold) != []
    ledger = await Ledger.open(tools)
    await ledger.close()
    entries = world.log()
    assert world.all(Hold) == [] and len(entries) == 100
    charged = [entry for entry in entries if entry.credits > 0 and entry.status == 200]
    assert len(charged) >= len([body for body in complete if b"[DONE]" in body or b'"usage"' in body])
    world.audit()
