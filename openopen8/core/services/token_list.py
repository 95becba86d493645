"""Which tokens a list shows, and in which order: decided in SQL, so that pages and counts are right."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, true
from sqlalchemy import select as sql_select
from sqlmodel import col

from openopen8.core.errors import invalid
from openopen8.core.models import Token, TokenCounter, User
from openopen8.core.rules.quota import PERIODS, period_start
from openopen8.core.services.forms import check_text

STATUSES: tuple[str, ...] = ("enabled", "disabled", "expired", "exhausted")


def rows() -> Select[*tuple[Any, ...]]:
    """Tokens that exist, each with its counter (None for one that has none) and its user."""
    return (
        sql_select(Token, TokenCounter, User)
        .join(User, col(User.id) == col(Token.user_id))
        .join(TokenCounter, col(TokenCounter.token_id) == col(Token.id), isouter=True)
        .where(col(Token.deleted_at).is_(None), col(User.deleted_at).is_(None))
    )


def matching(search: str) -> ColumnElement[bool]:
    """Name or hint contains ``search``; %, _ and \\ are letters like any other."""
    word = check_text(search, "search")
    if not word:
        return true()
    return or_(col(Token.name).icontains(word, autoescape=True), col(Token.hint).contains(word, autoescape=True))


def used_at(now: int) -> ColumnElement[int]:
    """``used`` as rules.quota.used_now has it."""
    starts = {period: period_start(period, now) for period in PERIODS}
    begun = case(starts, value=col(Token.quota_period), else_=0)
    since = func.coalesce(col(TokenCounter.period_start), 0)
    return case((begun > since, 0), else_=func.coalesce(col(TokenCounter.used), 0))


def status_at(now: int) -> ColumnElement[str]:
    """disabled, else expired, else exhausted, else enabled, as rules.quota.token_status has it."""
    return case(
        (col(Token.enabled).is_(False), "disabled"),
        (col(Token.expires_at) <= now, "expired"),
        (col(Token.quota) <= used_at(now), "exhausted"),
        else_="enabled",
    )


def ordered(statement: Select[*tuple[Any, ...]], sort: str, now: int) -> Select[*tuple[Any, ...]]:
    """Sorted by one of the known keys, ``-`` in front for descending; empty values last, then by id."""
    keys: dict[str, Any] = {
        "id": col(Token.id),
        "name": func.lower(col(Token.name)),
        "created_at": col(Token.created_at),
        "expires_at": col(Token.expires_at),
        "last_used_at": col(TokenCounter.last_used_at),
        "quota": col(Token.quota),
        "used": used_at(now),
        "used_total": func.coalesce(col(TokenCounter.used_total), 0),
        "status": status_at(now),
        "user": col(User.name),
    }
    name = sort.removeprefix("-")
    if name not in keys:
        raise invalid(f"sort must be one of {', '.join(keys)}, with '-' in front for descending.", "sort")
    key, id = keys[name], col(Token.id)
    if sort.startswith("-"):
        return statement.order_by(key.desc().nulls_last(), id.desc())
    return statement.order_by(key.asc().nulls_last(), id.asc())


def check_status(status: str) -> str:
    """A status to filter by, or empty for any."""
    if status and status not in STATUSES:
        raise invalid(f"status must be one of {', '.join(STATUSES)}.", "status")
    return status
