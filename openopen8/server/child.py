"""One child process that comes back when it ends by itself, slower when it ends at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time

from openopen8.server.parts import Part

SETTLED_SECONDS = 10.0
"""A child that ran for so long was all right: its successor starts without delay."""
FIRST_DELAY, LONGEST_DELAY = 0.1, 15.0

_log = logging.getLogger(__name__)


def next_delay(last: float, lived: float) -> float:
    """Seconds to wait before the next start, after a child that lived ``lived`` seconds."""
    if lived >= SETTLED_SECONDS:
        return FIRST_DELAY
    return min(max(last * 2, FIRST_DELAY), LONGEST_DELAY)


class Child:
    """Runs ``part`` in a process group of its own, so that Ctrl-C reaches only the supervisor."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    def keep(self) -> None:
        """Start it, and again whenever it ends, until :meth:`stop`."""
        self._task = asyncio.create_task(self._keep(), name=self.part.name)

    async def once(self) -> int:
        """Run it one time; its exit code."""
        self.process = await self._start()
        return await self.process.wait()

    async def stop(self, patience: float) -> None:
        """Ask it to end, and end it after ``patience`` seconds."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        process = self.process
        if process is None or process.returncode is not None:
            return
        if patience > 0:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
        if process.returncode is None:
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End it and what it started, at once."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def _keep(self) -> None:
        delay = 0.0
        while True:
            began = time.monotonic()
            code = await self.once()
            delay = next_delay(delay, time.monotonic() - began)
            _log.warning("%s ended (%s); starting it again in %.1f s", self.part.name, _cause(code), delay)
            await asyncio.sleep(delay)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.part.command(),
            pass_fds=self.part.inherited,
            env=self.part.variables(),
            stdin=asyncio.subprocess.DEVNULL,
            process_group=0,
        )

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)


def _cause(code: int) -> str:
    return f"exit {code}" if code >= 0 else f"signal {-code}"
