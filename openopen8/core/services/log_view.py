"""An entry of the log as people see it: names instead of ids, and for users nothing of the channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from openopen8.core.models import Channel, Group, LogEntry, Token, User
from openopen8.core.rules.roles import Actor

BRIEF = (defer(LogEntry.receipt), defer(LogEntry.details))  # type: ignore[arg-type]
"""For lists: what they don't show is not read."""


@dataclass(frozen=True, slots=True)
class EntryView:
    """Counts as OpenAI counts them; the receipt is disjoint. Times ms UTC."""

    id: int
    time: int
    kind: str
    """request, correction, credit, admin or login."""
    request_id: str
    user_id: int | None
    user: str
    token_id: int | None
    token_name: str
    group: str
    model: str
    upstream_model: str
    endpoint: str
    stream: bool
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    credits: int
    """What was charged; negative for credits given."""
    receipt: dict[str, Any] | None
    status: int | None
    error: str
    latency_ms: int | None
    first_token_ms: int | None
    channel_id: int | None
    """None for users: channels are the admin's."""
    channel: str | None
    retries: int | None
    ip: str
    suppressed: int
    details: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id, of deleted ones too."""

    users: dict[int, str]
    tokens: dict[int, str]
    groups: dict[int, str]
    channels: dict[int, str]


def names_of(session: Session, rows: Sequence[LogEntry]) -> Names:
    """The names that ``rows`` need, in four small queries."""
    return Names(
        _named(session, User, {row.user_id for row in rows}),
        _named(session, Token, {row.token_id for row in rows}),
        _named(session, Group, {row.group_id for row in rows}),
        _named(session, Channel, {row.channel_id for row in rows}),
    )


def view_of(row: LogEntry, names: Names, actor: Actor, brief: bool = False) -> EntryView:
    """The view of one row as ``actor`` may see it; a ``brief`` one has neither receipt nor details."""
    for_admin = actor.is_admin
    return EntryView(
        id=row.id or 0,
        time=row.time,
        kind=row.kind,
        request_id=row.request_id,
        user_id=row.user_id,
        user=_name(names.users, row.user_id),
        token_id=row.token_id,
        token_name=_name(names.tokens, row.token_id),
        group=_name(names.groups, row.group_id),
        model=row.model,
        upstream_model=row.upstream_model,
        endpoint=row.endpoint,
        stream=row.stream,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=row.cached_tokens,
        reasoning_tokens=row.reasoning_tokens,
        credits=row.credits,
        receipt=None if brief else row.receipt,
        status=row.status,
        error=row.error,
        latency_ms=row.latency_ms,
        first_token_ms=row.first_token_ms,
        channel_id=(row.channel_id or None) if for_admin else None,
        channel=_name(names.channels, row.channel_id) if for_admin and row.channel_id else None,
        retries=row.retries if for_admin else None,
        ip=row.address,
        suppressed=row.suppressed,
        details=row.details if for_admin and not brief else None,
    )


def _named(session: Session, table: Any, ids: set[int | None]) -> dict[int, str]:
    wanted = [id for id in ids if id]
    if not wanted:
        return {}
    rows = session.execute(select(table.id, table.name).where(col(table.id).in_(wanted)))
    return {row[0]: row[1] for row in rows}


def _name(names: dict[int, str], id: int | None) -> str:
    return names.get(id, f"#{id}") if id else ""
