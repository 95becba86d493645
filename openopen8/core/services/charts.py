"""Charts: sums by UTC day from the hourly usage rows, never from the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlmodel import col, select

from openopen8.core.clock import DAY, to_datetime
from openopen8.core.errors import invalid, not_found
from openopen8.core.models import Token, UsageHour
from openopen8.core.rules.roles import Actor
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
    day: Any = (col(UsageHour.hour) - col(UsageHour.hour) % DAY).label("day")
    mine = (col(UsageHour.token_id) == token_id, col(UsageHour.hour) >= since)
    sums: tuple[Any, ...] = (func.sum(UsageHour.requests), func.sum(UsageHour.credits))
    model: Any = col(UsageHour.model)
    statement = sql_select(day, model, *sums).where(*mine).group_by(day, model).order_by(day, model)
    with tools.db.read() as session:
        owner = session.exec(select(Token.user_id).where(Token.id == token_id)).first()
        if owner is None or (owner != actor.user_id and not actor.is_admin):
            raise not_found("The token")
        rows = session.execute(statement).all()
    return tuple(DayRow(f"{to_datetime(int(x[0])):%Y-%m-%d}", x[1], int(x[2]), int(x[3])) for x in rows)
