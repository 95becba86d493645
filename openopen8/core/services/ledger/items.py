"""What waits for the next transaction of the ledger. Each item knows its rows, its decision and who waits for it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Protocol

import msgspec

from openopen8.core.rules.admission import Ask, Grant, Holder
from openopen8.core.services.ledger.bill import Bill, Progress, Settled
from openopen8.core.services.ledger.book import Book
from openopen8.core.services.ledger.known import Known
from openopen8.core.services.ledger.listing import Listing
from openopen8.core.services.responses import Kept


class Wanted:
    """The rows that a batch needs and that are not known."""

    __slots__ = ("hashes", "holds", "revision", "stopped", "tokens", "users")

    def __init__(self, revision: bool) -> None:
        self.revision = revision
        self.hashes: set[str] = set()
        self.tokens: set[int] = set()
        self.users: set[int] = set()
        self.holds: set[int] = set()
        self.stopped: set[int] = set()
        """Holds of which the whole row is needed."""

    def __bool__(self) -> bool:
        return bool(self.revision or self.hashes or self.holds or self.tokens or self.users or self.stopped)


class Item(Protocol):
    """One thing to do in a transaction."""

    @property
    def done(self) -> asyncio.Future[Any] | None:
        """Who waits; None when nobody does."""

    @property
    def sync(self) -> bool:
        """True when it must outlive a power cut, once it is done."""

    def want(self, wanted: Wanted, known: Known) -> None:
        """Add what has to be read."""

    def decide(self, book: Book) -> Any:
        """Do it; raises a Problem to the one who waits."""


class Admit(msgspec.Struct, eq=False, gc=False):
    """A request at the door: everything is checked, credits are held."""

    sync: ClassVar[bool] = False
    ask: Ask
    hold_id: int
    done: asyncio.Future[Grant]

    def want(self, wanted: Wanted, known: Known) -> None:
        _want_key(self.ask, wanted, known)

    def decide(self, book: Book) -> Grant:
        return book.admit(self.ask, self.hold_id)


class Knock(msgspec.Struct, eq=False, gc=False):
    """Only key, user and address are looked at."""

    sync: ClassVar[bool] = False
    ask: Ask
    done: asyncio.Future[Holder]

    def want(self, wanted: Wanted, known: Known) -> None:
        _want_key(self.ask, wanted, known)

    def decide(self, book: Book) -> Holder:
        return book.knock(self.ask)


class Identify(msgspec.Struct, eq=False, gc=False):
    """Who wants a list, or a balance?"""

    sync: ClassVar[bool] = False
    ask: Ask
    done: asyncio.Future[Listing]

    def want(self, wanted: Wanted, known: Known) -> None:
        _want_key(self.ask, wanted, known)

    def decide(self, book: Book) -> Listing:
        return book.identify(self.ask)


class Settle(msgspec.Struct, eq=False, gc=False):
    """The end of a request."""

    sync: ClassVar[bool] = True
    bill: Bill
    done: asyncio.Future[Settled] | None

    def want(self, wanted: Wanted, known: Known) -> None:
        grant = self.bill.grant
        if grant.hold_id not in known.holds:
            # what is open is known together with its numbers
            wanted.holds.add(grant.hold_id)
            _want_numbers(grant.holder.token_id, grant.holder.user_id, wanted, known)

    def decide(self, book: Book) -> Settled:
        return book.settle(self.bill)


class Advance(msgspec.Struct, eq=False, gc=False):
    """The streams' charges so far, by hold."""

    sync: ClassVar[bool] = True
    progress: list[tuple[int, Progress]]
    done: None = None

    def want(self, wanted: Wanted, known: Known) -> None:
        wanted.holds.update([id for id, _ in self.progress if id not in known.holds])

    def decide(self, book: Book) -> None:
        for id, made in self.progress:
            book.advance(id, made)


class Interrupted(msgspec.Struct, eq=False, gc=False):
    """Holds that nobody else will settle, to be settled for what was delivered."""

    sync: ClassVar[bool] = True
    holds: list[int]
    done: asyncio.Future[int] | None

    def want(self, wanted: Wanted, known: Known) -> None:
        wanted.stopped.update(self.holds)

    def decide(self, book: Book) -> int:
        return sum([book.interrupted(id) for id in self.holds])


class Keep(msgspec.Struct, eq=False, gc=False):
    """An answer that later requests may go on from, and those before it, which are in use again."""

    kept: Kept
    before: list[str]
    done: asyncio.Future[None] | None

    @property
    def sync(self) -> bool:
        """What will be charged by this row alone must not get lost."""
        return self.kept.hold_id is not None

    def want(self, wanted: Wanted, known: Known) -> None:
        """Nothing."""

    def decide(self, book: Book) -> None:
        book.keep(self.kept, self.before)


class Beat(msgspec.Struct, eq=False, gc=False):
    """This worker lives."""

    sync: ClassVar[bool] = False
    done: None = None

    def want(self, wanted: Wanted, known: Known) -> None:
        """Nothing."""

    def decide(self, book: Book) -> None:
        book.beat()


def _want_key(ask: Ask, wanted: Wanted, known: Known) -> None:
    if ask.key_hash and ask.key_hash not in known.keys:
        wanted.hashes.add(ask.key_hash)


def _want_numbers(token_id: int, user_id: int, wanted: Wanted, known: Known) -> None:
    if token_id not in known.counters:
        wanted.tokens.add(token_id)
    if user_id not in known.accounts:
        wanted.users.add(user_id)
