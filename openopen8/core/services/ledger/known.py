"""What the ledger remembers of the tables from one transaction to the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services.ledger.rows import AccountRow, Counter, Held, Key
from openopen8.core.services.ledger.windows import Windows

LARGEST = 100_000
"""Rows that are remembered at most."""


class Known:
    """Rows that this ledger read or wrote itself.

    Good only inside a transaction that has proved that nobody else has committed since (``version``),
    and never after a transaction that failed: what it changed here was not written.
    """

    def __init__(self, worker_id: int) -> None:
        self.version: int | None = None
        self.snapshot = Snapshot()
        self.keys: dict[str, Key] = {}
        self.counters: dict[int, Counter] = {}
        self.accounts: dict[int, AccountRow] = {}
        self.holds: dict[int, Held] = {}
        self.windows = Windows(worker_id)

    def forget(self) -> None:
        """Everything but the windows, which only grow by what others tell."""
        self.version = None
        self.keys.clear()
        self.counters.clear()
        self.accounts.clear()
        self.holds.clear()

    def distrust(self) -> None:
        """After a transaction whose end is not known or that was rolled back."""
        self.forget()
        self.windows.clear()

    def proved(self, version: int | None) -> bool:
        """True when all that is known holds; else it is forgotten, to be read anew."""
        if version is not None and version == self.version and len(self.counters) < LARGEST:
            return True
        self.forget()
        self.version = version
        return False

    # -- learning from rows ------------------------------------------------------------------------

    def learn_numbers(self, counters: Sequence[Sequence[Any]], accounts: Sequence[Sequence[Any]]) -> None:
        for row in counters:
            self.counters[row[0]] = Counter(*row)
        for row in accounts:
            self.accounts[row[0]] = AccountRow(*row)

    def learn_holds(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            self.holds[row[0]] = Held(*row)


def keys_of(rows: Sequence[Sequence[Any]], asked: set[str]) -> dict[str, Key]:
    """Rows of ``statements.KEYS``; of each, the hashes that were asked for."""
    found: dict[str, Key] = {}
    for key_hash, old_hash, old_until, *row in rows:
        terms = terms_of(tuple(row))
        if key_hash in asked:
            found[key_hash] = Key(row[0], row[2], terms)
        if old_hash in asked and old_until is not None:
            found[old_hash] = Key(row[0], row[2], terms, old_until)
    return found


@lru_cache(maxsize=10_000)
def terms_of(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The columns of ``statements.KEYS`` from the id on as the first fields of a Holder."""
    return (
        row[0],  # token_id
        row[1],  # hint
        row[2],  # user_id
        bool(row[3]),  # user_enabled
        row[4] is not None,  # user_deleted
        row[5],  # role
        row[6],  # own_group
        _list(row[7]),  # extra_groups
        None if row[8] is None else Decimal(row[8]),  # user_ratio
        bool(row[9]),  # log_address
        row[10] is not None,  # token_deleted
        bool(row[11]),  # enabled
        row[12],  # expires_at
        row[13],  # quota
        row[14],  # quota_period
        _list(row[15]),  # allowed_models
        _list(row[16]),  # ip_whitelist
        row[17],  # group_id
        row[18],  # rate_limit
    )


@lru_cache(maxsize=4096)
def _list(text: str) -> tuple[Any, ...]:
    return tuple(json.loads(text))
