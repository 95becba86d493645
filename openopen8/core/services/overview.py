"""The start page's figures, from hourly usage rows, and how far a new owner has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from openopen8.core.clock import DAY
from openopen8.core.models import Channel, PriceRow, Token, UsageHour
from openopen8.core.rules.roles import Actor
from openopen8.core.tools import Tools

PERIODS: tuple[tuple[str, int], ...] = (("today", 1), ("week", 7), ("month", 30))
"""Name and length in UTC days, today included."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums of one period; tokens as OpenAI counts them."""

    period: str
    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    credits: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """What one model or token took of the last 30 days."""

    name: str
    credits: int
    requests: int


@dataclass(frozen=True, slots=True)
class Steps:
    """Which steps of the first set-up are done."""

    channel: bool
    price: bool
    token: bool
    call: bool


def figures(tools: Tools, actor: Actor, everyone: bool = False) -> tuple[Figures, ...]:
    """Sums of today, 7 days and 30 days (UTC), of the actor or, for admins, of everyone."""
    starts = {name: _start(tools.now(), days) for name, days in PERIODS}
    names = ("requests", "errors", "input_tokens", "output_tokens", "credits")
    sums = [_sum_since(getattr(UsageHour, name), start) for start in starts.values() for name in names]
    with tools.db.read() as session:
        row = session.execute(select(*sums).where(*_mine(actor, everyone, min(starts.values())))).one()
    numbers = [int(value or 0) for value in row]
    width = len(names)
    return tuple(Figures(name, *numbers[i * width : (i + 1) * width]) for i, name in enumerate(starts))


def by_model(tools: Tools, actor: Actor, everyone: bool = False, most: int = 5) -> tuple[Share, ...]:
    """The models that took most credits in 30 days."""
    return _shares(tools, actor, everyone, col(UsageHour.model), most)


def by_token(tools: Tools, actor: Actor, everyone: bool = False, most: int = 5) -> tuple[Share, ...]:
    """The tokens that took most credits in 30 days, deleted ones included."""
    shares = _shares(tools, actor, everyone, col(UsageHour.token_id), most)
    with tools.db.read() as session:
        wanted = [int(share.name) for share in shares]
        names = dict(session.exec(select(Token.id, Token.name).where(col(Token.id).in_(wanted))).all())
    return tuple(Share(names.get(int(x.name), f"#{x.name}"), x.credits, x.requests) for x in shares)


def steps(tools: Tools, actor: Actor) -> Steps:
    """channel: one is enabled; price: a model has one; token: the actor has one; call: one of the actor's worked."""
    now = tools.now()
    with tools.db.read() as session:
        channel = select(Channel.id).where(col(Channel.enabled), col(Channel.deleted_at).is_(None))
        token = select(Token.id).where(Token.user_id == actor.user_id, col(Token.deleted_at).is_(None))
        call = select(UsageHour.user_id).where(
            UsageHour.user_id == actor.user_id, UsageHour.requests > UsageHour.errors
        )
        return Steps(_any(session, channel), _priced(session, now), _any(session, token), _any(session, call))


def unpriced(tools: Tools) -> tuple[str, ...]:
    """Models that an enabled channel serves and that have no price now, sorted."""
    with tools.db.read() as session:
        return tuple(sorted(_served(session) - _with_price(session, tools.now())))


def _priced(session: Session, now: int) -> bool:
    served, priced = _served(session), _with_price(session, now)
    return bool(served & priced) if served else bool(priced)


def _served(session: Session) -> set[str]:
    enabled = select(Channel.models).where(col(Channel.enabled), col(Channel.deleted_at).is_(None))
    return {model for models in session.exec(enabled) for model in models}


def _with_price(session: Session, now: int) -> set[str]:
    current = select(PriceRow.model).where(col(PriceRow.deleted_at).is_(None), PriceRow.valid_from <= now)
    return set(session.exec(current.distinct()))


def _any(session: Session, statement: Any) -> bool:
    return session.execute(statement.limit(1)).first() is not None


def _shares(tools: Tools, actor: Actor, everyone: bool, column: Any, most: int) -> tuple[Share, ...]:
    spent, asked = func.sum(UsageHour.credits), func.sum(UsageHour.requests)
    statement = (
        select(column, spent, asked)
        .where(*_mine(actor, everyone, _start(tools.now(), 30)))
        .group_by(column)
        .order_by(spent.desc(), asked.desc())
        .limit(most)
    )
    with tools.db.read() as session:
        rows = session.execute(statement).all()
    return tuple(Share(str(name), int(credits), int(requests)) for name, credits, requests in rows)


def _mine(actor: Actor, everyone: bool, since: int) -> list[Any]:
    rows: list[Any] = [UsageHour.hour >= since]
    if not (everyone and actor.is_admin):
        rows.append(UsageHour.user_id == actor.user_id)
    return rows


def _sum_since(column: Any, start: int) -> Any:
    return func.sum(case((col(UsageHour.hour) >= start, column), else_=0))


def _start(now: int, days: int) -> int:
    return now - now % DAY - (days - 1) * DAY
