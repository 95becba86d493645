"""One transaction of the ledger: load the rows of all that wait, decide in order, write what has changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openopen8.core.errors import Problem
from openopen8.core.rules import admission, limits
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services.ledger import statements as sql
from openopen8.core.services.ledger.book import Book, holder_of
from openopen8.core.services.ledger.items import (
    AccountRow,
    Admit,
    Advance,
    Beat,
    Counter,
    HoldRow,
    Interrupted,
    Item,
    Settle,
)
from openopen8.core.services.ledger.store import Transaction
from openopen8.core.services.snapshot import REVISION, read_snapshot

Outcome = tuple[Item, Any]
"""An item and what came of it: a value, or an exception to raise at the one who waits."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a committed batch leaves behind."""

    outcomes: list[Outcome]
    snapshot: Snapshot


async def run_batch(tx: Transaction, items: Sequence[Item], snapshot: Snapshot, now: int, worker_id: int) -> Result:
    """Decide all ``items``; the caller commits and only then tells the waiters."""
    book = Book(await _current(tx, snapshot), now, worker_id)
    await _load(tx, book, items)
    outcomes = [(item, _outcome(book, item)) for item in items]
    await _save(tx, book)
    return Result(outcomes, book.snapshot)


async def _current(tx: Transaction, snapshot: Snapshot) -> Snapshot:
    number = (await tx.select(REVISION))[0][0]
    return snapshot if snapshot.revision == number else await read_snapshot(number, tx.select)


def _outcome(book: Book, item: Item) -> Any:
    try:
        return _decide(book, item)
    except Problem as problem:
        return problem


def _decide(book: Book, item: Item) -> Any:
    match item:
        case Admit(ask, "admit"):
            return book.admit(ask)
        case Admit(ask, "knock"):
            return book.knock(ask)
        case Admit(ask, _):
            return book.identify(ask)
        case Settle(bill):
            return book.settle(bill)
        case Advance(progress):
            for request_id, made in progress:
                book.advance(request_id, made)
            return None
        case Beat():
            book.changes.beat = True
            return None
        case Interrupted(request_ids):
            return sum(book.interrupted(request_id) for request_id in request_ids)


async def _load(tx: Transaction, book: Book, items: Sequence[Item]) -> None:
    hashes = {item.ask.key_hash for item in items if isinstance(item, Admit) and item.ask.key_hash}
    tokens, users = await _load_holders(tx, book, hashes)
    requests = _settling(items)
    for row in await tx.fetch(sql.HOLDS, sorted(requests)):
        hold = HoldRow._make((*row[:11], json.loads(row[11]), json.loads(row[12]) if row[12] else None))
        book.holds[hold.request_id] = hold
        tokens.add(hold.token_id)
        users.add(hold.user_id)
    for item in items:
        if isinstance(item, Settle):
            tokens.add(item.bill.grant.holder.token_id)
            users.add(item.bill.grant.holder.user_id)
    for row in await tx.fetch(sql.COUNTERS, sorted(tokens)):
        book.counters[row[0]] = Counter(*row)
    for row in await tx.fetch(sql.ACCOUNTS, sorted(users)):
        book.accounts[row[0]] = AccountRow(*row)
    await _load_windows(tx, book, items)


async def _load_holders(tx: Transaction, book: Book, hashes: set[str]) -> tuple[set[int], set[int]]:
    tokens, users = set(), set()
    for row in await tx.fetch(sql.TOKENS, sorted(hashes)):
        key_hash, old_hash, old_until = row[0], row[1], row[2]
        holder = holder_of(row)
        if key_hash in hashes:
            book.holders[key_hash] = holder
        if old_hash in hashes and old_until is not None and book.now < old_until:
            book.holders[old_hash] = holder
        tokens.add(holder.token_id)
        users.add(holder.user_id)
    return tokens, users


def _settling(items: Sequence[Item]) -> set[str]:
    found: set[str] = set()
    for item in items:
        match item:
            case Settle(bill):
                found.add(bill.grant.ask.request_id)
            case Advance(progress):
                found.update(request_id for request_id, _ in progress)
            case Interrupted(request_ids):
                found.update(request_ids)
            case _:
                pass
    return found


async def _load_windows(tx: Transaction, book: Book, items: Sequence[Item]) -> None:
    scopes = {
        limit.scope
        for item in items
        if isinstance(item, Admit) and item.how == "admit" and item.ask.key_hash in book.holders
        for limit in admission.bounds_of(item.ask, book.holders[item.ask.key_hash], book.snapshot)
    }
    # a token's and a user's windows are covered by their locked rows, a group's is not
    await tx.lock(sorted(scope for scope in scopes if scope.startswith("group:")))
    since = book.now - limits.WINDOW
    for scope, count, oldest in await tx.fetch(sql.WINDOWS, sorted(scopes), [since]):
        book.windows[scope] = limits.Window(int(count), oldest)


async def _save(tx: Transaction, book: Book) -> None:
    changes = book.changes
    counters = [book.counters[id] for id in sorted(changes.counters)]
    await tx.write(
        sql.COUNTERS_SET,
        [
            (
                c.used,
                c.used_total,
                c.held,
                c.period_start,
                c.last_used_at,
                c.refused_minute,
                c.refused_count,
                c.token_id,
            )
            for c in counters
        ],
    )
    accounts = [book.accounts[id] for id in sorted(changes.accounts)]
    await tx.write(sql.ACCOUNTS_SET, [(a.balance, a.held, a.revision, a.user_id) for a in accounts])
    await tx.write(sql.HOLDS_NEW, list(changes.new_holds.values()))
    moved = [(amount, record, id) for id, (amount, record) in changes.moved_holds.items()]
    await tx.write(sql.HOLDS_SET, moved)
    await tx.write(sql.HOLDS_END, [(id,) for id in sorted(changes.ended_holds)])
    await tx.write(sql.LOG_NEW, changes.log)
    await tx.write(sql.LOG_SUPPRESS, [(count, token) for token, count in changes.suppressed.items()])
    since = book.now - limits.WINDOW
    await tx.write(sql.RATES_END, [(scope, since) for scope in sorted({scope for scope, _ in changes.rates})])
    await tx.write(sql.RATES_ADD, [(scope, at, count) for (scope, at), count in sorted(changes.rates.items())])
    if changes.beat:
        await tx.write(sql.HEARTBEAT, [(book.now, book.worker_id)])
