"""A rolling restart: each process gets a successor, which serves before the old one leaves."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from openopen8.core.config import Settings
from openopen8.server.built import here
from openopen8.server.family import Family
from openopen8.server.process import NotReady
from openopen8.server.reloads import Outcome, Say

FIXED = ("host", "port", "data_dir")
"""Settings that only a restart can change: socket, lock and command line hang on them."""
A_MOMENT = 2.0
"""What replaced workers get to end, before those that have not are counted."""


class Renewal:
    """Calling it makes one; ``load`` reads the settings anew, ``compile`` says whether pages may be compiled."""

    def __init__(self, family: Family, load: Callable[[], Settings], compile: bool, step: Say) -> None:
        self._family = family
        self._load = load
        self._compile = compile
        self._step = step
        self._replaced = 0

    async def __call__(self) -> Outcome:
        self._replaced = 0
        before = self._family.settings
        try:
            self._family.settings = await self._checked(before)
            await self._workers()
            await self._dashboard()
        except NotReady as error:
            return self._failed(str(error), before)
        finally:
            self._family.close_tabs()
        return await self._done()

    async def _checked(self, before: Settings) -> Settings:
        """The settings as they are now, when the code as it is now can run with them."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "openopen8", "migrate", "--check"),
            env=os.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, told = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            raise
        if process.returncode != 0:
            lines = told.decode(errors="replace").strip().splitlines() or [f"exit {process.returncode}"]
            raise NotReady(lines[-1].removeprefix("openopen8: ").rstrip("."))
        settings = self._load()
        changed = [name.upper() for name in FIXED if getattr(settings, name) != getattr(before, name)]
        if changed:
            raise NotReady(f"{', '.join(changed)} can only change with a restart")
        return settings

    async def _workers(self) -> None:
        wanted = self._family.settings.workers
        for number in range(1, wanted + 1):
            await self._family.replace_relay(number)
            self._replaced += 1
            self._step(f"relay-{number} is new.")
        self._family.drop_relays(wanted)

    async def _dashboard(self) -> None:
        if not self._family.settings.dashboard:
            return await self._family.drop_dashboard()
        if self._compile and not await self._family.compile():
            raise NotReady("the pages could not be compiled; the log says why")
        if here().is_there:
            await self._family.replace_dashboard()
            self._step("The dashboard is new.")

    async def _done(self) -> Outcome:
        latest = asyncio.get_running_loop().time() + A_MOMENT
        while self._family.leaving and asyncio.get_running_loop().time() < latest:
            await asyncio.sleep(0.05)
        left = len(self._family.leaving)
        rest = f" {left} replaced {'worker ends' if left == 1 else 'workers end'} what was begun." if left else ""
        return self._outcome(True, f"Reloaded.{rest}")

    def _failed(self, reason: str, before: Settings) -> Outcome:
        wanted = self._family.settings.workers
        if self._replaced == 0:
            self._family.settings = before  # for a worker that comes back
            return self._outcome(False, f"Not reloaded: {reason}. All goes on as before.")
        if self._replaced == wanted:
            return self._outcome(False, f"The workers are new, the dashboard goes on as before: {reason}.")
        rest = f"{self._replaced} of {wanted} workers are new, the others go on as before."
        return self._outcome(False, f"Not reloaded: {reason}. {rest}")

    def _outcome(self, ok: bool, text: str) -> Outcome:
        return Outcome(ok, text, workers=self._replaced, leaving=len(self._family.leaving))
