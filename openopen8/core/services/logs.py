"""The log: find entries, sum them, export them. Users see their own, admins all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from openopen8.core.clock import MINUTE, to_rfc3339
from openopen8.core.errors import invalid, not_found
from openopen8.core.models import LogEntry
from openopen8.core.rules.roles import Actor
from openopen8.core.services.log_filter import KINDS, LogFilter, sought
from openopen8.core.services.log_sought import EVER, Sought, mark
from openopen8.core.services.log_sums import counted, total
from openopen8.core.services.log_view import BRIEF, EntryView, names_of, view_of
from openopen8.core.services.log_walk import Found, newest
from openopen8.core.services.page import LARGEST_ID, Page, check_id, offset_of
from openopen8.core.tools import Tools

__all__ = ["COUNTED", "KINDS", "EntryView", "LogFilter", "LogPage", "Summary", "csv_rows", "find", "get", "summary"]

COUNTED = 10_001
"""``total`` counts no further: this value means "more than 10,000"; pages reach no deeper, ``after`` does."""
PATIENCE = 0.15
"""Seconds after which a search by ``after`` answers with what it has."""
BATCH = 1_000
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
class LogPage(Page[EntryView]):
    """``next`` as ``after`` gives the older entries; None = there are none.

    A page with ``next`` and fewer entries than asked for is as far as a search came in its time.
    """

    next: int | None = None


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
    brief: bool = False,
) -> LogPage:
    """Newest first. With ``after`` (an entry's id) what is older than that entry: quick at any depth.

    ``brief`` leaves out receipts and details.
    """
    offset = offset_of(page, page_size) if after is None else 0
    if after is not None and not 0 <= after <= LARGEST_ID:
        raise invalid("after must be the id of an entry.", "after")
    if offset >= COUNTED:
        raise invalid(f"Pages reach the first {COUNTED:,} entries; go on with after.", "page")
    with tools.db.snapshot() as session:
        its = _kept(session, sought(session, actor, wanted or LogFilter()))
        late = _late(PATIENCE) if after is not None else _never
        found = newest(session, its, EVER if after is None else after, offset + page_size, late)
        count = min(sum(counted(session, it, COUNTED) for it in its), COUNTED)
        views = _views(session, found.ids[offset:], actor, brief)
    return LogPage(tuple(views), count, page, page_size, found.next)


def get(tools: Tools, actor: Actor, id: int) -> EntryView:
    """One entry: the actor's own, or for admins any."""
    check_id(id, "The log entry")
    with tools.db.read() as session:
        row = session.get(LogEntry, id)
        if row is None or (row.user_id != actor.user_id and not actor.is_admin):
            raise not_found("The log entry")
        return view_of(row, names_of(session, [row]), actor)


def summary(tools: Tools, actor: Actor, wanted: LogFilter | None = None) -> Summary:
    """Sums of all requests that the filter lets through, corrections included.

    They outlive the entries: what retention has deleted is still counted, but for refusals.
    """
    with tools.db.snapshot() as session:
        it = sought(session, actor, wanted or LogFilter()).within(low=-1)
        whole = total(session, it)
        recent = total(session, it.within(since=tools.now() - MINUTE + 1))
    return Summary(
        requests=whole.asked,
        input_tokens=whole.input_tokens,
        output_tokens=whole.output_tokens,
        credits=whole.credits,
        rpm=recent.asked,
        tpm=recent.input_tokens + recent.output_tokens,
    )


def csv_rows(tools: Tools, actor: Actor, wanted: LogFilter | None = None) -> Iterator[list[str]]:
    """A line of column names, then the entries, newest first; read in batches, no session held between them."""
    columns = [name for name in COLUMNS if actor.is_admin or name not in _ADMIN_COLUMNS]
    with tools.db.read() as session:
        it = sought(session, actor, wanted or LogFilter())
    return _lines(tools, actor, it, columns)


def _lines(tools: Tools, actor: Actor, it: Sought, columns: list[str]) -> Iterator[list[str]]:
    yield columns
    found = Found((), EVER)
    while found.next is not None:
        with tools.db.snapshot() as session:
            found = newest(session, _kept(session, it), found.next, BATCH)
            views = _views(session, found.ids, actor, brief=True)
        for view in views:
            yield [_cell(name, getattr(view, name)) for name in columns]


def _kept(session: Session, it: Sought) -> list[Sought]:
    """Without the requests that retention is deleting."""
    complete = mark(session, "complete")
    return [it.within(since=complete, low=-1), it.within(high=-2)] if complete else [it]


def _views(session: Session, ids: Sequence[int], actor: Actor, brief: bool) -> list[EntryView]:
    query = select(LogEntry).where(col(LogEntry.id).in_(ids)).order_by(col(LogEntry.id).desc())
    rows = session.exec(query.options(*BRIEF) if brief else query).all()
    names = names_of(session, rows)
    return [view_of(row, names, actor, brief) for row in rows]


def _late(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _never() -> bool:
    return False


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
