"""Which entries of the log somebody wants to see, as conditions for a query."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlmodel import col

from openopen8.core.errors import Problem, invalid
from openopen8.core.models import LogEntry
from openopen8.core.rules.roles import Actor
from openopen8.core.services.forms import check_text
from openopen8.core.services.page import LARGEST_ID

KINDS: tuple[str, ...] = ("request", "correction", "credit", "admin", "login")
Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Empty values filter nothing. ``from_ms`` ≤ time < ``to_ms``.

    ``status`` is a number, ``ok`` (below 400) or ``error`` (the rest); ``user_id``, ``channel_id``
    and ``group`` (a name) are for admins.
    """

    token_id: int | None = None
    model: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    status: str = ""
    request_id: str = ""
    user_id: int | None = None
    channel_id: int | None = None
    group: str = ""
    kind: str = ""


def conditions(actor: Actor, wanted: LogFilter, group_id: int | None = None) -> list[Condition]:
    """The filter as conditions, bound to what the actor may see; ``group_id`` belongs to ``wanted.group``."""
    found = _exact(wanted, group_id)
    if not actor.is_admin:
        if wanted.user_id not in (None, actor.user_id) or wanted.channel_id is not None or wanted.group:
            raise Problem(403, "admin_only", "Only an admin may filter by user, channel or group.")
        found.append(col(LogEntry.user_id) == actor.user_id)
    if wanted.from_ms is not None:
        found.append(col(LogEntry.time) >= wanted.from_ms)
    if wanted.to_ms is not None:
        found.append(col(LogEntry.time) < wanted.to_ms)
    return found + _status(wanted.status)


def _exact(wanted: LogFilter, group_id: int | None) -> list[Condition]:
    if wanted.kind and wanted.kind not in KINDS:
        raise invalid(f"kind must be one of {', '.join(KINDS)}.", "kind")
    rows = (
        (LogEntry.token_id, wanted.token_id, "token_id"),
        (LogEntry.user_id, wanted.user_id, "user_id"),
        (LogEntry.channel_id, wanted.channel_id, "channel_id"),
        (LogEntry.group_id, group_id, "group"),
        (LogEntry.model, check_text(wanted.model, "model", 256) or None, "model"),
        (LogEntry.request_id, check_text(wanted.request_id, "request_id", 64) or None, "request_id"),
        (LogEntry.kind, wanted.kind or None, "kind"),
    )
    for _, value, name in rows:
        if isinstance(value, int) and not 0 <= value <= LARGEST_ID:
            raise invalid(f"{name} must be an id.", name)
    return [col(column) == value for column, value, _ in rows if value is not None]


def _status(status: str) -> list[Condition]:
    if not status:
        return []
    if status == "ok":
        return [col(LogEntry.status) < 400]
    if status == "error":
        return [col(LogEntry.status) >= 400]
    if not (status.isascii() and status.isdigit() and 100 <= int(status[:4]) <= 999 and len(status) == 3):
        raise invalid("status must be an HTTP status, ok or error.", "status")
    return [col(LogEntry.status) == int(status)]
