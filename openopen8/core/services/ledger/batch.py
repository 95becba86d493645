"""One transaction of the ledger: load the rows of all that wait, decide in order, write what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from openopen8.core.errors import Problem
from openopen8.core.rules import admission, limits
from openopen8.core.rules.admission import CountFirst
from openopen8.core.services.ledger.book import Book
from openopen8.core.services.ledger.items import Admit, Item, Wanted
from openopen8.core.services.ledger.known import Known
from openopen8.core.services.ledger.rows import Stopped, holder_of
from openopen8.core.services.ledger.store import Transaction
from openopen8.core.services.ledger.texts import parsed
from openopen8.core.services.snapshot import read_snapshot

Clock = Callable[[], int]


async def run_batch(tx: Transaction, known: Known, items: Sequence[Item], clock: Clock, worker_id: int) -> list[Any]:
    """Decide all ``items``; returns what came of each: a value, or an exception to raise at the one who waits.

    The caller commits and only then tells the waiters. When it does not commit, ``known`` must be distrusted.
    """
    version = await tx.version()
    wanted = Wanted(revision=not known.proved(version))
    for item in items:
        item.want(wanted, known)
    book = Book(known, clock(), worker_id)
    if wanted:
        await _load(tx, book, wanted)
    await _hear(tx, book, items, version)
    outcomes = [_outcome(book, item) for item in items]
    await tx.save(book.changes.writes(known, book.now))
    return outcomes


def _outcome(book: Book, item: Item) -> Any:
    try:
        return item.decide(book)
    except (Problem, CountFirst) as refusal:
        # its frames know the item, which knows the future that keeps the refusal
        return refusal.with_traceback(None)


async def _load(tx: Transaction, book: Book, wanted: Wanted) -> None:
    loaded, known = await tx.load(wanted), book.known
    if loaded.revision is not None and loaded.revision != known.snapshot.revision:
        known.snapshot = await read_snapshot(loaded.revision, tx.select)
    known.keys.update(loaded.keys)
    known.learn_numbers(loaded.counters, loaded.accounts)
    known.learn_holds(loaded.holds)
    for row in loaded.stopped:
        hold = Stopped._make((*row[:9], parsed(row[9]), parsed(row[10]) if row[10] else None))
        book.stopped[hold.id] = hold


async def _hear(tx: Transaction, book: Book, items: Sequence[Item], version: int | None) -> None:
    """Whom the other workers have admitted, where it may matter to one of ``items``."""
    windows, groups = book.known.windows, []
    if version is None:
        scopes = {limit.scope for item in items if isinstance(item, Admit) for limit in _bounds(book, item)}
        if not scopes:
            return
        # a token's and a user's windows are covered by their locked rows, a group's is not
        groups = sorted(scope for scope in scopes if scope.startswith("group:"))
    elif version == windows.version:
        return
    windows.hear(await tx.hear(groups, windows.heard(), book.now - limits.WINDOW))
    windows.version = version


def _bounds(book: Book, item: Admit) -> Sequence[limits.Limit]:
    key = book.known.keys.get(item.ask.key_hash or "")
    if key is None:
        return ()
    return admission.bounds_of(item.ask, holder_of(*key.terms, 0, 0, 0, 0, 0), book.known.snapshot)
