"""Any client speaks to any provider: official SDKs of four formats, channels of four formats, whole and streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from tests.fakes.vendors import ANSWER, MODELS, VENDORS
from tests.relay.callers import CALLERS
from tests.relay.house import Build, House


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """The relay on a real socket."""
    config = uvicorn.Config(house.relay, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task



async def built(build: Build, kind: str) -> House:
    house = await build(channel={"type": kind, "model_mapping": {"m": MODELS[kind]}})
    house.fake.script(VENDORS[kind]())
    return house


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", list(VENDORS))
@pytest.mark.parametrize("caller", list(CALLERS))
async def test_every_client_gets_the_answer_of_every_provider(
    build: Build, caller: str, kind: str, stream: bool
) -> None:
    house = await built(build, kind)
    async with served(house) as address:
        text, tokens = await CALLERS[caller](address, house.key, stream, False)
    assert text == ANSWER and tokens == (1000, 500)
    entry = house.entry()
    assert (entry.input_tokens, entry.output_tokens, entry.credits) == (1000, 500, 12_500)
    assert entry.upstream_model == MODELS[kind] and entry.stream == stream
    house.settled()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", list(VENDORS))
@pytest.mark.parametrize("caller", list(CALLERS))
async def test_a_tools_loop_brings_every_provider_its_ids_and_signatures_back(
    build: Build, caller: str, kind: str, stream: bool
) -> None:
    house = await built(build, kind)
    async with served(house) as address:
        text, _ = await CALLERS[caller](address, house.key, stream, True)
    assert text == ANSWER and len(house.fake.chats) == 2
    assert [entry.status for entry in house.world.log()] == [200, 200]
    house.settled()
