"""Sums over the log: whole days, hours and minutes from the sums, their cut ends and the newest entries from the log.

Always exactly what counting the log would give, also while ``log_digest`` is behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, literal_column, or_, union_all
from sqlalchemy import select as sql_select
from sqlmodel import Session, col

from openopen8.core.clock import DAY as DAY_MS
from openopen8.core.clock import HOUR as HOUR_MS
from openopen8.core.models import Token
from openopen8.core.models.usage_sum import DAY, HOUR, MINUTE, SLOT
from openopen8.core.rules.time_parts import Part, parts
from openopen8.core.services.log_digest import ADMITTED, FAILED, MEASURES
from openopen8.core.services.log_sought import EVER, Entry, Sought, Sum, digested, indexed, mark

COLUMNS = ("asked", *MEASURES)
_DAY: Any = literal_column(str(DAY_MS))
"""Literally: PostgreSQL takes two parameters of one value for two values."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of entries; ``asked`` counts requests, those that were refused too, ``requests`` those that were let in."""

    asked: int = 0
    entries: int = 0
    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    credits: int = 0


def total(session: Session, it: Sought) -> Totals:
    """The sums of all that is sought."""
    return grouped(session, it).get((), Totals())


def counted(session: Session, it: Sought, most: int) -> int:
    """How many entries are sought, counted no further than ``most``."""
    if not it.impossible and not it.request_id:
        # the newest whole days often have enough
        first = -(-it.since // DAY_MS) * DAY_MS
        span = (Sum.start >= first, Sum.start + DAY_MS <= it.until)
        days = sql_select(Sum.entries).where(*it.sums(DAY), *span).order_by(Sum.start.desc()).limit(1_000).subquery()
        if int(session.execute(sql_select(func.sum(days.c.entries))).scalar() or 0) >= most:
            return most
    return min(total(session, it).entries, most)


def grouped(session: Session, it: Sought, *keys: str) -> dict[tuple[Any, ...], Totals]:
    """The sums by ``day`` (its start in ms), ``model``, or both. Call it in a snapshot."""
    if it.impossible:
        return {}
    pieces = list(_pieces(session, it, keys))
    rows = union_all(*pieces).subquery()
    by = [rows.c[name] for name in keys]
    sums = [func.sum(rows.c[name]) for name in COLUMNS]
    found = session.execute(sql_select(*by, *sums).group_by(*by)).all()
    width = len(keys)
    return {tuple(row[:width]): Totals(*(int(x or 0) for x in row[width:])) for row in found if row[width + 1]}


def _pieces(session: Session, it: Sought, keys: Sequence[str]) -> Iterator[Select[Any]]:
    """Selects that together see each entry once."""
    mark_id = digested(session)
    yield _counted(sql_select(*_of_log(keys)).select_from(Entry), [Entry.id > mark_id, *it.entries()], keys)
    if it.request_id:
        yield from _few(session, it, mark_id, keys)
        return
    cut = parts(it.since, it.until, EVER, lambda grain, cell: has_finer(session, it, grain, cell))
    whole = [part for part in cut if part.grain]
    for part in whole:
        if part.grain != SLOT:
            yield sql_select(*_of_sums(keys)).where(*it.sums(part.grain), _started(part))
    if whole:
        yield sql_select(*_of_sums(keys)).where(*it.sums(SLOT), or_(*(_started(part) for part in whole)))
    for part in cut:
        if not part.grain:
            yield from _from_log(session, it, part, mark_id, keys)


def by_tokens(session: Session, it: Sought) -> list[tuple[int, int, int]]:
    """Token, credits and requests of whole days since ``it.since``; of a user, or of all. Call it in a snapshot."""
    numbers: tuple[Any, ...] = (func.sum(Sum.credits), func.sum(Sum.requests))
    token, span = Sum.token_id, Sum.start >= it.since
    # outer, so that SQLite goes from the tokens: each reads its own days, not all those of the years before
    own = and_(Sum.grain == DAY, token == col(Token.id), Sum.user_id == col(Token.user_id), span)
    days = sql_select(col(Token.id).label("token"), *numbers).select_from(Token).join(Sum, own, isouter=True)
    days = days.group_by(col(Token.id))
    if it.user_id is not None:
        days = days.where(col(Token.user_id) == it.user_id)
    slots = sql_select(token.label("token"), *numbers).where(*it.sums(SLOT), span, token > 0).group_by(token)
    sums: list[Any] = [literal_column(MEASURES[name]) for name in ("credits", "requests")]
    young = [Entry.id > digested(session), Entry.token_id.is_not(None), *it.entries()]
    log = sql_select(Entry.token_id.label("token"), *sums).where(*young).group_by(Entry.token_id)
    rows = union_all(days, slots, log).subquery()
    all = sql_select(rows.c.token, func.sum(rows.c[1]), func.sum(rows.c[2])).group_by(rows.c.token)
    return [(int(x[0]), int(x[1] or 0), int(x[2] or 0)) for x in session.execute(all) if x[1] or x[2]]


def any_success(session: Session, user_id: int) -> bool:
    """Whether a request of the user ever went through. Call it in a snapshot."""
    it = Sought(user_id=user_id, low=0, high=399)
    some = Sum.requests > Sum.errors
    young = [Entry.id > digested(session), *it.entries(), literal_column(f"({ADMITTED} AND NOT ({FAILED}))")]
    looks = (
        sql_select(Sum.start).where(*it.sums(DAY), some),
        sql_select(Sum.start).where(*it.sums(SLOT), some),
        sql_select(Entry.id).where(*young),
    )
    return any(session.execute(look.limit(1)).first() is not None for look in looks)


def models(session: Session, user_id: int) -> set[str]:
    """The models that a user has asked for. Call it in a snapshot."""
    it = Sought(user_id=user_id, low=0)
    looks = (
        sql_select(Sum.model).where(*it.sums(DAY)),
        sql_select(Sum.model).where(*it.sums(SLOT)),
        sql_select(Entry.model).where(Entry.id > digested(session), *it.entries()),
    )
    return {str(model) for look in looks for model in session.execute(look.distinct()).scalars()}


def has_finer(session: Session, it: Sought, grain: int, cell: int) -> bool:
    """Whether the next finer sums hold all of this cell."""
    if grain == DAY:
        return True
    if grain == HOUR:
        return cell >= mark(session, "pruned") or _any_minute(session, it, cell, cell + HOUR_MS)
    # nothing of this minute was moved: its slots are whole
    return grain == MINUTE and not _any_minute(session, it, cell, cell + 1)


def _any_minute(session: Session, it: Sought, since: int, until: int) -> bool:
    span = (*it.scope(MINUTE), Sum.start >= since, Sum.start < until)
    return session.execute(sql_select(Sum.start).where(*span).limit(1)).first() is not None


def _started(part: Part) -> ColumnElement[bool]:
    return and_(Sum.start >= part.since, Sum.start < part.until)


def _few(session: Session, it: Sought, mark_id: int, keys: Sequence[str]) -> Iterator[Select[Any]]:
    query, id = indexed(session, it, *_of_log(keys))
    yield _counted(query, [id <= mark_id, *it.entries()], keys)


def _from_log(session: Session, it: Sought, part: Part, mark_id: int, keys: Sequence[str]) -> Iterator[Select[Any]]:
    """A cut end: the log between the first and the last id that the cell around it knows of."""
    end = part.cell + part.within * 1_000
    cells = and_(*it.sums(part.within), Sum.start == part.cell)
    slots = and_(*it.sums(SLOT), Sum.start >= part.cell, Sum.start < end)
    ids = sql_select(func.min(Sum.first_id), func.max(Sum.last_id)).where(or_(cells, slots))
    first, last = session.execute(ids).one()
    if first is None:
        return
    query, id = indexed(session, it, *_of_log(keys))
    span = [id >= first, id <= min(last, mark_id), *it.within(part.since, part.until).entries()]
    yield _counted(query, span, keys)


def _counted(query: Select[Any], conditions: list[Any], keys: Sequence[str]) -> Select[Any]:
    return query.where(*conditions).group_by(*(_of_entry(key) for key in keys))


def _of_log(keys: Sequence[str]) -> list[Any]:
    asked = func.count(case((Entry.kind == "request", 1))).label("asked")
    sums: list[Any] = [literal_column(sql).label(name) for name, sql in MEASURES.items()]
    return [*(_of_entry(key).label(key) for key in keys), asked, *sums]


def _of_sums(keys: Sequence[str]) -> list[Any]:
    asked = case((Sum.status >= 0, Sum.entries), else_=literal(0)).label("asked")
    return [*(_of_sum(key).label(key) for key in keys), asked, *(getattr(Sum, name) for name in MEASURES)]


def _of_entry(key: str) -> Any:
    return Entry.model if key == "model" else Entry.time - Entry.time % _DAY


def _of_sum(key: str) -> Any:
    return Sum.model if key == "model" else Sum.start - Sum.start % _DAY
