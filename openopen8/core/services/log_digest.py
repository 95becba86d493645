"""Follows the log: what requests append becomes sums and index entries, in the background and in small steps.

Requests write one narrow-indexed row and nothing else. Everything up to the mark ``digested`` is in ``usage_sums``
and, on SQLite, in the tables of ``log_index``; readers take what is younger from the log itself, so nobody waits for
this work and no number is ever late. ``docs/decisions/0012-logs-at-scale.md`` tells why, with figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, TextClause, text

from openopen8.core.clock import HOUR
from openopen8.core.clock import MINUTE as MINUTE_MS
from openopen8.core.models.usage_sum import CODES
from openopen8.core.services.duty import Duty

DUTY = "log-keeper"
ROUND = 20_000
"""Entries taken at once: enough that many entries of one token share a page of its index."""
SLICE = 500
"""Index entries, and sums to be moved, in one transaction: a millisecond or two."""
BUSY = 20_000
"""An hour with more entries than this keeps its minutes, so that no cut hour is read from the log."""
FRESH = 2 * HOUR
"""So long all hours keep their minutes."""

KEYS = ("grain", "token_id", "user_id", "start", "model", "channel_id", "group_id", "status", "period_start")
ADDED = ("entries", "requests", "errors", "input_tokens", "output_tokens", "cached_tokens", "credits")
_COLUMNS = ", ".join((*KEYS, *ADDED, "first_id", "last_id"))

_KINDS = " ".join(f"WHEN '{kind}' THEN {code}" for kind, code in CODES.items())
CODE = f"CASE kind WHEN 'request' THEN COALESCE(status, 0) {_KINDS} ELSE -9 END"
"""An entry's ``status`` in the sums."""
ADMITTED = "kind = 'request' AND (period_start IS NOT NULL OR COALESCE(status, 0) < 400)"
FAILED = f"{ADMITTED} AND (COALESCE(status, 400) >= 400 OR error LIKE 'interrupted:%')"
CHARGED = "CASE WHEN kind IN ('request', 'correction') THEN credits ELSE 0 END"
MEASURES: dict[str, str] = {
    "entries": "COUNT(*)",
    "requests": f"COUNT(CASE WHEN {ADMITTED} THEN 1 END)",
    "errors": f"COUNT(CASE WHEN {FAILED} THEN 1 END)",
    "input_tokens": "SUM(input_tokens)",
    "output_tokens": "SUM(output_tokens)",
    "cached_tokens": "SUM(cached_tokens)",
    "credits": f"SUM({CHARGED})",
}
"""The sums as counting the log gives them."""

_UPSERT = (
    f" ON CONFLICT ({', '.join(KEYS)}) DO UPDATE SET "
    + ", ".join(f"{name} = usage_sums.{name} + excluded.{name}" for name in ADDED)
    + ", first_id = CASE WHEN excluded.first_id < usage_sums.first_id THEN excluded.first_id "
    "ELSE usage_sums.first_id END, last_id = CASE WHEN excluded.last_id > usage_sums.last_id "
    "THEN excluded.last_id ELSE usage_sums.last_id END"
)
_SLOTS = (
    "SELECT 10 AS grain, COALESCE(token_id, 0) AS token_id, COALESCE(user_id, 0) AS user_id, "
    "time - time % 10000 AS start, model AS model, COALESCE(channel_id, 0) AS channel_id, "
    f"COALESCE(group_id, 0) AS group_id, {CODE} AS status, COALESCE(period_start, 0) AS period_start, "
    + ", ".join(f"{measure} AS {name}" for name, measure in MEASURES.items())
    + ", MIN(id) AS first_id, MAX(id) AS last_id FROM log_entries WHERE id > :after AND id <= :upto "
    "GROUP BY 2, 3, 4, 5, 6, 7, 8, 9"
)
_ADD = text(f"INSERT INTO usage_sums ({_COLUMNS}) {_SLOTS}{_UPSERT}")
_STAGE = text(f"INSERT INTO temp.fresh_sums ({_COLUMNS}) {_SLOTS}")
_ADD_STAGED = text(f"INSERT INTO usage_sums ({_COLUMNS}) SELECT {_COLUMNS} FROM temp.fresh_sums WHERE true{_UPSERT}")

_TOKEN = "CASE WHEN s.column1 = 2 THEN u.token_id ELSE 0 END"
_USER = "CASE WHEN s.column1 = 0 THEN 0 ELSE u.user_id END"
_TAKEN = "grain = 10 AND token_id >= :first AND token_id <= :last AND start < :until"


