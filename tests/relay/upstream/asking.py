"""What tests of the clients share: one question, and somebody who listens to an answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relay.upstream import Answer, Body, Failure, Outgoing, Template, Upstream

HEADERS = {"Authorization": "Bearer provider-key", "Content-Type": "application/json"}


def question(url: str, body: bytes | Body = b'{"a": 1}', method: str = "POST", **more: Any) -> Outgoing:
    return Outgoing(Template.make(f"{url}/v1/chat", HEADERS, method, **more), body)


async def ask(upstream: Upstream, url: str, body: bytes | Body = b'{"a": 1}', **more: Any) -> tuple[int, bytes]:
    """Status and body of a whole answer."""
    answer = await upstream.send(question(url, body, **more))
    try:
        return answer.status, await answer.read(2**24)
    finally:
        answer.close()


async def failing(upstream: Upstream, url: str, body: bytes | Body = b'{"a": 1}', **more: Any) -> Failure:
    """The failure that a question comes to, sooner or later."""
    with pytest.raises(Failure) as raised:
        await asyncio.wait_for(ask(upstream, url, body, **more), 10)
    return raised.value


class Ear:
    """A sink that keeps what it hears. ``on_data`` is called with each piece."""

    def __init__(self, answer: Answer | None = None, on_data: Any = None) -> None:
        self.pieces: list[bytes] = []
        self.ends: list[Failure | None] = []
        self.on_data = on_data
        self._news = asyncio.Event()
        if answer is not None:
            answer.flow(self)

    @property
    def heard(self) -> bytes:
        return b"".join(self.pieces)

    def data(self, data: bytes) -> None:
        assert data and not self.ends
        self.pieces.append(data)
        self._news.set()
        if self.on_data is not None:
            self.on_data(data)

    def end(self, failure: Failure | None) -> None:
        self.ends.append(failure)
        self._news.set()

    async def until(self, size: int) -> None:
        """Until so many bytes have come."""
        async with asyncio.timeout(10):
            while sum(map(len, self.pieces)) < size:
                self._news.clear()
                await self._news.wait()

    async def over(self) -> Failure | None:
        """The end's failure, when it has come."""
        async with asyncio.timeout(10):
            while not self.ends:
                self._news.clear()
                await self._news.wait()
        assert len(self.ends) == 1
        return self.ends[0]
