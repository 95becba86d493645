"""What waits for the next transaction of the ledger, and the rows that it works on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from openopen8.core.rules.admission import Ask, Grant, Holder
from openopen8.core.rules.snapshot import GroupTerms, Snapshot
from openopen8.core.services.ledger.bill import Bill, Progress, Settled


@dataclass(frozen=True, slots=True)
class Listing:
    """A caller who only looks: its token, group and ratio, with the snapshot of the same moment."""

    holder: Holder
    group: GroupTerms
    ratio: Decimal
    snapshot: Snapshot


@dataclass(eq=False, slots=True)
class Admit:
    """A request at the door. ``admit`` holds credits, ``knock`` looks at key and address, ``identify`` lists."""

    ask: Ask
    how: Literal["admit", "knock", "identify"]
    done: asyncio.Future[Grant | Holder | Listing]


@dataclass(eq=False, slots=True)
class Settle:
    """The end of a request; ``done`` is None when nobody waits."""

    bill: Bill
    done: asyncio.Future[Settled] | None


@dataclass(eq=False, slots=True)
class Advance:
    """The streams' charges so far, by request id."""

    progress: list[tuple[str, Progress]]


@dataclass(eq=False, slots=True)
class Interrupted:
    """Holds of dead workers, to be settled for what was delivered."""

    request_ids: list[str]
    done: asyncio.Future[int]


@dataclass(eq=False, slots=True)
class Beat:
    """This worker lives."""


Item = Admit | Settle | Advance | Interrupted | Beat


@dataclass(slots=True)
class Counter:
    """A token's hot row while a batch works on it."""

    token_id: int
    used: int
    used_total: int
    held: int
    period_start: int
    last_used_at: int | None
    refused_minute: int
    refused_count: int


@dataclass(slots=True)
class AccountRow:
    """A user's hot row while a batch works on it."""

    user_id: int
    balance: int
    held: int
    revision: int


class HoldRow(NamedTuple):
    """An open hold as it stands in the database."""

    request_id: str
    worker_id: int
    user_id: int
    token_id: int
    amount: int
    period_start: int
    admitted_at: int
    group_id: int
    group_ratio: str
    price_id: int
    model: str
    facts: dict[str, Any]
    progress: dict[str, Any] | None


@dataclass(slots=True)
class Changes:
    """What a batch will write: absolute values for hot rows, new rows for the rest."""

    counters: set[int] = field(default_factory=set)
    accounts: set[int] = field(default_factory=set)
    new_holds: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    moved_holds: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    ended_holds: set[str] = field(default_factory=set)
    log: list[tuple[Any, ...]] = field(default_factory=list)
    suppressed: dict[int, int] = field(default_factory=dict)
    rates: dict[tuple[str, int], int] = field(default_factory=dict)
    beat: bool = False
