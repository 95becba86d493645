"""Rows that the ledger works on, as it keeps them in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from openopen8.core.rules.admission import Holder

holder_of: Callable[..., Holder] = Holder
"""From the terms of a Key and the numbers of the moment: used, held, period, balance, held of the user."""


class Key(msgspec.Struct, frozen=True, gc=False):
    """A credential: whose it is, on which terms, and how long a replaced one is still good."""

    token_id: int
    user_id: int
    terms: tuple[Any, ...]
    """The first fields of a ``Holder``; its numbers follow from counter and account."""
    until: int | None = None


class Counter(msgspec.Struct, eq=False, gc=False):
    """A token's hot row."""

    token_id: int
    used: int
    used_total: int
    held: int
    period_start: int
    last_used_at: int | None
    refused_minute: int
    refused_count: int

    def row(self) -> tuple[Any, ...]:
        """In the order of ``statements.COUNTERS_SET``."""
        return (
            self.used,
            self.used_total,
            self.held,
            self.period_start,
            self.last_used_at,
            self.refused_minute,
            self.refused_count,
            self.token_id,
        )


class AccountRow(msgspec.Struct, eq=False, gc=False):
    """A user's hot row."""

    user_id: int
    balance: int
    held: int
    revision: int

    def row(self) -> tuple[int, ...]:
        """In the order of ``statements.ACCOUNTS_SET``."""
        return (self.balance, self.held, self.revision, self.user_id)


class Held(msgspec.Struct, eq=False, gc=False):
    """An open hold, as far as its own worker must remember it: the rest is in the grant."""

    id: int
    token_id: int
    user_id: int
    amount: int
    token_amount: int
    period_start: int


class Stopped(NamedTuple):
    """The whole row of a hold whose worker is gone."""

    id: int
    token_id: int
    user_id: int
    amount: int
    token_amount: int
    period_start: int
    request_id: str
    group_id: int
    model: str
    facts: dict[str, Any]
    progress: dict[str, Any] | None


LAST_BITS = 40
"""Holds and admissions of worker ``w`` have the ids from ``w << 40`` on: a dead worker's are one range of keys."""


def first_id(worker_id: int) -> int:
    """Below all ids of this worker. Holds that outlive it have them with a minus."""
    return worker_id << LAST_BITS
