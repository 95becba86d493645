"""Reloads one after the other: whoever asks while one runs gets the next, which all who ask meanwhile share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reload went: ``text`` for people; ``leaving`` old processes still end what they had begun."""

    ok: bool
    text: str
    workers: int = 0
    leaving: int = 0


class Reloads:
    """``once`` makes one reload and says its steps."""

    def __init__(self, once: Callable[[], Awaitable[Outcome]], say: Say) -> None:
        self._once = once
        self._say = say
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[Outcome] | None = None
        self._running: asyncio.Task[Outcome] | None = None
        self._hearing: set[Say] = set()

    def ask(self) -> asyncio.Future[Outcome]:
        """The outcome of a reload that begins after this call; cancelling it takes nothing from others."""
        if self._next is None:
            self._next = asyncio.create_task(self._after_the_running_one())
        return asyncio.shield(self._next)

    @contextlib.contextmanager
    def told_to(self, hear: Say) -> Iterator[None]:
        """Steps are also said to ``hear``."""
        self._hearing.add(hear)
        try:
            yield
        finally:
            self._hearing.discard(hear)

    def step(self, line: str) -> None:
        for say in (self._say, *self._hearing):
            say(line)

    async def stop(self) -> None:
        """Break off what runs, drop what waits."""
        tasks = [task for task in (self._running, self._next) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _after_the_running_one(self) -> Outcome:
        async with self._turn:
            self._running, self._next = self._next, None
            outcome = await self._once()
            self.step(outcome.text)
            return outcome
