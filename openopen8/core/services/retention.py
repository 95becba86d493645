"""Deletes what has been in the log for long enough, oldest first, in steps of a few milliseconds.

Requests go with their corrections, which limit each other. Their sums stay, so balances, ``used`` and charts don't
change; only the counts of refusals go with the entries, since anybody with a token can fill them with names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text

from openopen8.core.clock import DAY
from openopen8.core.models.usage_sum import CODES
from openopen8.core.rules.options import Options
from openopen8.core.services.duty import Duty
from openopen8.core.services.log_digest import INDEXES, KEYS, mark, set_mark

SLICE = 250
"""Entries, or sums, in one transaction."""


@dataclass(frozen=True, slots=True)
class Term:
    """Entries of ``kinds``, which are codes from ``low`` to ``high``, written before ``before`` (ms) go."""

    kinds: tuple[str, ...]
    low: int
    high: int
    before: int


def terms(options: Options, now: int, needed: int | None = None) -> tuple[Term, ...]:
    """What the settings say, in whole UTC days. Requests since ``needed`` stay: a task may still be given back."""
    today = now - now % DAY
    found = []
    if options.log_retention_days is not None:
        before = today - options.log_retention_days * DAY
        if needed is not None:
            before = min(before, needed - needed % DAY)
        found.append(Term(("request", "correction"), -1, 999, before))
    for kind in ("credit", "admin", "login"):
        days = getattr(options, f"{kind}_retention_days")
        if days is not None:
            found.append(Term((kind,), CODES[kind], CODES[kind], today - days * DAY))
    return tuple(found)


def sweep(duty: Duty, wanted: Sequence[Term]) -> Iterator[int]:
    """Deletes what the terms say; yields after each step how many entries or sums it deleted."""
    for term in wanted:
        if "request" in term.kinds:
            with duty.step() as connection:
                # first the mark: lists and audit go by it from now on
                set_mark(connection, "complete", max(term.before, mark(connection, "complete")))
        for day, first, last in _days(duty, term):
            yield from _day(duty, term, day, first, last)


def _days(duty: Duty, term: Term) -> list[tuple[int, int, int]]:
    """Days of the past that have sums, and the ids in between which their entries are, or were."""
    query = text(
        "SELECT start, MIN(first_id), MAX(last_id) FROM usage_sums WHERE grain = 86400 AND token_id = 0 "
        "AND user_id = 0 AND status BETWEEN :low AND :high AND start < :before GROUP BY start ORDER BY start"
    )
    with duty.look() as connection:
        span = {"low": term.low, "high": term.high, "before": term.before}
        return [(row[0], row[1], row[2]) for row in connection.execute(query, span)]


def _day(duty: Duty, term: Term, day: int, first: int, last: int) -> Iterator[int]:
    which = "kind IN :kinds AND time >= :day AND time < :day + 86400000"
    query = text(
        "SELECT id, time, token_id, user_id, request_id FROM log_entries "
        f"WHERE id >= :first AND id <= :last AND {which} ORDER BY id LIMIT {SLICE}"
    ).bindparams(bindparam("kinds", expanding=True))
    gone = text(f"DELETE FROM log_entries WHERE id >= :first AND id <= :last AND {which}")
    gone = gone.bindparams(bindparam("kinds", expanding=True))
    refusals = "request" in term.kinds
    while True:
        with duty.look() as connection:
            span = {"kinds": term.kinds, "day": day, "first": first, "last": last}
            rows = connection.execute(query, span).all()
        if not rows:
            return
        if refusals:  # before its entries: then a day that was left halfway is found again by them
            yield from _refusals(duty, day)
            refusals = False
        with duty.step() as connection:
            connection.execute(gone, {**span, "last": rows[-1].id})
            if duty.db.is_sqlite:
                _unindex(connection, rows)
            if "request" not in term.kinds:
                _uncount(connection, term, rows)
        first = rows[-1].id + 1
        yield len(rows)


def _unindex(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    for table, key, *_ in INDEXES:
        found = [{"key": row._mapping.get(key), "id": row.id} for row in rows]
        # all but log_others begin with what is indexed
        where = "id = :id" if table == "log_others" else f"{key} = :key AND id = :id"
        connection.execute(text(f"DELETE FROM {table} WHERE {where}"), found)


def _uncount(connection: Connection, term: Term, rows: Sequence[Row[Any]]) -> None:
    """Sums of entries that charge nothing go with them."""
    which = "grain = :grain AND token_id = 0 AND user_id = :user AND start = :start AND status = :code"
    cells = [
        {"grain": grain, "user": user, "start": row.time - row.time % (grain * 1_000), "code": term.low}
        for row in rows
        for grain in (60, 3_600, 86_400)
        for user in {0, row.user_id or 0}
    ]
    connection.execute(text(f"UPDATE usage_sums SET entries = entries - 1 WHERE {which}"), cells)
    connection.execute(text(f"DELETE FROM usage_sums WHERE entries <= 0 AND {which}"), cells)


def _refusals(duty: Duty, day: int) -> Iterator[int]:
    """Sums of a day that count refusals alone."""
    keys = ", ".join(f"s.{key}" for key in KEYS)
    empty = "s.start >= :day AND s.start < :day + 86400000 AND s.requests = 0 AND s.credits = 0 AND s.status >= 0"
    queries = (
        f"SELECT {keys} FROM usage_sums s WHERE s.grain = :grain AND s.token_id = 0 AND s.user_id = 0 AND {empty}",
        f"SELECT {keys} FROM users u JOIN usage_sums s ON s.grain = :grain AND s.token_id = 0 AND s.user_id = u.id "
        f"WHERE {empty}",
        f"SELECT {keys} FROM tokens t JOIN usage_sums s ON s.grain = :grain AND s.token_id = t.id "
        f"AND s.user_id = t.user_id WHERE {empty}",
    )
    gone = text(f"DELETE FROM usage_sums WHERE {' AND '.join(f'{key} = :{key}' for key in KEYS)}")
    for query in queries:
        for grain in (60, 3_600, 86_400):
            with duty.look() as connection:
                rows = connection.execute(text(query), {"grain": grain, "day": day}).all()
            for at in range(0, len(rows), SLICE):
                some = [dict(row._mapping) for row in rows[at : at + SLICE]]
                with duty.step() as connection:
                    connection.execute(gone, some)
                yield len(some)
