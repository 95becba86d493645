"""The log: find entries, sum them, export them. Users see their own, admins all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from openopen8.core.clock import MINUTE, to_rfc3339
from openopen8.core.errors import invalid, not_found
from openopen8.core.models import Group, LogEntry
from openopen8.core.rules.roles import Actor
from openopen8.core.services.log_filter import KINDS, Condition, LogFilter, conditions
from openopen8.core.services.log_view import EntryView, names_of, view_of
from openopen8.core.services.page import LARGEST_ID, Page, check_id, offset_of
from openopen8.core.tools import Tools

__all__ = ["COUNTED", "KINDS", "EntryView", "LogFilter", "Summary", "csv_rows", "find", "get", "summary"]

COUNTED = 10_001
"""``total`` counts no further: this value means "more than 10,000"."""
BATCH = 1_000
_CHARGED = ("request", "correction")
COLUMNS = (
    "time",
    "kind",
    "request_id",
    "user",
    "token_id",
    "token_name",
    "group",
    "model",
    "upstream_model",
    "endpoint",
    "stream",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "credits",
    "status",
    "error",
    "latency_ms",
    "first_token_ms",
    "channel",
    "retries",
    "ip",
)
_ADMIN_COLUMNS = frozenset({"channel", "retries"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums over a filter; ``rpm`` and ``tpm`` are requests and tokens of the last 60 seconds."""

    requests: int
    input_tokens: int
    output_tokens: int
    credits: int
    """Charges minus corrections."""
    rpm: int
    tpm: int


def find(
    tools: Tools,
    actor: Actor,
    wanted: LogFilter | None = None,
    page: int = 1,
    page_size: int = 50,
    after: int | None = None,
) -> Page[EntryView]:
    """Newest first. With ``after`` (an entry's id) what is older than that entry: quick at any depth."""
    offset = offset_of(page, page_size)
    if after is not None and not 0 <= after <= LARGEST_ID:
        raise invalid("after must be the id of an entry.", "after")
    with tools.db.read() as session:
        kept = _conditions(session, actor, wanted or LogFilter())
        counted = select(LogEntry.id).where(*kept).limit(COUNTED).subquery()
        total = session.execute(select(func.count()).select_from(counted)).scalar_one()
        # ids first: an index holds them, and only the rows of this page are read
        ids = select(LogEntry.id).where(*kept).order_by(col(LogEntry.id).desc()).limit(page_size)
        ids = ids.offset(offset) if after is None else ids.where(col(LogEntry.id) < after)
        wanted_rows = select(LogEntry).where(col(LogEntry.id).in_(session.exec(ids).all()))
        rows = session.exec(wanted_rows.order_by(col(LogEntry.id).desc())).all()
        names = names_of(session, rows)
    return Page(tuple(view_of(row, names, actor) for row in rows), total, page, page_size)


def get(tools: Tools, actor: Actor, id: int) -> EntryView:
    """One entry: the actor's own, or for admins any."""
    check_id(id, "The log entry")
    with tools.db.read() as session:
        row = session.get(LogEntry, id)
        if row is None or (row.user_id != actor.user_id and not actor.is_admin):
            raise not_found("The log entry")
        return view_of(row, names_of(session, [row]), actor)


def summary(tools: Tools, actor: Actor, wanted: LogFilter | None = None) -> Summary:
    """Sums of all entries that the filter lets through."""
    wanted = wanted or LogFilter()
    with tools.db.read() as session:
        kept = [*_conditions(session, actor, wanted), col(LogEntry.kind).in_(_CHARGED)]
        whole = _sums(session, kept)
        recent = _sums(session, [*kept, col(LogEntry.time) > tools.now() - MINUTE])
    return Summary(*whole, rpm=recent[0], tpm=recent[1] + recent[2])


def csv_rows(tools: Tools, actor: Actor, wanted: LogFilter | None = None) -> Iterator[list[str]]:
    """A line of column names, then the entries, newest first; read in batches, no session held between them."""
    columns = [name for name in COLUMNS if actor.is_admin or name not in _ADMIN_COLUMNS]
    with tools.db.read() as session:
        kept = _conditions(session, actor, wanted or LogFilter())
    return _lines(tools, actor, kept, columns)


def _lines(tools: Tools, actor: Actor, kept: list[Condition], columns: list[str]) -> Iterator[list[str]]:
    yield columns
    before = LARGEST_ID
    while True:
        older = select(LogEntry).where(*kept, col(LogEntry.id) < before)
        with tools.db.read() as session:
            rows = session.exec(older.order_by(col(LogEntry.id).desc()).limit(BATCH)).all()
            names = names_of(session, rows)
        for row in rows:
            view = view_of(row, names, actor)
            yield [_cell(name, getattr(view, name)) for name in columns]
        if len(rows) < BATCH:
            return
        before = rows[-1].id or 0


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name == "time" and isinstance(value, int):
        return to_rfc3339(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    # a spreadsheet would run such a cell as a formula
    return f"'{text}" if text.startswith(_FORMULA) else text


def _conditions(session: Session, actor: Actor, wanted: LogFilter) -> list[Condition]:
    group_id = None
    if wanted.group and actor.is_admin:
        group_id = session.exec(select(Group.id).where(Group.name == wanted.group[:64])).first() or -1
        if group_id < 0:
            raise invalid(f"There is no group {wanted.group[:64]!r}.", "group")
    return conditions(actor, wanted, group_id)


def _sums(session: Session, kept: list[Condition]) -> tuple[int, int, int, int]:
    asked = func.count().filter(col(LogEntry.kind) == "request")
    columns = (LogEntry.input_tokens, LogEntry.output_tokens, LogEntry.credits)
    row = session.execute(select(asked, *(func.sum(col(column)) for column in columns)).where(*kept)).one()
    numbers = [int(value or 0) for value in row]
    return numbers[0], numbers[1], numbers[2], numbers[3]
