"""Uploads through the real server: the file arrives whole, and the server does not grow by it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest

from tests.fakes.upstream import Exchange, status
from tests.system.installation import Installation

SIZE, AT_ONCE = 16 * 1024 * 1024, 3
BYTES = bytes(range(256)) * (SIZE // 256)
_ROW = {"custom_id": "r", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m", "input": "x" * 16_000}}
ROWS = json.dumps(_ROW, separators=(",", ":")).encode() + b"\n"

Use = tuple[Callable[[openai.AsyncOpenAI], Awaitable[Any]], dict[str, str], bytes]
"""What a client does, what its provider answers, and what of the file the provider must have got."""

USES: dict[str, Use] = {
    "sound": (
        lambda client: client.audio.transcriptions.create(model="m", file=("a.pcm", BYTES)),
        {"text": "Hello."},
        b"\r\n\r\n" + BYTES + b"\r\n--",
    ),
    "requests": (
        lambda client: client.files.create(file=("a.jsonl", ROWS * (SIZE // len(ROWS))), purpose="batch"),
        {"id": "file-"},
        b"\r\n\r\n" + ROWS * (SIZE // len(ROWS)) + b"\r\n--",
    ),
    "picture": (
        lambda client: client.videos.create(
            model="m",  # type: ignore[arg-type]
            prompt="a cat",
            input_reference=("a.png", BYTES, "image/png"),
        ),
        {"id": "video-", "status": "queued"},
        b'"data:image/png;base64,' + base64.b64encode(BYTES) + b'"',
    ),
}


@pytest.mark.parametrize("use", USES)
async def test_uploads_at_once_do_not_lie_in_memory(sqlite_installation: Installation, use: str) -> None:
    do, answer, content = USES[use]

    async def script(exchange: Exchange) -> None:
        await exchange.gate()
        number = house.fake.chats.index(exchange.received)
        named = {name: text + str(number) if name == "id" else text for name, text in answer.items()}
        await status(200, named)(exchange)

    house = sqlite_installation
    house.world.price("m", "5", "15", units={"seconds": "10"}, valid_from=1)
    house.world.channel(house.fake.url, name="openai", type="openai", priority=9)
    house.fake.script(script)
    _, key = house.token()
    with house.serve() as server:
        async with openai.AsyncOpenAI(api_key=key, base_url=f"{server.address}/v1", max_retries=0) as client:
            before = sum(process.memory_info().rss for process in server.family())
            asked = [asyncio.ensure_future(do(client)) for _ in range(AT_ONCE)]
            while len(house.fake.chats) < AT_ONCE:
                assert not any(task.done() for task in asked), [task.exception() for task in asked if task.done()]
                await asyncio.sleep(0.05)
            grown = sum(process.memory_info().rss for process in server.family()) - before
            house.fake.let(AT_ONCE)
            assert len(await asyncio.gather(*asked)) == AT_ONCE
    assert grown < SIZE, "three of them, and not even one in memory"
    assert all(content in sent.body for sent in house.fake.chats)
    assert {entry.status for entry in house.world.log()} == {200}
    house.world.audit()
