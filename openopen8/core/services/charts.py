"""Charts: sums by UTC day, at any age of the log."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import select

from openopen8.core.clock import DAY, to_datetime
from openopen8.core.errors import invalid, not_found
from openopen8.core.models import Token
from openopen8.core.rules.roles import Actor
from openopen8.core.services.log_sought import Sought
from openopen8.core.services.log_sums import grouped
from openopen8.core.services.page import check_id
from openopen8.core.tools import Tools

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class DayRow:
    """What one model took on one UTC day (``2026-01-31``)."""

    day: str
    model: str
    requests: int
    credits: int


def token_days(tools: Tools, actor: Actor, token_id: int, days: int = 30) -> tuple[DayRow, ...]:
    """The last ``days`` UTC days of a token, today included, oldest first; days without requests are left out."""
    if not 1 <= days <= MOST_DAYS:
        raise invalid(f"days must be a whole number from 1 to {MOST_DAYS}.", "days")
    check_id(token_id, "The token")
    now = tools.now()
    since = now - now % DAY - (days - 1) * DAY
    with tools.db.snapshot() as session:
        owner = session.exec(select(Token.user_id).where(Token.id == token_id)).first()
        if owner is None or (owner != actor.user_id and not actor.is_admin):
            raise not_found("The token")
        found = grouped(session, Sought(token_id=token_id, user_id=owner, since=since, low=-1), "day", "model")
    rows = sorted((*key, x.requests, x.credits) for key, x in found.items() if x.requests or x.credits)
    return tuple(DayRow(f"{to_datetime(day):%Y-%m-%d}", *rest) for day, *rest in rows)
