"""`openopen8 serve`: keeps the relay workers and the dashboard process running, and ends them all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from openopen8.core.config import Settings
from openopen8.server.built import here
from openopen8.server.child import Child
from openopen8.server.listener import address_of
from openopen8.server.parts import Part, compile_part, dashboard_part, relay_part
from openopen8.server.ready import until_ready

STOP_SECONDS = 45.0
"""What the children have to end after SIGTERM; above the time that uvicorn gives requests in flight."""

Say = Callable[[str], None]

_log = logging.getLogger(__name__)


class Supervisor:
    """Owns the listening sockets and the children; :meth:`run` returns when all have ended."""

    def __init__(self, settings: Settings, listener: socket.socket, say: Say, may_compile: bool = True) -> None:
        self._settings = settings
        self._listener = listener
        self._say = say
        self._may_compile = may_compile
        self._place = here()
        self._address = address_of(listener, settings.host)
        self._stop = asyncio.Event()
        self._children: list[Child] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told_to_stop)
        folder = Path(tempfile.mkdtemp(prefix="openopen8-"))  # mode 0700: nobody else reaches the socket in it
        lifeline, held_end = os.pipe()
        try:
            with _unix_listener(folder / "dashboard") as dashboard:
                await self._serve(lifeline, dashboard, str(folder / "dashboard"))
        finally:
            os.close(held_end)
            os.close(lifeline)
            shutil.rmtree(folder, ignore_errors=True)

    async def _serve(self, lifeline: int, dashboard: socket.socket, path: str) -> None:
        env = self._environment()
        listener = self._listener.fileno()
        for number in range(1, self._settings.workers + 1):
            self._keep(relay_part(number, listener, lifeline, path, env))
        task = asyncio.create_task(self._dashboard(dashboard_part(dashboard.fileno(), lifeline, env), lifeline))
        task.add_done_callback(_report)
        await self._stop.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._say("Stopping; requests in flight may end.")
        # no new connections from here on: those waiting in the queue are refused, not left hanging
        self._listener.close()
        await asyncio.gather(*(child.stop(STOP_SECONDS) for child in self._children))

    async def _dashboard(self, part: Part, lifeline: int) -> None:
        """The dashboard at once if there is one; else it is compiled first, while the relay serves."""
        compiling: asyncio.Task[bool] | None = None
        if self._may_compile and not self._place.is_current and self._place.can_compile:
            compiling = asyncio.create_task(self._compile(lifeline))
        try:
            await self._with_pages(part, compiling)
            if compiling is not None:
                await compiling
        finally:
            if compiling is not None:
                compiling.cancel()

    async def _with_pages(self, part: Part, compiling: asyncio.Task[bool] | None) -> None:
        compiled = self._place.is_there
        if compiled:
            self._keep(part)
        await until_ready(self._address)
        if not compiled and compiling is not None:
            self._say(f"The API answers at {self._address}; the pages follow when they are compiled.")
            compiled = await compiling
            if compiled:
                self._keep(part)
        if not compiled:
            self._say("There is no compiled dashboard; /v1 and /api are served without it.")
        self._say(f"OpenOpen8 is ready: {self._address}")

    async def _compile(self, lifeline: int) -> bool:
        child = Child(compile_part(lifeline, self._environment()))
        try:
            return await child.once() == 0
        finally:
            await child.stop(0)

    def _keep(self, part: Part) -> None:
        child = Child(part)
        self._children.append(child)
        child.keep()

    def _environment(self) -> dict[str, str]:
        """What the command line said, for children that read the environment."""
        port = self._listener.getsockname()[1]
        return {"HOST": self._settings.host, "PORT": str(port), "WORKERS": str(self._settings.workers)}

    def _told_to_stop(self) -> None:
        if self._stop.is_set():  # asked twice: at once
            for child in self._children:
                child.kill()
        self._stop.set()


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("the dashboard can't be started", exc_info=task.exception())


def _unix_listener(path: Path) -> socket.socket:
    """Bound here, so that browsers wait in its queue while the dashboard process starts again."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(512)
    listener.set_inheritable(True)
    return listener


def run(settings: Settings, listener: socket.socket, say: Say, may_compile: bool = True) -> None:
    """Serve until SIGTERM or SIGINT."""

    async def main() -> None:
        await Supervisor(settings, listener, say, may_compile).run()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
