"""The start page's figures, and how far a new owner has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from openopen8.core.clock import DAY
from openopen8.core.models import Channel, PriceRow, Token
from openopen8.core.rules.roles import Actor
from openopen8.core.services.log_sought import Sought
from openopen8.core.services.log_sums import Totals, any_success, by_tokens, grouped
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
    now = tools.now()
    longest = max(days for _, days in PERIODS)
    with tools.db.snapshot() as session:
        found = grouped(session, _mine(actor, everyone, _start(now, longest)), "day")
    return tuple(
        _figures(name, [x for (day,), x in found.items() if day >= _start(now, days)]) for name, days in PERIODS
    )


def by_model(tools: Tools, actor: Actor, everyone: bool = False, most: int = 5) -> tuple[Share, ...]:
    """The models that took most credits in 30 days."""
    with tools.db.snapshot() as session:
        found = grouped(session, _mine(actor, everyone, _start(tools.now(), 30)), "model")
    shares = [Share(model, x.credits, x.requests) for (model,), x in found.items() if x.requests or x.credits]
    return _largest(shares, most)


def by_token(tools: Tools, actor: Actor, everyone: bool = False, most: int = 5) -> tuple[Share, ...]:
    """The tokens that took most credits in 30 days, deleted ones included."""
    with tools.db.snapshot() as session:
        found = by_tokens(session, _mine(actor, everyone, _start(tools.now(), 30)))
        shares = _largest([Share(str(id), credits, requests) for id, credits, requests in found], most)
        wanted = [int(share.name) for share in shares]
        names = dict(session.exec(select(Token.id, Token.name).where(col(Token.id).in_(wanted))).all())
    return tuple(Share(names.get(int(x.name), f"#{x.name}"), x.credits, x.requests) for x in shares)


def steps(tools: Tools, actor: Actor) -> Steps:
    """channel: one is enabled; price: a model has one; token: the actor has one; call: one of the actor's worked."""
    now = tools.now()
    with tools.db.snapshot() as session:
        channel = select(Channel.id).where(col(Channel.enabled), col(Channel.deleted_at).is_(None))
        token = select(Token.id).where(Token.user_id == actor.user_id, col(Token.deleted_at).is_(None))
        call = any_success(session, actor.user_id)
        return Steps(_any(session, channel), _priced(session, now), _any(session, token), call)


def unpriced(tools: Tools) -> tuple[str, ...]:
    """Models that an enabled channel serves and that have no price now, sorted."""
    with tools.db.read() as session:
        return tuple(sorted(served(session) - _with_price(session, tools.now())))


def _priced(session: Session, now: int) -> bool:
    offered, priced = served(session), _with_price(session, now)
    return bool(offered & priced) if offered else bool(priced)


def served(session: Session) -> set[str]:
    """Models that an enabled channel serves."""
    enabled = select(Channel.models).where(col(Channel.enabled), col(Channel.deleted_at).is_(None))
    return {model for models in session.exec(enabled) for model in models}


def _with_price(session: Session, now: int) -> set[str]:
    current = select(PriceRow.model).where(col(PriceRow.deleted_at).is_(None), PriceRow.valid_from <= now)
    return set(session.exec(current.distinct()))


def _any(session: Session, statement: Any) -> bool:
    return session.execute(statement.limit(1)).first() is not None


def _figures(period: str, days: list[Totals]) -> Figures:
    names = ("requests", "errors", "input_tokens", "output_tokens", "credits")
    return Figures(period, *(sum(getattr(day, name) for day in days) for name in names))


def _largest(shares: list[Share], most: int) -> tuple[Share, ...]:
    return tuple(sorted(shares, key=lambda x: (-x.credits, -x.requests))[:most])


def _mine(actor: Actor, everyone: bool, since: int) -> Sought:
    everyones = everyone and actor.is_admin
    # corrections lower what was spent; other entries than these are no usage
    return Sought(user_id=None if everyones else actor.user_id, since=since, low=-1)


def _start(now: int, days: int) -> int:
    return now - now % DAY - (days - 1) * DAY
