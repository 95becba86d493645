"""One started child process: whether it serves yet, what it is told, how it is ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from typing import Self

from openopen8.server.parts import Part
from openopen8.server.wire import FAILED, READY


class NotReady(Exception):
    """A child does not serve; the text says why."""


class Process:
    """In a process group of its own, so that Ctrl-C reaches only the supervisor."""

    def __init__(
        self, part: Part, child: asyncio.subprocess.Process, wire: socket.socket, seat: int | None = None
    ) -> None:
        self.part = part
        self._child = child
        self._wire = wire
        self._seat = seat
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, part: Part) -> Self:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        seat = part.seats.take() if part.seats is not None else None
        try:
            with theirs:
                child = await asyncio.create_subprocess_exec(
                    *part.command(theirs.fileno(), seat),
                    pass_fds=part.descriptors(theirs.fileno()),
                    env=part.variables(),
                    stdin=asyncio.subprocess.DEVNULL,
                    process_group=0,
                )
        except BaseException:
            ours.close()
            _give_back(part, seat)
            raise
        return cls(part, child, ours, seat)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.returncode is None

    async def wait(self) -> int:
        """Its exit code, negative for a signal, when it has ended."""
        return await self._child.wait()

    async def ready(self, patience: float | None = None) -> None:
        """Return when it serves; NotReady when it fails, ends, or takes longer."""
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), patience)
        except TimeoutError:
            raise NotReady(f"{self.part.name} was not ready after {patience:.0f} s") from None

    def tell(self, word: str) -> None:
        with contextlib.suppress(OSError):
            self._wire.send(word.encode() + b"\n")

    async def stop(self, patience: float) -> None:
        """Ask it to end, and end it after ``patience`` seconds."""
        if patience > 0 and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), patience)
        self.kill()
        await self._child.wait()

    def kill(self) -> None:
        """End it and what it started, at once."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection(sock=self._wire)
        try:
            while line := await reader.readline():
                word, _, text = line.decode().strip().partition(" ")
                if word == READY and not self._ready.done():
                    self._ready.set_result(None)
                elif word == FAILED:
                    self._refuse(text)
        finally:
            code = await self._child.wait()
            self._refuse(f"it ended ({cause(code)}); its log says why")
            _give_back(self.part, self._seat)
            writer.close()

    def _refuse(self, reason: str) -> None:
        if not self._ready.done():
            self._ready.set_exception(NotReady(f"{self.part.name} can't start: {reason}"))
            self._ready.exception()  # read once: nobody may be waiting


def cause(code: int) -> str:
    """An exit code in words."""
    return f"exit {code}" if code >= 0 else f"signal {-code}"


def _give_back(part: Part, seat: int | None) -> None:
    if part.seats is not None and seat is not None:
        part.seats.give_back(seat)
