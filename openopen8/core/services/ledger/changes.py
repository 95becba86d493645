"""What a batch will write: absolute values for hot rows, new rows for the rest."""

from __future__ import annotations

from typing import Any, NamedTuple

from openopen8.core.services.ledger.known import Known

Rows = list[tuple[Any, ...]]


class Writes(NamedTuple):
    """Rows by statement, each in the order of its columns; hot rows sorted by key."""

    counters: Rows
    accounts: Rows
    new_holds: Rows
    moved_holds: Rows
    ended_holds: Rows
    log: Rows
    suppressed: Rows
    rates: Rows
    rates_end: Rows
    beats: Rows
    kept: Rows
    kept_used: Rows


class Changes:
    """Filled while a batch is decided."""

    __slots__ = (
        "accounts", "beats", "counters", "ended_holds", "kept", "kept_used", "log", "moved_holds", "new_holds",
        "rates_end", "suppressed",
    )  # fmt: skip

    def __init__(self) -> None:
        self.counters: set[int] = set()
        self.accounts: set[int] = set()
        self.new_holds: dict[int, tuple[Any, ...]] = {}
        self.moved_holds: dict[int, tuple[Any, ...]] = {}
        self.ended_holds: set[int] = set()
        self.log: Rows = []
        self.suppressed: dict[int, int] = {}
        self.rates_end: Rows = []
        self.beats: Rows = []
        self.kept: Rows = []
        self.kept_used: Rows = []

    def writes(self, known: Known, now: int) -> Writes:
        """As rows; a hold that came and went within the batch has left none."""
        counters, accounts = known.counters, known.accounts
        told = known.windows.told(now)
        return Writes(
            counters=[counters[id].row() for id in sorted(self.counters)],
            accounts=[accounts[id].row() for id in sorted(self.accounts)],
            new_holds=list(self.new_holds.values()),
            moved_holds=list(self.moved_holds.values()),
            ended_holds=[(id,) for id in sorted(self.ended_holds)],
            log=self.log,
            suppressed=[(count, token) for token, count in self.suppressed.items()],
            rates=[told] if told else [],
            rates_end=self.rates_end,
            beats=self.beats,
            kept=self.kept,
            kept_used=self.kept_used,
        )
