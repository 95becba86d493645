"""The ledger of one relay worker: everything that arrives while a transaction is under way forms the next one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, cast

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask, Grant, Holder
from openopen8.core.rules.pricing import Counts, Receipt
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services.ledger import workers
from openopen8.core.services.ledger.batch import Result, run_batch
from openopen8.core.services.ledger.bill import Bill, Meter, Settled
from openopen8.core.services.ledger.items import Admit, Advance, Beat, Interrupted, Item, Listing, Settle
from openopen8.core.services.ledger.postgres import PostgresStore
from openopen8.core.services.ledger.sqlite import SqliteStore
from openopen8.core.services.ledger.store import Store, StoreDown
from openopen8.core.tools import Tools

log = logging.getLogger("openopen8.ledger")

LARGEST_BATCH = 500
PROGRESS_EVERY = 1.0
HEARTBEAT_EVERY = 10.0
RECOVERY_EVERY = 15.0
RETRY_FIRST, RETRY_LAST = 0.1, 5.0


class Ledger:
    """Admits, holds and settles; opened once per worker with :meth:`open`."""

    def __init__(self, tools: Tools, store: Store, worker_id: int) -> None:
        self.snapshot = Snapshot()
        self.worker_id = worker_id
        self._tools = tools
        self._store = store
        self._queue: list[Item] = []
        self._runner: asyncio.Task[None] | None = None
        self._meters: dict[str, Meter] = {}
        self._ids = count(1)
        self._prefix = f"req_{worker_id:x}_{secrets.token_hex(6)}_"
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self._watch = workers.Watch()

    @classmethod
    async def open(cls, tools: Tools) -> Ledger:
        """Register this worker, settle what dead workers left, start the heartbeat."""
        store: Store = SqliteStore(tools.db) if tools.db.is_sqlite else PostgresStore(tools.settings.database)
        ledger = cls(tools, store, await asyncio.to_thread(workers.register, tools))
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
        self._closing = True
        if self._runner is not None:
            await asyncio.wait({self._runner}, timeout=RETRY_LAST)
        if not self._queue:
            with contextlib.suppress(Exception):
                await asyncio.to_thread(workers.retire, self._tools, self.worker_id)
        await self._store.close()

    # -- what the relay calls ----------------------------------------------------------------------

    def next_request_id(self) -> str:
        """An id that no other request has, on any worker."""
        return f"{self._prefix}{next(self._ids):x}"

    async def admit(self, ask: Ask) -> Grant:
        """Check everything and hold the credits; raises a Problem, logged when the token is known."""
        return cast(Grant, await self._enter(ask, "admit"))

    async def knock(self, ask: Ask) -> Holder:
        """Check key, user and address only; raises a Problem, logged when the token is known."""
        return cast(Holder, await self._enter(ask, "knock"))

    async def identify(self, ask: Ask) -> Listing:
        """Who looks at a list or its balance; exhausted tokens may, nothing is logged."""
        return cast(Listing, await self._enter(ask, "identify"))

    async def settle(self, bill: Bill) -> Settled:
        """Charge and log the end of a request, durably when this returns; the second time nothing happens.

        Goes on by itself when the caller of this is cancelled or the database is away for a while.
        """
        self._meters.pop(bill.grant.ask.request_id, None)
        done: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._submit(Settle(bill, done))
        return await done

    def track(self, request_id: str, meter: Meter) -> None:
        """Ask ``meter`` once a second how far its stream is."""
        self._meters[request_id] = meter

    def untrack(self, request_id: str) -> None:
        self._meters.pop(request_id, None)

    async def recover(self) -> int:
        """Settle the holds of workers that are gone; returns how many there were."""
        found = await asyncio.to_thread(workers.holds_of_the_dead, self._tools, self.worker_id, self._watch)
        if not found:
            return 0
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._submit(Interrupted(found, done))
        return await done

    # -- group commit ------------------------------------------------------------------------------

    async def _enter(self, ask: Ask, how: Any) -> Any:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._submit(Admit(ask, how, done))
        try:
            return await done
        except asyncio.CancelledError:
            # cancelled between the commit and the waiter's turn: nobody else knows of the hold
            if not done.cancelled() and done.exception() is None and isinstance(done.result(), Grant):
                self._submit(Settle(_left(done.result()), None))
            raise

    def _submit(self, item: Item) -> None:
        self._queue.append(item)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        pause = RETRY_FIRST
        while self._queue:
            batch, self._queue = self._queue[:LARGEST_BATCH], self._queue[LARGEST_BATCH:]
            unsettled = await self._commit(batch)
            if not unsettled:
                pause = RETRY_FIRST
                continue
            # charges wait for the database to come back: they are never dropped
            self._queue = unsettled + self._queue
            if self._closing:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_LAST)

    async def _commit(self, batch: list[Item]) -> list[Item]:
        """One transaction; returns what must be tried again."""
        try:
            result = await self._transact(batch)
        except StoreDown as error:
            log.warning("the database did not answer (%s); %d items wait", error, len(batch))
            return [item for item in batch if not self._turned_away(item, error.uncertain)]
        except Exception as error:
            if len(batch) > 1:
                # one odd item must not fail the others
                return [rest for item in batch for rest in await self._commit([item])]
            log.exception("the ledger could not process an item")
            _finish(batch[0], error)
            return []
        self.snapshot = result.snapshot
        for item, outcome in result.outcomes:
            self._tell(item, outcome)
        return []

    async def _transact(self, batch: list[Item]) -> Result:
        snapshot, now = self.snapshot, self._tools.now()
        return await self._store.run(lambda tx: run_batch(tx, batch, snapshot, now, self.worker_id))

    def _tell(self, item: Item, outcome: Any) -> None:
        if isinstance(item, Admit) and isinstance(outcome, Grant) and item.done.cancelled():
            # the caller left while its hold was being committed
            self._submit(Settle(_left(outcome), None))
            return
        _finish(item, outcome)

    def _turned_away(self, item: Item, uncertain: bool) -> bool:
        """Admissions are refused while the database is away; a hold that may have been committed is undone."""
        if not isinstance(item, Admit):
            return False
        _finish(
            item,
            Problem(
                503, "database_unavailable", "The gateway's database is away. Try again.", None, {"retry-after": "1"}
            ),
        )
        if item.how == "admit" and uncertain:
            self._submit(Interrupted([item.ask.request_id], asyncio.get_running_loop().create_future()))
        return True

    # -- background --------------------------------------------------------------------------------

    async def _advance(self) -> None:
        made = [(id, progress) for id, meter in list(self._meters.items()) if (progress := meter.progress())]
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


def _finish(item: Item, outcome: Any) -> None:
    if isinstance(item, Advance | Beat) or item.done is None or item.done.done():
        return
    if isinstance(outcome, Exception):
        item.done.set_exception(outcome)
        item.done.exception()  # read once: a waiter that has gone must not leave a warning
    else:
        cast("asyncio.Future[Any]", item.done).set_result(outcome)


def _left(grant: Grant) -> Bill:
    receipt = Receipt(0, grant.ratio, grant.price.id, ())
    waited = max(0, grant.admitted_at - grant.ask.started_at)
    return Bill(grant, Counts(), receipt, 499, "caller_left: the caller left before the upstream was called", waited)
