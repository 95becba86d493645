"""Answers of the Responses API that are kept, so that a later request may go on from them. Each user's own only.

New rows are written by the ledger together with the charge; large ones, reading and deleting are for threads.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import text
from sqlmodel import Session

from openopen8.core.clock import DAY
from openopen8.core.services.duty import Duty
from openopen8.core.tools import Tools

LONGEST_CHAIN = 2_000
"""Turns of one conversation."""
ELSEWHERE_DAYS = 30
"""So long OpenAI keeps an answer; without a word of ours about whose it is, nobody may go on from it."""
SLICE = 50
"""Rows that are deleted in one transaction."""

COLUMNS: dict[str, str] = {
    "user_id": "int",
    "id": "text",
    "token_id": "int",
    "model": "text",
    "channel_id": "int",
    "key_id": "int",
    "previous_id": "text",
    "used_at": "int",
    "sealed": "bytes",
    "hold_id": "int",
    "terms": "bytes",
}
"""In the order of ``Kept``, with the kinds that the ledger's statements know."""

_NAMES = ", ".join(COLUMNS)
# vendors' ids are theirs: one that comes again means the newer answer, but what is unpaid stays
AGAIN = (
    f" ON CONFLICT (user_id, id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in list(COLUMNS)[2:])} "
    "WHERE kept_responses.hold_id IS NULL"
)
_INSERT = text(f"INSERT INTO kept_responses ({_NAMES}) VALUES ({', '.join(f':{name}' for name in COLUMNS)}){AGAIN}")
_FIND = text(f"SELECT {_NAMES} FROM kept_responses WHERE user_id = :user AND id = :id")
_CHAIN = text(
    "WITH RECURSIVE chain(id, depth) AS (SELECT CAST(:id AS VARCHAR(200)), 0 UNION ALL "
    "SELECT k.previous_id, c.depth + 1 FROM chain c JOIN kept_responses k ON k.user_id = :user AND k.id = c.id "
    "WHERE k.previous_id IS NOT NULL AND c.depth < :most) "
    f"SELECT {', '.join(f'k.{name}' for name in COLUMNS)} FROM chain c "
    "JOIN kept_responses k ON k.user_id = :user AND k.id = c.id ORDER BY c.depth DESC"
)
_USED = text("UPDATE kept_responses SET used_at = :now WHERE user_id = :user AND id = :id")
_DELETE = text("DELETE FROM kept_responses WHERE user_id = :user AND id = :id")
_FORGET = text("DELETE FROM kept_responses WHERE user_id = :user AND hold_id IS NULL")
_DONE = text("UPDATE kept_responses SET hold_id = NULL, terms = NULL WHERE user_id = :user AND id = :id")
_OPEN = text(f"SELECT {_NAMES} FROM kept_responses WHERE hold_id IS NOT NULL")
_ORPHANS = text(
    "SELECT id FROM holds WHERE id < 0 AND admitted_at < :before AND NOT EXISTS "
    "(SELECT 1 FROM kept_responses k WHERE k.hold_id = holds.id) ORDER BY id LIMIT 500"
)
_OLD = (
    "SELECT user_id, id, used_at FROM kept_responses WHERE used_at >= :since AND used_at < :before "
    f"AND sealed IS {{null}} NULL AND hold_id IS NULL ORDER BY used_at LIMIT {SLICE}"
)
_DELETE_OLD = text("DELETE FROM kept_responses WHERE user_id = :user AND id = :id AND used_at < :before")


class Kept(msgspec.Struct, frozen=True, gc=False):
    """One row."""

    user_id: int
    id: str
    token_id: int
    model: str
    channel_id: int | None
    key_id: int | None
    previous_id: str | None
    used_at: int
    sealed: bytes | None
    hold_id: int | None = None
    terms: bytes | None = None

    @property
    def ours(self) -> bool:
        """True where we keep the content, False where a vendor does."""
        return self.sealed is not None

    def row(self) -> tuple[Any, ...]:
        """In the order of ``COLUMNS``."""
        return msgspec.structs.astuple(self)


