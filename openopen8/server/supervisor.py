"""`openopen8 serve`: keeps the relay workers and the dashboard process running, replaces them, and ends them all."""

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
from openopen8.server.control import reachable
from openopen8.server.family import Estate, Family
from openopen8.server.hangup import Terminal
from openopen8.server.listener import address_of
from openopen8.server.reloads import Reloads, Say
from openopen8.server.renewal import Renewal

Load = Callable[[], Settings]

_log = logging.getLogger(__name__)


class Supervisor:
    """Owns the listening sockets and the children; :meth:`run` returns when all have ended.

    ``load`` reads the settings as environment, `.env` and command line have them now.
    """

    def __init__(self, load: Load, listener: socket.socket, say: Say, may_compile: bool = True) -> None:
        self._load = load
        self._settings = load()
        self._listener = listener
        self._say = say
        self._may_compile = may_compile
        self._place = here()
        self._address = address_of(listener, self._settings.host)
        self._stop = asyncio.Event()
        self._family: Family | None = None

    async def run(self) -> None:
        loop, terminal = asyncio.get_running_loop(), Terminal()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told_to_stop)
        folder = Path(tempfile.mkdtemp(prefix="openopen8-"))  # mode 0700: nobody else reaches the sockets in it
        lifeline, held_end = os.pipe()
        try:
            with _unix_listener(folder / "dashboard") as dashboard:
                family = self._family = Family(Estate(self._listener, dashboard, lifeline), self._settings)
                await self._serve(family, folder, terminal)
        finally:
            os.close(held_end)
            os.close(lifeline)
            shutil.rmtree(folder, ignore_errors=True)

    async def _serve(self, family: Family, folder: Path, terminal: Terminal) -> None:
        family.start()
        pages = asyncio.create_task(self._dashboard(family))
        pages.add_done_callback(_report)
        compiles = self._may_compile and self._place.can_compile
        reloads = Reloads(lambda: Renewal(family, self._load, compiles, reloads.step)(), self._say)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hung_up, terminal, reloads)
        async with reachable(self._settings.data_dir, folder, reloads) as hindrance:
            if hindrance:
                self._say(f"`openopen8 reload` can't reach this server, SIGHUP can: {hindrance}.")
            await self._stop.wait()
            await reloads.stop()
            pages.cancel()
            await asyncio.gather(pages, return_exceptions=True)
            self._say("Stopping; requests in flight may end.")
            # no new connections from here on: those waiting in the queue are refused, not left hanging
            self._listener.close()
            await family.stop()

    async def _dashboard(self, family: Family) -> None:
        """The dashboard at once if there is one; else it is compiled first, while the relay serves."""
        compiling: asyncio.Task[bool] | None = None
        if not self._settings.dashboard:
            await family.serves()
            return self._say(f"OpenOpen8 is ready, without a dashboard: {self._address}")
        if self._may_compile and not self._place.is_current and self._place.can_compile:
            compiling = asyncio.create_task(family.compile())
        try:
            await self._with_pages(family, compiling)
            if compiling is not None:
                await compiling
        finally:
            if compiling is not None:
                compiling.cancel()

    async def _with_pages(self, family: Family, compiling: asyncio.Task[bool] | None) -> None:
        compiled = self._place.is_there
        if compiled:
            family.start_dashboard()
        await family.serves()
        if not compiled and compiling is not None:
            self._say(f"The API answers at {self._address}; the pages follow when they are compiled.")
            compiled = await compiling
            if compiled:
                family.start_dashboard()
        if not compiled:
            self._say("There is no compiled dashboard; /v1 and /api are served without it.")
        self._say(f"OpenOpen8 is ready: {self._address}")

    def _told_to_stop(self) -> None:
        if self._stop.is_set() and self._family is not None:  # asked twice: at once
            self._family.kill()
        self._stop.set()

    def _hung_up(self, terminal: Terminal, reloads: Reloads) -> None:
        if not terminal.closed():
            reloads.ask()
        elif not terminal.outlived:
            self._told_to_stop()


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


def run(load: Load, listener: socket.socket, say: Say, may_compile: bool = True) -> None:
    """Serve until SIGTERM or SIGINT."""

    async def main() -> None:
        await Supervisor(load, listener, say, may_compile).run()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
