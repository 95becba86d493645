"""Group commit: everything that arrives while a transaction is under way forms the next one.

A transaction begins when a turn of the event loop has brought nothing new for it. Whoever is alone waits for one turn
of an idle loop; in a crowd, where each turn brings more, many share one commit and its sync, which costs more than all
else that a request needs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts, Receipt
from openopen8.core.services.ledger.batch import run_batch
from openopen8.core.services.ledger.bill import Bill
from openopen8.core.services.ledger.items import Admit, Identify, Interrupted, Item, Knock, Settle
from openopen8.core.services.ledger.known import Known
from openopen8.core.services.ledger.store import Store, StoreDown, Transaction

log = logging.getLogger("openopen8.ledger")

LARGEST_BATCH = 500
RETRY_FIRST, RETRY_LAST = 0.1, 5.0
LONGEST_WAIT = 0.002
"""Seconds after which a transaction begins although more keeps coming."""


class Committer:
    """Takes items, runs them in transactions one after the other and tells those who wait."""

    def __init__(self, store: Store, worker_id: int, clock: Callable[[], int]) -> None:
        self.known = Known(worker_id)
        self._store = store
        self._worker_id = worker_id
        self._clock = clock
        self._queue: list[Item] = []
        self._batch: list[Item] = []
        self._busy = False
        self._seen = 0
        self._latest = 0.0
        self._alone = 0
        self._pause = RETRY_FIRST
        self._idle: asyncio.Future[None] | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def submit(self, item: Item) -> None:
        """Do ``item`` in the next transaction."""
        self._queue.append(item)
        if not self._busy:
            self._busy = True
            self._wait()

    async def close(self) -> bool:
        """Commit what waits; False when the database stays away, so that something is left to the next start."""
        if self._closed:
            return False
        if self._busy:
            self._idle = self._loop.create_future()
            await asyncio.wait({self._idle}, timeout=RETRY_LAST)
        left = self._busy or bool(self._queue)
        self._busy = self._closed = True  # nothing more is begun
        await self._store.close()
        return not left

    def _wait(self) -> None:
        self._seen = 0
        self._latest = self._loop.time() + LONGEST_WAIT
        self._loop.call_soon(self._gather)

    def _gather(self) -> None:
        """Begin, unless the last turn of the loop has brought something."""
        size = len(self._queue)
        if self._seen < size < LARGEST_BATCH and self._loop.time() < self._latest:
            self._seen = size
            self._loop.call_soon(self._gather)
        else:
            self._go()

    def _go(self) -> None:
        size = 1 if self._alone else LARGEST_BATCH
        self._batch, self._queue = self._queue[:size], self._queue[size:]
        # holds need no sync of their own: a power cut that takes one takes its request as well, and what is charged
        # is synced together with all that came before it
        self._store.run(self._work, self._done, any([item.sync for item in self._batch]))

    def _work(self, tx: Transaction) -> Coroutine[Any, Any, list[Any]]:
        return run_batch(tx, self.known, self._batch, self._clock, self._worker_id)

    def _done(self, outcomes: list[Any] | Exception) -> None:
        batch, self._batch = self._batch, []
        if isinstance(outcomes, Exception):
            self.known.distrust()
            pause = self._failed(batch, outcomes)
        else:
            pause, self._pause = 0.0, RETRY_FIRST
            self._alone = max(0, self._alone - 1)
            for item, outcome in zip(batch, outcomes, strict=True):
                self._tell(item, outcome)
        if pause and self._idle is None:
            self._loop.call_later(pause, self._go)
        elif self._queue and not pause:
            self._wait()
        else:
            self._rest()

    def _rest(self) -> None:
        self._busy = bool(self._queue)
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    # -- telling -----------------------------------------------------------------------------------

    def _tell(self, item: Item, outcome: Any) -> None:
        done = item.done
        if done is None:
            return
        if done.done():
            if isinstance(outcome, Grant):
                # the caller left while its hold was being committed
                self.submit(Settle(left(outcome), None))
        elif isinstance(outcome, Exception):
            done.set_exception(outcome)
            done.exception()  # read once: a waiter that has gone must not leave a warning
        else:
            done.set_result(outcome)

    # -- failing -----------------------------------------------------------------------------------

    def _failed(self, batch: list[Item], error: Exception) -> float:
        """What becomes of the items of a transaction that failed; returns the seconds to wait before the next."""
        if isinstance(error, StoreDown):
            log.warning("the database did not answer (%s); %d items wait", error, len(batch))
            # charges wait for the database to come back: they are never dropped
            self._queue[:0] = [item for item in batch if not self._turned_away(item, error.uncertain)]
            pause, self._pause = self._pause, min(self._pause * 2, RETRY_LAST)
            return pause if self._queue else 0.0
        if len(batch) > 1:
            # one odd item must not fail the others
            self._queue[:0] = batch
            self._alone = len(batch)
            return 0.0
        log.error("the ledger could not process an item", exc_info=error)
        self._alone = max(0, self._alone - 1)
        self._tell(batch[0], error)
        return 0.0

    def _turned_away(self, item: Item, uncertain: bool) -> bool:
        """Admissions are refused while the database is away; a hold that may have been committed is undone."""
        if not isinstance(item, Admit | Knock | Identify):
            return False
        self._tell(
            item,
            Problem(
                503, "database_unavailable", "The gateway's database is away. Try again.", None, {"retry-after": "1"}
            ),
        )
        if isinstance(item, Admit) and uncertain:
            self._queue.append(Interrupted([item.hold_id], None))
        return True


def left(grant: Grant) -> Bill:
    """The bill of a caller that left before its upstream was called."""
    receipt = Receipt(0, grant.ratio, grant.price.id, ())
    waited = max(0, grant.admitted_at - grant.ask.started_at)
    return Bill(grant, Counts(), receipt, 499, "caller_left: the caller left before the upstream was called", waited)
