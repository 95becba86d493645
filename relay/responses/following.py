"""Follows what vendors make in the background until it is over, whether or not its caller asks for it."""

from __future__ import annotations

import asyncio
import logging

from openopen8.core.clock import HOUR
from openopen8.core.errors import Problem
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services import responses
from openopen8.core.services.duty import Duty
from openopen8.core.services.responses import Kept
from openopen8.core.services.snapshot import load_snapshot
from relay.gate import Gate
from relay.responses.closing import close, heard, settle
from relay.responses.elsewhere import Elsewhere
from relay.responses.terms import opened
from relay.upstream import LARGEST_ANSWER, Failure

log = logging.getLogger("openopen8.relay")

EVERY_SECONDS = 2.0
SELDOM = 60.0
"""Seconds between two looks at an answer that takes long."""
AT_ONCE = 8
"""Answers that are looked at at once."""
LONGEST_LOOK = 30.0
"""Seconds that a provider has to show one, while the others wait for the next turn."""
PATIENCE = 24 * HOUR
"""After so long what is held for an answer is given back."""
DUTY = "responses"


class Follower:
    """Of several workers one follows, another takes over when it has gone."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._duty = Duty(gate.tools.db, DUTY)
        self._next: dict[tuple[int, str], float] = {}
        """When (``loop.time()``) an answer, by user and id, is looked at again."""
        self._looked = 0.0
        self._lock = asyncio.Lock()

    async def keep_following(self, every: float = EVERY_SECONDS) -> None:
        """Turns for ever."""
        try:
            while True:
                await asyncio.sleep(every)
                try:
                    await self.turn()
                except Exception as error:
                    log.warning("following answers in the background failed: %s", type(error).__name__)
        finally:
            await asyncio.shield(asyncio.to_thread(self._duty.leave))

    async def turn(self) -> None:
        """Look at each that is due."""
        async with self._lock:
            rows = await asyncio.to_thread(responses.unpaid, self._gate.tools)
            now = self._gate.clock()
            seldom = now - self._looked > SELDOM
            self._looked = now if seldom else self._looked
            if (rows or seldom) and await asyncio.to_thread(self._duty.take):
                await self._round(rows, seldom)

    async def _round(self, rows: list[Kept], seldom: bool) -> None:
        gate, now = self._gate, self._gate.clock()
        waiting = {key: at for row in rows if (at := self._next.get(key := (row.user_id, row.id), 0.0)) > now}
        due, self._next = [row for row in rows if (row.user_id, row.id) not in waiting], waiting
        if due:
            snapshot, few = await asyncio.to_thread(load_snapshot, gate.tools), asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(*(self._looked_at(row, snapshot, few) for row in due))
        if seldom:
            left = await asyncio.to_thread(responses.orphans, gate.tools, gate.tools.now() - PATIENCE)
            if left:
                await gate.ledger.let_go(left)

    async def _looked_at(self, row: Kept, snapshot: Snapshot, few: asyncio.Semaphore) -> None:
        """One that can't be judged must not hold up the others."""
        async with few:
            try:
                await self._look(row, snapshot)
            except Exception as error:
                log.warning("an answer in the background could not be judged: %s", type(error).__name__)

    async def _look(self, row: Kept, snapshot: Snapshot) -> None:
        gate = self._gate
        assert row.terms is not None
        age = gate.tools.now() - opened(row.terms).started_at
        self._next[row.user_id, row.id] = gate.clock() + min(SELDOM, age / 4_000)
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                answer = await Elsewhere(gate, snapshot, row).ask("GET")
                body = await answer.read(LARGEST_ANSWER)
                answer.close()
            over = await close(gate, snapshot, row, body)
        except (Failure, Problem, TimeoutError) as error:
            log.info("an answer in the background could not be looked at: %s", type(error).__name__)
            over = False
        if not over and age > PATIENCE:
            await settle(gate, snapshot, row, await heard(gate, row), "upstream_timeout: the answer has no end")
