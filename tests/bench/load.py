"""A small load generator: keep-alive connections that ask again as soon as they have their answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httptools


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask, of whom, how many at once and for how long."""

    port: int
    request: bytes
    connections: int
    seconds: float
    rate: float = 0
    """Requests a second in all; 0 = as fast as answers come."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it; times in ms."""

    answers: int
    failures: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


class Caller(asyncio.Protocol):
    """One connection; ``done`` holds the waiting for the current answer."""

    def __init__(self) -> None:
        self.done: asyncio.Future[int] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport

    def ask(self, request: bytes) -> asyncio.Future[int]:
        self.parser = httptools.HttpResponseParser(self)
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.done

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_result(self.parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done is not None and not self.done.done():
            self.done.set_result(0)


def request_bytes(path: str, body: bytes, token: str) -> bytes:
    """One POST as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def run_load(load: Load) -> Figures:
    """Run ``load`` and say what came of it."""
    loop = asyncio.get_running_loop()
    times: list[float] = []
    failures = 0
    start = time.perf_counter()
    end = start + load.seconds
    pause = load.connections / load.rate if load.rate else 0.0

    async def one(number: int) -> None:
        nonlocal failures
        _, caller = await loop.create_connection(Caller, "127.0.0.1", load.port)
        turn = start + pause * number / load.connections
        while (now := time.perf_counter()) < end:
            if pause:
                turn += pause
                if turn > now:
                    await asyncio.sleep(turn - now)
            began = time.perf_counter()
            status = await caller.ask(load.request)
            if status == 200:
                times.append(time.perf_counter() - began)
            else:
                failures += 1
                if status == 0:
                    _, caller = await loop.create_connection(Caller, "127.0.0.1", load.port)
        caller.transport.close()

    await asyncio.gather(*(one(number) for number in range(load.connections)))
    took = time.perf_counter() - start
    times.sort()
    return Figures(len(times), failures, took, _at(times, 0.5), _at(times, 0.99))


def _at(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)] * 1000 if times else 0.0
