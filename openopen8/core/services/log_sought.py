"""What is sought in the log, as conditions: for its entries, and for the sums over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal
from sqlalchemy import select as sql_select
from sqlalchemy.orm import join
from sqlmodel import Session, col

from openopen8.core.models import LogEntry, LogMark, LogOther, LogRequest, LogToken, LogUser, UsageSum
from openopen8.core.models.usage_sum import CODES, SLOT

EVER = 2**53 - 1
"""Later than any time, larger than any id."""
ANY_STATUS = (min(CODES.values()), 999)
FAILED = 400
"""From this status on a request was refused or has failed."""
Condition = ColumnElement[bool]
Entry: Any = LogEntry
Sum: Any = UsageSum
"""The tables as queries name their columns: their attributes are columns there, not numbers."""


@dataclass(frozen=True, slots=True)
class Sought:
    """None and empty values filter nothing; ``since`` ≤ time < ``until``.

    ``low`` to ``high`` are codes: the status of a request (0 where there is none), below 0 the other kinds.
    """

    token_id: int | None = None
    user_id: int | None = None
    model: str = ""
    channel_id: int | None = None
    group_id: int | None = None
    low: int = ANY_STATUS[0]
    high: int = ANY_STATUS[1]
    since: int = 0
    until: int = EVER
    request_id: str = ""
    owned: bool = False
    """The token is known to be this user's."""

    @property
    def impossible(self) -> bool:
        """Nothing can match: no id is 0, a range is empty."""
        ids = (self.token_id, self.user_id, self.channel_id, self.group_id)
        return 0 in ids or self.low > self.high or self.since >= self.until

    @property
    def plain(self) -> bool:
        """All entries of a token, of a user, or of the whole log, or all failures: an index has them in order."""
        one = self.owned or self.token_id is None or self.user_id is None
        failures = self == Sought(low=FAILED, high=ANY_STATUS[1])
        return failures or (one and replace(self, token_id=None, user_id=None, owned=False) == Sought())

    @property
    def is_rare(self) -> bool:
        """No request that went well is sought."""
        return self.low >= FAILED or self.high < 0

    def within(self, since: int = 0, until: int = EVER, low: int = ANY_STATUS[0], high: int = ANY_STATUS[1]) -> Sought:
        """The same, narrowed."""
        return replace(
            self,
            since=max(self.since, since),
            until=min(self.until, until),
            low=max(self.low, low),
            high=min(self.high, high),
        )

    # -- the log -----------------------------------------------------------------------------------

    def entries(self) -> list[Condition]:
        """Conditions for entries of the log."""
        wanted = (
            (Entry.token_id, self.token_id),
            (Entry.user_id, self.user_id),
            (Entry.channel_id, self.channel_id),
            (Entry.group_id, self.group_id),
            (Entry.model, self.model or None),
            (Entry.request_id, self.request_id or None),
        )
        found: list[Condition] = [col(column) == value for column, value in wanted if value is not None]
        if self.since > 0:
            found.append(Entry.time >= self.since)
        if self.until < EVER:
            found.append(Entry.time < self.until)
        return [*found, *self._codes()]

    def _codes(self) -> list[Condition]:
        if (self.low, self.high) == ANY_STATUS:
            return []
        if (self.low, self.high) == (0, ANY_STATUS[1]):
            return [Entry.kind == "request"]
        if self.high < 0:
            return [Entry.kind.in_([kind for kind, code in CODES.items() if self.low <= code <= self.high])]
        if self.low > 0:
            return [Entry.kind == "request", Entry.status.between(self.low, self.high)]
        return [code_of_entry().between(self.low, self.high)]

    # -- the sums ----------------------------------------------------------------------------------

    def sums(self, grain: int) -> list[Condition]:
        """Conditions for sums of one grain, of any time."""
        found: list[Condition] = [*self.scope(grain)]
        wanted = (
            (Sum.model, self.model or None),
            (Sum.channel_id, self.channel_id),
            (Sum.group_id, self.group_id),
        )
        found += [col(column) == value for column, value in wanted if value is not None]
        if (self.low, self.high) != ANY_STATUS:
            found.append(Sum.status.between(self.low, self.high))
        return found

    def scope(self, grain: int) -> list[Condition]:
        """Whose sums: a token's, a user's, or those of all."""
        token, user = self.token_id, self.user_id
        found: list[Condition] = [Sum.grain == grain]
        if grain != SLOT and token is None:
            return [*found, Sum.token_id == 0, Sum.user_id == (user or 0)]
        if token is not None:
            found.append(Sum.token_id == token)
        if user is not None:
            found.append(Sum.user_id == user)
        return found


def code_of_entry() -> ColumnElement[int]:
    """An entry's code, as ``log_digest`` writes it."""
    kinds = {kind: literal(code) for kind, code in CODES.items()}
    return case({"request": func.coalesce(Entry.status, 0), **kinds}, value=Entry.kind, else_=-9)


def digested(session: Session) -> int:
    """Entries up to this id are in the sums and in the index."""
    return mark(session, "digested")


def mark(session: Session, name: str) -> int:
    """A mark of the background work; 0 where there is none."""
    found = session.execute(sql_select(col(LogMark.number)).where(col(LogMark.name) == name)).scalar()
    return int(found or 0)


def indexed(session: Session, it: Sought, *columns: Any) -> tuple[Select[Any], Any]:
    """``columns`` of the entries that the best index knows of, and the id to order by.

    SQLite: from the tables that are the index, joined with the log. PostgreSQL: from the log, which has real indexes.
    """
    index = _index(it) if session.get_bind().dialect.name == "sqlite" else None
    if index is None:
        return sql_select(*columns).select_from(Entry), Entry.id
    table, condition = index
    found = table
    if it.is_rare and table is not LogOther:
        found = join(table, LogOther, and_(col(LogOther.id) == table.id, _other(it)))
    both = join(found, Entry, Entry.id == table.id)
    return sql_select(*columns).select_from(both).where(condition), table.id


def ids(session: Session, it: Sought) -> tuple[Select[Any], Any]:
    """The ids of what is ``plain``, from the index alone, and the column to order by."""
    if session.get_bind().dialect.name == "sqlite":
        index = _index(it)
        return (
            (sql_select(Entry.id), Entry.id)
            if index is None
            else (sql_select(index[0].id).where(index[1]), index[0].id)
        )
    of_user = replace(it, token_id=None, owned=False) if it.token_id is None else replace(it, user_id=None)
    return sql_select(Entry.id).where(*of_user.entries()), Entry.id


def _index(it: Sought) -> tuple[Any, Condition] | None:
    """A table of the index, and what is sought in it."""
    tables: tuple[tuple[Any, Any, str], ...] = (
        (it.request_id or None, LogRequest, "request_id"),
        (it.token_id, LogToken, "token_id"),
        (it.user_id, LogUser, "user_id"),
    )
    for value, table, key in tables:
        if value is not None:
            return table, getattr(table, key) == value
    return (LogOther, _other(it)) if it.is_rare else None


def _other(it: Sought) -> Condition:
    return col(LogOther.code).between(it.low, it.high)
