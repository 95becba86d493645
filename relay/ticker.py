"""One coarse clock for all requests of a worker, instead of timers of their own that cost each of them."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from openopen8.core.config import Settings

log = logging.getLogger("openopen8.relay")

SLOWEST, QUICKEST = 1.0, 0.01


class Ticking(Protocol):
    """What wants to know the time now and then."""

    def tick(self, now: float) -> None:
        """``now`` as ``loop.time()`` tells it; must not raise."""


class Ticker:
    """Calls ``tick`` of all that were added, every second; oftener where a setting asks for shorter waits."""

    def __init__(self, every: float = SLOWEST) -> None:
        self._every = every
        self._members: set[Ticking] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.add = self._members.add
        self.discard = self._members.discard

    @classmethod
    def of(cls, settings: Settings) -> Ticker:
        """A quarter of the shortest time that is watched, so that none is missed by much."""
        shortest = min(settings.streaming_timeout, settings.keep_alive_seconds, settings.request_timeout)
        return cls(max(QUICKEST, min(SLOWEST, shortest / 4)))

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every, self._tick)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for member in tuple(self._members):
            try:
                member.tick(now)
            except Exception:
                log.exception("a tick failed")
        self._timer = loop.call_later(self._every, self._tick)
