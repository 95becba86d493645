"""Keeps the log: digests what is new, deletes what is old, also answers that were kept. One process at a time;
for threads, not event loops.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from openopen8.core.clock import DAY, MINUTE
from openopen8.core.services import options, responses, tasks
from openopen8.core.services.duty import Duty
from openopen8.core.services.log_digest import DUTY, Digest
from openopen8.core.services.retention import Term, sweep, terms
from openopen8.core.tools import Tools

ENOUGH = 5_000
"""So many new entries are digested at once; fewer wait for DIGEST_EVERY."""
DIGEST_EVERY = 30.0
MOVE_EVERY = 60.0
UNMOVED = 2 * MINUTE
"""Slots so young stay: the figures of the last minute are made of them."""
ASK_EVERY = 15.0
"""Seconds between two looks at the settings."""
BUDGET = 0.5
"""Seconds that one turn may take for each of its parts."""
REST = 4.0
"""After a deletion nothing is deleted for so many times the time that it took: writers go first."""


@dataclass(slots=True)
class LogKeeper:
    """Call ``turn`` about once a second."""

    tools: Tools
    digest_every: float = DIGEST_EVERY
    move_every: float = MOVE_EVERY
    ask_every: float = ASK_EVERY
    _duty: Duty = field(init=False)
    _digest: Digest = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _left: bool = False
    _digested_at: float = -1e9
    _moved_at: float = -1e9
    _asked_at: float = -1e9
    _sweeping: Iterator[int] | None = None
    _done: tuple[tuple[Term, ...], int, int] | None = None
    """Terms, days that answers are kept, and day of what was swept last."""

    def __post_init__(self) -> None:
        self._duty = Duty(self.tools.db, DUTY)
        self._digest = Digest(self._duty)

    def turn(self) -> bool:
        """A little of what is to be done, nothing while another process has the duty; True when much is left."""
        with self._lock:
            if self._left or not self._duty.take():
                return False
            behind = self._follow()
            self._delete()
            return behind and not self._left

    def leave(self) -> None:
        """For good; waits for a turn under way."""
        self._left = True
        with self._lock:
            self._sweeping = None
            self._duty.leave()

    def _follow(self) -> bool:
        ready, began = self._digest.ready(), time.monotonic()
        if ready >= ENOUGH or (ready and began - self._digested_at >= self.digest_every):
            while self._in_time(began) and (took := self._digest.round()):
                ready -= took
            self._digested_at = began
        if began - self._moved_at >= self.move_every:
            now, began = self.tools.now(), time.monotonic()
            self._digest.prune(now)
            self._digest.move(now - UNMOVED, lambda: not self._in_time(began))
            self._moved_at = began if self._in_time(began) else self._moved_at
        return ready >= ENOUGH

    def _delete(self) -> None:
        began = time.monotonic()
        if self._sweeping is None and began - self._asked_at >= self.ask_every:
            self._asked_at, today = began, self.tools.now() // DAY
            found, needed = options.public(self.tools), tasks.oldest(self.tools)
            due = (terms(found, self.tools.now(), needed), found.response_retention_days, today)
            if due != self._done:
                kept = responses.sweep(self._duty, found.response_retention_days, self.tools.now())
                self._sweeping, self._done = chain(sweep(self._duty, due[0]), kept), due
        while self._sweeping is not None and self._in_time(began):
            step = time.monotonic()
            try:
                if next(self._sweeping, None) is None:
                    self._sweeping = None
            except BaseException:
                self._sweeping, self._done = None, None  # again from the beginning
                raise
            time.sleep(REST * (time.monotonic() - step))

    def _in_time(self, began: float) -> bool:
        return not self._left and time.monotonic() - began < BUDGET