def _move(sqlite: bool) -> TextClause:
    """Slots into minutes, hours and days, each by token, by user and for all.

    SQLite adds row by row, which is cheaper than sorting them; PostgreSQL must not meet a row twice.
    """
    added = ", ".join(f"u.{name}" if sqlite else f"SUM(u.{name})" for name in ADDED)
    ids = "u.first_id, u.last_id" if sqlite else "MIN(u.first_id), MAX(u.last_id)"
    hour = "u.start - u.start % 3600000"
    return text(
        f"INSERT INTO usage_sums ({_COLUMNS}) SELECT g.column1, {_TOKEN}, {_USER}, "
        "u.start - u.start % (g.column1 * 1000), u.model, u.channel_id, u.group_id, u.status, "
        f"CASE WHEN s.column1 = 2 AND g.column1 = 3600 THEN u.period_start ELSE 0 END, {added}, {ids} "
        "FROM usage_sums u CROSS JOIN (VALUES (0), (1), (2)) AS s CROSS JOIN (VALUES (60), (3600), (86400)) AS g "
        f"WHERE {_TAKEN} "
        "AND (s.column1 = 0 OR (s.column1 = 1 AND u.user_id > 0) OR (s.column1 = 2 AND u.token_id > 0)) "
        # minutes of an old hour are all there or not at all: a latecomer must not make them look whole
        "AND (g.column1 <> 60 OR u.start >= :pruned OR EXISTS (SELECT 1 FROM usage_sums m WHERE m.grain = 60 "
        f"AND m.token_id = {_TOKEN} AND m.user_id = {_USER} AND m.start >= {hour} AND m.start < {hour} + 3600000)) "
        f"{'' if sqlite else 'GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9'}{_UPSERT}"
    )


INDEXES: tuple[tuple[str, str, str, str], ...] = (
    ("log_tokens", "token_id", "token_id", "token_id IS NOT NULL"),
    ("log_users", "user_id", "user_id", "user_id IS NOT NULL"),
    ("log_requests", "request_id", "request_id", "request_id <> ''"),
    ("log_others", "code", CODE, "(kind <> 'request' OR status >= 400)"),
)
"""The tables that are the log's index on SQLite: what each calls what of an entry, and of which entries."""


