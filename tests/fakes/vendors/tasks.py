"""What providers of videos share: tasks that go on until the test says how they end, and videos to fetch."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange import Exchange, Received
from tests.fakes.vendors.play import Refused, need, whole

VIDEO = bytes(range(256)) * 40
"""The bytes of every video."""


@dataclass
class Made:
    """A task at a provider."""

    id: str
    body: dict[str, Any]
    path: str
    state: str = "queued"
    """``queued``, ``running``, ``succeeded`` or ``failed``."""


@dataclass
class Studio:
    """A provider of videos, as a script: ``house.fake.script(studio)``."""

    answering: Callable[[Studio, Received], Any]
    """Checks a request; the JSON to answer, or bytes of a video. Raises Refused."""
    refusal: Callable[[Refused], Any]
    made: dict[str, Made] = field(default_factory=dict)
    looks: int = 0
    url: str = ""
    """Of the fake: where it serves the videos."""
    fault: int = 0
    """A status that everything is answered with instead."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def __call__(self, exchange: Exchange) -> None:
        received = exchange.received
        try:
            need(not self.fault, "out of order", self.fault or 500)
            answer = self.answering(self, received)
        except Refused as refused:
            await whole(exchange, refused.status, json.dumps(self.refusal(refused)).encode())
            return
        if isinstance(answer, bytes):
            await _bytes(exchange, answer)
        else:
            await whole(exchange, 200, json.dumps(answer).encode())

    def make(self, received: Received, body: dict[str, Any], prefix: str = "vendor-") -> Made:
        """A new task."""
        made = Made(f"{prefix}{next(self._numbers)}", body, received.path)
        self.made[made.id] = made
        return made

    def look(self, id: str) -> Made:
        """The task that is asked after; 404 when there is none."""
        self.looks += 1
        need(id in self.made, f"task {id} not found", 404)
        return self.made[id]

    @property
    def last(self) -> Made:
        return list(self.made.values())[-1]

    def end(self, state: str = "succeeded") -> None:
        """All tasks end so."""
        for made in self.made.values():
            made.state = state


async def _bytes(exchange: Exchange, content: bytes) -> None:
    """A video, or the part of it that the request names."""
    wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", exchange.received.headers.get("range", ""))
    headers = {"content-type": "video/mp4", "accept-ranges": "bytes", "x-secret": "of the provider"}
    if wanted is None:
        await exchange.head(200, headers | {"content-length": str(len(content))})
        await exchange.raw(content)
        return
    start, end = int(wanted[1]), int(wanted[2]) + 1
    part = content[start:end]
    shown = {"content-range": f"bytes {start}-{end - 1}/{len(content)}", "content-length": str(len(part))}
    await exchange.head(206, headers | shown)
    await exchange.raw(part)
