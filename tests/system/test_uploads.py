"""Uploads through the real server: the file arrives whole, and the server does not grow by it."""

from __future__ import annotations

import asyncio

import openai

from tests.fakes.upstream import Exchange, status
from tests.system.installation import Installation

SIZE, AT_ONCE = 16 * 1024 * 1024, 3


async def test_uploads_at_once_do_not_lie_in_memory(sqlite_installation: Installation) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.gate()
        await status(200, {"text": "Hello."})(exchange)

    house = sqlite_installation
    house.fake.script(script)
    _, key = house.token()
    sound = bytes(range(256)) * (SIZE // 256)
    with house.serve() as server:
        async with openai.AsyncOpenAI(api_key=key, base_url=f"{server.address}/v1", max_retries=0) as client:

            async def heard() -> str:
                answer = await client.audio.transcriptions.create(model="m", file=("a.pcm", sound))
                return answer.text

            before = sum(process.memory_info().rss for process in server.family())
            asked = [asyncio.create_task(heard()) for _ in range(AT_ONCE)]
            while len(house.fake.chats) < AT_ONCE:
                assert not any(task.done() for task in asked)
                await asyncio.sleep(0.05)
            grown = sum(process.memory_info().rss for process in server.family()) - before
            house.fake.let(AT_ONCE)
            assert await asyncio.gather(*asked) == ["Hello."] * AT_ONCE
    assert grown < SIZE, "three of them, and not even one in memory"
    assert all(b"\r\n\r\n" + sound + b"\r\n--" in sent.body for sent in house.fake.chats)
    assert {entry.status for entry in house.world.log()} == {200}
    house.world.audit()
