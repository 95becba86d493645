"""The ledger of one relay worker: admits, holds, settles."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from openopen8.core.rules.admission import Ask, Grant, Holder
from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services.ledger import workers
from openopen8.core.services.ledger.bill import Bill, Meter, Settled
from openopen8.core.services.ledger.committer import LARGEST_BATCH, Committer, left
from openopen8.core.services.ledger.items import Admit, Advance, Beat, Identify, Interrupted, Keep, Knock, Settle
from openopen8.core.services.ledger.listing import Listing
from openopen8.core.services.ledger.postgres import PostgresStore
from openopen8.core.services.ledger.rows import first_id
from openopen8.core.services.ledger.sqlite import SqliteStore
from openopen8.core.services.ledger.store import Store
from openopen8.core.services.responses import Kept
from openopen8.core.tools import Tools

log = logging.getLogger("openopen8.ledger")

PROGRESS_EVERY = 1.0
HEARTBEAT_EVERY = 10.0
RECOVERY_EVERY = 5.0


class Ledger:
    """Opened once per worker with :meth:`open`."""

    def __init__(self, tools: Tools, store: Store, worker_id: int) -> None:
        self.worker_id = worker_id
        self._tools = tools
        self._committer = Committer(store, worker_id, tools.now)
        self._submit = self._committer.submit
        # kept: in CPython 3.11 each look-up of the running loop costs a system call
        self._future = asyncio.get_running_loop().create_future
        self._meters: dict[str, Meter] = {}
        self._open: dict[str, int] = {}
        self._ids = count(1)
        self._hold_ids = count(first_id(worker_id) + 1)
        self._prefix = f"req_{worker_id:x}_{secrets.token_hex(6)}_"
        self._tasks: list[asyncio.Task[None]] = []
        self._watch = workers.Watch()

    @classmethod
    async def open(cls, tools: Tools) -> Ledger:
        """Register this worker, settle what dead workers left, start the heartbeat."""
        ledger = cls(tools, store_of(tools), await asyncio.to_thread(workers.register, tools))
        await ledger.recover()
        ledger._tasks = [
            asyncio.create_task(ledger._every(PROGRESS_EVERY, ledger._advance)),
            asyncio.create_task(ledger._every(HEARTBEAT_EVERY, ledger._beat)),
            asyncio.create_task(ledger._every(RECOVERY_EVERY, ledger.recover)),
        ]
        return ledger

    async def close(self) -> None:
        """Commit what waits, then end; a database that stays away is left to the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if await self._committer.close():
            with contextlib.suppress(Exception):
                await asyncio.to_thread(workers.retire, self._tools, self.worker_id)

    @property
    def snapshot(self) -> Snapshot:
        """Channels, groups, prices and options as of the last transaction."""
        return self._committer.known.snapshot

    # -- what the relay calls ----------------------------------------------------------------------

    def next_request_id(self) -> str:
        """An id that no other request has, on any worker."""
        return f"{self._prefix}{next(self._ids):x}"

    async def admit(self, ask: Ask, lasting: bool = False) -> Grant:
        """Check everything and hold the credits; raises a Problem, logged when the token is known.

        A ``lasting`` hold outlives this worker: any other can settle it.
        Raises CountFirst when ``ask.sampled`` and more must be known; then nothing has happened.
        """
        done: asyncio.Future[Grant] = self._future()
        hold_id = next(self._hold_ids)
        self._submit(Admit(ask, -hold_id if lasting else hold_id, done))
        try:
            grant = await done
        except asyncio.CancelledError:
            # cancelled between the commit and the waiter's turn: nobody else knows of the hold
            if not done.cancelled() and done.exception() is None:
                self._submit(Settle(left(done.result()), None))
            raise
        finally:
            # a refusal keeps this frame, which must not keep the future, which keeps the refusal
            del done
        self._open[ask.request_id] = grant.hold_id
        return grant

    async def knock(self, ask: Ask) -> Holder:
        """Check key, user and address only; raises a Problem, logged when the token is known."""
        done: asyncio.Future[Holder] = self._future()
        self._submit(Knock(ask, done))
        try:
            return await done
        finally:
            del done

    async def identify(self, ask: Ask) -> Listing:
        """Who looks at a list or its balance; exhausted tokens may, nothing is logged."""
        done: asyncio.Future[Listing] = self._future()
        self._submit(Identify(ask, done))
        try:
            return await done
        finally:
            del done

    def settle(self, bill: Bill) -> asyncio.Future[Settled]:
        """Charge and log the end of a request, durably when this is done; the second time nothing happens.

        Goes on by itself when nobody waits any more or the database is away for a while.
        """
        self._meters.pop(bill.grant.ask.request_id, None)
        self._open.pop(bill.grant.ask.request_id, None)
        done: asyncio.Future[Settled] = self._future()
        self._submit(Settle(bill, done))
        return done

    def keep(self, kept: Kept, before: list[str]) -> asyncio.Future[None]:
        """Write an answer down, in one transaction with what is settled in the same moment."""
        done: asyncio.Future[None] = self._future()
        self._submit(Keep(kept, before, done))
        return done

    def track(self, request_id: str, meter: Meter, hold_id: int | None = None) -> None:
        """Ask ``meter`` once a second how far its stream is; ``hold_id``: of the earlier request that pays for it."""
        self._meters[request_id] = meter
        if hold_id is not None:
            self._open[request_id] = hold_id

    def untrack(self, request_id: str) -> None:
        self._meters.pop(request_id, None)

    def leave(self, request_id: str) -> None:
        """A lasting hold stays for whoever settles it, with what its stream has delivered."""
        meter, hold_id = self._meters.pop(request_id, None), self._open.pop(request_id, None)
        if meter is not None and hold_id is not None and (progress := meter.progress()):
            self._submit(Advance([(hold_id, progress)]))

    async def delivered(self, hold_id: int) -> Counts:
        """What of a stream its caller has got, as far as it is written down."""
        made = await asyncio.to_thread(workers.progress_of, self._tools, hold_id)
        return Counts(**made["counts"]) if made else Counts()

    def let_go(self, hold_ids: list[int]) -> asyncio.Future[int]:
        """Lasting holds that nobody will settle any more."""
        done: asyncio.Future[int] = self._future()
        self._submit(Interrupted(hold_ids, done))
        return done

    async def recover(self) -> int:
        """Settle the holds of workers that are gone; returns how many there were."""
        found = await asyncio.to_thread(workers.holds_of_the_dead, self._tools, self.worker_id, self._watch)
        settled = 0
        for start in range(0, len(found), LARGEST_BATCH):
            done: asyncio.Future[int] = self._future()
            self._submit(Interrupted([hold.id for hold in found[start : start + LARGEST_BATCH]], done))
            settled += await done
        return settled

    # -- background --------------------------------------------------------------------------------

    async def _advance(self) -> None:
        made = [
            (self._open[id], progress)
            for id, meter in list(self._meters.items())
            if id in self._open and (progress := meter.progress())
        ]
        if made:
            self._submit(Advance(made))

    async def _beat(self) -> None:
        self._submit(Beat())

    async def _every(self, seconds: float, work: Callable[[], Awaitable[Any]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Exception as error:
                log.warning("background work of the ledger failed: %s", type(error).__name__)


def store_of(tools: Tools) -> Store:
    """The way to the database that the settings name."""
    durability = tools.settings.durability
    return (
        SqliteStore(tools.db, durability) if tools.db.is_sqlite else PostgresStore(tools.settings.database, durability)
    )