class Content(msgspec.Struct, frozen=True, gc=False):
    """What is kept of an answer of ours: the items that this request brought, and the whole answer."""

    input: list[msgspec.Raw]
    response: msgspec.Raw


_content = msgspec.json.Decoder(Content).decode


def sealed(tools: Tools, content: Content) -> bytes:
    """As it is stored."""
    return tools.keyring.seal_bytes(zlib.compress(msgspec.json.encode(content), 1))


def opened(tools: Tools, row: Kept) -> Content:
    """What :func:`sealed` made."""
    assert row.sealed is not None
    return _content(zlib.decompress(tools.keyring.open_bytes(row.sealed)))


def save(tools: Tools, row: Kept, before: Sequence[str]) -> None:
    """Keep a new one; those that it goes on from begin their time anew."""
    with tools.db.write() as session:
        connection = session.connection()
        connection.execute(_INSERT, dict(zip(COLUMNS, row.row(), strict=True)))
        for id in before:
            connection.execute(_USED, {"now": tools.now(), "user": row.user_id, "id": id})


def find(tools: Tools, user_id: int, id: str, days: int) -> Kept | None:
    """One of this user's, if it is still kept."""
    with tools.db.read() as session:
        row = session.connection().execute(_FIND, {"user": user_id, "id": id}).first()
    found = None if row is None else Kept(*row)
    return found if found is not None and _lasts(found, days, tools.now()) else None


def chain(tools: Tools, user_id: int, id: str, days: int) -> list[Kept]:
    """The conversation that ends with ``id``, oldest first; empty when any of it is kept no longer."""
    with tools.db.read() as session:
        asked = {"user": user_id, "id": id, "most": LONGEST_CHAIN}
        rows = [Kept(*row) for row in session.connection().execute(_CHAIN, asked)]
    now = tools.now()
    if not rows or not all(_lasts(row, days, now) for row in rows):
        return []
    # a vendor's answer knows by itself what came before it
    return rows[-1:] if not rows[-1].ours else rows if rows[0].previous_id is None else []


def delete(tools: Tools, user_id: int, id: str) -> None:
    """Forget it; what went on from it can't go on any more."""
    with tools.db.write() as session:
        session.connection().execute(_DELETE, {"user": user_id, "id": id})


def forget(session: Session, user_id: int) -> None:
    """Everything of a user who is deleted, but what has to be paid yet."""
    session.connection().execute(_FORGET, {"user": user_id})


def done(tools: Tools, user_id: int, id: str) -> None:
    """What was made in the background has been charged."""
    with tools.db.write() as session:
        session.connection().execute(_DONE, {"user": user_id, "id": id})


def unpaid(tools: Tools) -> list[Kept]:
    """What is still made in the background, of all users."""
    with tools.db.read() as session:
        return [Kept(*row) for row in session.connection().execute(_OPEN)]


def orphans(tools: Tools, before: int) -> list[int]:
    """Lasting holds from before then (ms) that no answer belongs to: their worker died at the wrong moment."""
    with tools.db.read() as session:
        return [row[0] for row in session.connection().execute(_ORPHANS, {"before": before})]


def sweep(duty: Duty, days: int, now: int) -> Iterator[int]:
    """Deletes what nobody may see any more; yields after each step how many it deleted."""
    for null, kept_days in (("NOT", days), ("", max(days, ELSEWHERE_DAYS))):
        # found before the step, each time from where the last one ended: many that stay may stand between those that go
        old, before, since = text(_OLD.format(null=null)), now - kept_days * DAY, 0
        while True:
            with duty.look() as connection:
                found = connection.execute(old, {"since": since, "before": before}).fetchall()
            if not found:
                break
            since = found[-1].used_at
            with duty.step() as connection:
                some = [{"user": row.user_id, "id": row.id, "before": before} for row in found]
                connection.execute(_DELETE_OLD, some)
            yield len(found)


def _lasts(row: Kept, days: int, now: int) -> bool:
    return row.used_at + (days if row.ours else max(days, ELSEWHERE_DAYS)) * DAY > now
