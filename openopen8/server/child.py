"""One place for a child process: it comes back when it ends by itself, and can be replaced while it serves."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

from openopen8.server.parts import Part
from openopen8.server.process import NotReady, Process, cause

SETTLED_SECONDS = 10.0
"""A child that ran for so long was all right: its successor starts without delay."""
FIRST_DELAY, LONGEST_DELAY = 0.1, 15.0
START_SECONDS = 60.0
"""How long a successor may take until it serves."""

_log = logging.getLogger(__name__)


def next_delay(last: float, lived: float) -> float:
    """Seconds to wait before the next start, after a child that lived ``lived`` seconds."""
    if lived >= SETTLED_SECONDS:
        return FIRST_DELAY
    return min(max(last * 2, FIRST_DELAY), LONGEST_DELAY)


class Child:
    """Keeps ``part`` running; ``on_end`` is called whenever a process of it has ended badly."""

    def __init__(self, part: Part, on_end: Callable[[], None] = lambda: None) -> None:
        self.part = part
        self.current: Process | None = None
        self.serves = asyncio.Event()
        """Set once it has served."""
        self._on_end = on_end
        self._coming: Process | None = None
        self._leaving: list[Process] = []
        self._changing = asyncio.Lock()
        self._life: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def leaving(self) -> list[Process]:
        """Replaced processes that still end what they had begun."""
        return [process for process in self._leaving if process.alive]

    def keep(self) -> None:
        """Start it, and again whenever it ends, until :meth:`stop`."""
        self._life = asyncio.create_task(self._keep(None), name=self.part.name)

    async def once(self) -> int:
        """Run it one time; its exit code."""
        self.current = await Process.start(self.part)
        return await self.current.wait()

    async def replace(self, part: Part, leave: Callable[[Process], Coroutine[Any, Any, None]]) -> None:
        """Start a successor and, when it serves, have the old process ``leave``; NotReady leaves all as it was."""
        new = self._coming = await Process.start(part)
        try:
            await new.ready(START_SECONDS)
        except BaseException:
            new.kill()
            raise
        finally:
            self._coming = None
        async with self._changing:
            if self._life is not None:
                self._life.cancel()
            old, self.current, self.part = self.current, new, part
            self._life = asyncio.create_task(self._keep(new), name=part.name)
        if old is not None and old.alive:
            self._see_off(old, leave)

    def leave(self, leave: Callable[[Process], Coroutine[Any, Any, None]]) -> None:
        """Have it ``leave`` without a successor."""
        if self._life is not None:
            self._life.cancel()
        old, self.current = self.current, None
        if old is not None:
            self._see_off(old, leave)

    async def stop(self, patience: float) -> None:
        """Ask its processes to end, and end them after ``patience`` seconds."""
        async with self._changing:
            if self._life is not None:
                self._life.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(process.stop(patience) for process in self._processes()))

    def kill(self) -> None:
        """End its processes and what they started, at once."""
        for process in self._processes():
            process.kill()

    def _processes(self) -> list[Process]:
        return [process for process in (self.current, self._coming, *self._leaving) if process is not None]

    async def _keep(self, process: Process | None) -> None:
        delay = 0.0
        while True:
            began = time.monotonic()
            if process is None:
                async with self._changing:  # cancelled here it would leave a process that nobody knows
                    process = self.current = await Process.start(self.part)
            self._spawn(self._note(process))
            code = await process.wait()
            delay = next_delay(delay, time.monotonic() - began)
            _log.warning("%s ended (%s); starting it again in %.1f s", self.part.name, cause(code), delay)
            self._on_end()
            await asyncio.sleep(delay)
            process = None

    async def _note(self, process: Process) -> None:
        try:
            await process.ready()
        except NotReady as error:
            _log.error("%s", error)
        else:
            self.serves.set()

    def _see_off(self, old: Process, leave: Callable[[Process], Coroutine[Any, Any, None]]) -> None:
        self._leaving.append(old)
        self._spawn(leave(old))
        self._spawn(self._until_gone(old))

    async def _until_gone(self, old: Process) -> None:
        code = await old.wait()
        self._leaving.remove(old)
        if code not in (0, -signal.SIGTERM):
            _log.warning("%s, replaced before, ended badly (%s)", old.part.name, cause(code))
            self._on_end()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