@dataclass(slots=True)
class Digest:
    """Rounds of one process that holds the duty."""

    duty: Duty
    most: int = ROUND
    slice: int = SLICE
    busy: int = BUSY
    _seen: list[tuple[int, int]] = field(default_factory=list)
    _upto: int = 0

    def ready(self) -> int:
        """How many ids wait to be digested; look again a second later for what is too young now."""
        with self.duty.look() as connection:
            self._upto = self._settled(connection)
            return max(0, self._upto - mark(connection, "digested"))

    def round(self) -> int:
        """Take the next entries of those that were ready; returns how many ids, 0 when there are none."""
        with self.duty.look() as connection:
            after = mark(connection, "digested")
        upto = min(self._upto, after + self.most)
        if upto <= after:
            return 0
        if self.duty.db.is_sqlite:
            self._index(after, upto)
        with self.duty.step() as connection:
            if not set_mark(connection, "digested", upto, after):
                raise RuntimeError("two processes digest the log")
            if self.duty.db.is_sqlite:
                connection.execute(_ADD_STAGED)
            else:
                connection.execute(_ADD, {"after": after, "upto": upto})
        return upto - after

    def _settled(self, connection: Connection) -> int:
        """No entry up to this id will appear any more.

        SQLite commits in the order of ids. PostgreSQL does not: a transaction that took its ids before the last look
        but one has ended when the oldest running one is younger than the last look.
        """
        newest = "SELECT COALESCE(MAX(id), 0)"
        if self.duty.db.is_sqlite:
            return int(connection.execute(text(f"{newest} FROM log_entries")).scalar_one())
        now = "pg_current_snapshot()"
        look = text(f"{newest}, pg_snapshot_xmax({now})::text, pg_snapshot_xmin({now})::text FROM log_entries")
        id, following, oldest = connection.execute(look).one()
        done = [i for i in range(len(self._seen) - 1) if self._seen[i + 1][1] <= int(oldest)]
        settled = self._seen[done[-1]][0] if done else 0
        self._seen = [*(self._seen[done[-1] :] if done else self._seen[-1000:]), (int(id), int(following))]
        return settled

    def _index(self, after: int, upto: int) -> None:
        """Index entries in their order, a few per transaction; readers ignore them until the mark is set."""
        span = {"after": after, "upto": upto}
        with self.duty.look() as connection:
            _clear(connection)
            connection.execute(_STAGE, span)
            most = 0
            for table, _, source, some in INDEXES:
                some = f"{some} AND id > :after AND id <= :upto"
                rows = f"SELECT {source}, id FROM log_entries WHERE {some} ORDER BY 1, 2"
                most = max(most, connection.execute(text(f"INSERT INTO temp.fresh_{table} {rows}"), span).rowcount)
        for start in range(0, most, self.slice):
            with self.duty.step() as connection:
                for table, key, *_ in INDEXES:
                    rows = f"SELECT key, id FROM temp.fresh_{table} WHERE rowid > :start AND rowid <= :end"
                    add = f"INSERT OR IGNORE INTO {table} ({key}, id) {rows}"
                    connection.execute(text(add), {"start": start, "end": start + self.slice})

    def move(self, until: int, late: Callable[[], bool] = lambda: False) -> int:
        """Slots that began before ``until`` (ms) go into minutes, hours and days, until it is ``late``; how many."""
        moved = 0
        until -= until % MINUTE_MS
        for first, last, count in self._slices(until):
            if late():
                break
            with self.duty.step() as connection:
                pruned = mark(connection, "pruned")
                span = {"first": first, "last": last, "until": until}
                connection.execute(_move(self.duty.db.is_sqlite), {**span, "pruned": pruned})
                connection.execute(text(f"DELETE FROM usage_sums WHERE {_TAKEN}"), span)
            moved += count
        return moved

    def _slices(self, until: int) -> Iterator[tuple[int, int, int]]:
        """Ranges of tokens with about ``slice`` slots each."""
        query = "SELECT token_id, COUNT(*) FROM usage_sums WHERE grain = 10 AND start < :until GROUP BY 1 ORDER BY 1"
        with self.duty.look() as connection:
            rows = connection.execute(text(query), {"until": until}).all()
        first, count = None, 0
        for token, slots in rows:
            first = token if first is None else first
            count += slots
            if count >= self.slice:
                yield first, token, count
                first, count = None, 0
        if first is not None:
            yield first, rows[-1][0], count

    def prune(self, now: int) -> int:
        """Minutes of hours that are over and were not busy go; returns of how many hours, users and tokens."""
        before = (now - FRESH) - (now - FRESH) % HOUR
        with self.duty.look() as connection:
            known = mark(connection, "pruned")
        if before <= known:
            return 0
        # first the mark: from now on minutes count as whole only where there are some
        with self.duty.step() as connection:
            set_mark(connection, "pruned", before)
        return self._forget_minutes(before)

    def _forget_minutes(self, before: int) -> int:
        hour = "start - start % 3600000"
        quiet = text(
            f"SELECT token_id, user_id, {hour} FROM usage_sums WHERE grain = 60 AND start < :before "
            "GROUP BY 1, 2, 3 HAVING SUM(entries) <= :busy"
        )
        with self.duty.look() as connection:
            found = connection.execute(quiet, {"before": before, "busy": self.busy}).all()
        some = 50
        gone = text(
            "DELETE FROM usage_sums WHERE grain = 60 AND token_id = :token AND user_id = :user "
            "AND start >= :hour AND start < :hour + 3600000"
        )
        for at in range(0, len(found), some):
            with self.duty.step() as connection:
                connection.execute(gone, [{"token": t, "user": u, "hour": h} for t, u, h in found[at : at + some]])
        return len(found)


def catch_up(digest: Digest, now: int) -> int:
    """Digest all that there is, for tools that fill a database and for tests; returns how many ids."""
    assert digest.duty.take(), "another process keeps the log"
    total, looks = 0, 0
    digest.prune(now)
    while looks < 3:  # PostgreSQL has to look three times
        looks = 0 if digest.ready() else looks + 1
        while took := digest.round():
            total += took
            digest.move(now)
    digest.move(now)
    return total


def mark(connection: Connection, name: str) -> int:
    """A mark's number; 0 where it was never set."""
    found = connection.execute(text("SELECT number FROM log_marks WHERE name = :name"), {"name": name}).scalar()
    return int(found or 0)


def set_mark(connection: Connection, name: str, number: int, was: int | None = None) -> bool:
    """Set a mark; with ``was`` only if it still is that."""
    condition = "" if was is None else " WHERE log_marks.number = :was"
    upsert = f"ON CONFLICT (name) DO UPDATE SET number = excluded.number{condition}"
    given = {"name": name, "number": number} | ({} if was is None else {"was": was})
    done = connection.execute(text(f"INSERT INTO log_marks (name, number) VALUES (:name, :number) {upsert}"), given)
    return done.rowcount == 1


def _clear(connection: Connection) -> None:
    """The temporary tables of this connection, empty."""
    connection.exec_driver_sql("CREATE TEMP TABLE IF NOT EXISTS fresh_sums AS SELECT * FROM usage_sums WHERE false")
    connection.exec_driver_sql("DELETE FROM temp.fresh_sums")
    for table, *_ in INDEXES:
        connection.exec_driver_sql(f"CREATE TEMP TABLE IF NOT EXISTS fresh_{table} (key, id)")
        connection.exec_driver_sql(f"DELETE FROM temp.fresh_{table}")
