"""The children of one server: its relay workers and its dashboard process, with what they inherit."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

from openopen8.core.config import Settings
from openopen8.server.child import Child
from openopen8.server.parts import Part, compile_part, dashboard_part, relay_part
from openopen8.server.process import Process
from openopen8.server.seats import Seats
from openopen8.server.wire import CLOSE_TABS, LEAVE, RECOVER

STOP_SECONDS = 45.0
"""What the children have to end after SIGTERM; above the time that uvicorn gives requests in flight."""
OTHERS_SECONDS = 10.0
"""How long the first worker waits for the others before the server says that it is ready."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What the supervisor opened for its children: two listening sockets and the pipe that ends them."""

    listener: socket.socket
    dashboard: socket.socket
    lifeline: int


class Family:
    """``settings`` may change; children that start later get the new ones."""

    def __init__(self, estate: Estate, settings: Settings) -> None:
        self.settings = settings
        self.relays: list[Child] = []
        self.dashboard: Child | None = None
        self._estate = estate
        self._seats = Seats()
        self._former: list[Child] = []
        """Workers whose places are no more; they end what they had begun."""

    @property
    def leaving(self) -> list[Process]:
        """Replaced relay workers that still end what they had begun."""
        return [process for child in (*self.relays, *self._former) for process in child.leaving]

    def start(self) -> None:
        """Start the relay workers."""
        for number in range(1, self.settings.workers + 1):
            child = self._place(number)
            child.keep()

    def start_dashboard(self) -> None:
        """Start the dashboard process, unless a reload has done so meanwhile."""
        if self.dashboard is None:
            self.dashboard = Child(self.dashboard_part())
            self.dashboard.keep()

    async def serves(self) -> None:
        """Return once a relay worker serves, and the others too unless that takes long."""
        waits = [asyncio.create_task(child.serves.wait()) for child in self.relays]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(waits, timeout=OTHERS_SECONDS)
        finally:
            for wait in waits:
                wait.cancel()

    async def compile(self) -> bool:
        """Bring the compiled dashboard up to date with the code as it is now."""
        child = Child(compile_part(self._estate.lifeline, self._environment()))
        try:
            return await child.once() == 0
        finally:
            await child.stop(0)

    async def replace_relay(self, number: int) -> None:
        """Put a new worker in the place of an old one, or make the place; NotReady changes nothing."""
        if number <= len(self.relays):
            return await self.relays[number - 1].replace(self.relay_part(number), _leave)
        child = self._place(number)
        try:
            await child.replace(self.relay_part(number), _leave)
        except BaseException:
            self.relays.remove(child)
            raise

    def drop_relays(self, beyond: int) -> None:
        """Fewer workers: the last ones leave."""
        for child in self.relays[beyond:]:
            child.leave(_leave)
            self._former.append(child)
        del self.relays[beyond:]

    async def replace_dashboard(self) -> None:
        if self.dashboard is None:
            return self.start_dashboard()
        await self.dashboard.replace(self.dashboard_part(), lambda old: old.stop(STOP_SECONDS))

    async def drop_dashboard(self) -> None:
        """It was switched off."""
        if self.dashboard is not None:
            await self.dashboard.stop(STOP_SECONDS)
            self.dashboard = None

    def close_tabs(self) -> None:
        """The dashboard's tabs leave the replaced workers."""
        for process in self.leaving:
            process.tell(CLOSE_TABS)

    async def stop(self) -> None:
        await asyncio.gather(*(child.stop(STOP_SECONDS) for child in self._children()))

    def kill(self) -> None:
        for child in self._children():
            child.kill()

    def relay_part(self, number: int) -> Part:
        estate = self._estate
        path = str(estate.dashboard.getsockname())
        return relay_part(number, estate.listener.fileno(), estate.lifeline, path, self._seats, self._environment())

    def dashboard_part(self) -> Part:
        return dashboard_part(self._estate.dashboard.fileno(), self._estate.lifeline, self._environment())

    def _place(self, number: int) -> Child:
        child = Child(self.relay_part(number), on_end=self._settle)
        self.relays.append(child)
        return child

    def _settle(self) -> None:
        """A worker died: a living one settles what it held, at once."""
        for child in self.relays:
            if child.current is not None and child.current.alive:
                return child.current.tell(RECOVER)

    def _children(self) -> list[Child]:
        return [*self.relays, *self._former, *([self.dashboard] if self.dashboard is not None else [])]

    def _environment(self) -> dict[str, str]:
        """What the command line said, for children that read the environment."""
        port = self._estate.listener.getsockname()[1]
        return {
            "HOST": self.settings.host,
            "PORT": str(port),
            "WORKERS": str(self.settings.workers),
            "DASHBOARD": str(self.settings.dashboard),
        }


async def _leave(old: Process) -> None:
    old.tell(LEAVE)
