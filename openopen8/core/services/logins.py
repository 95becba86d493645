"""Failed logins by address, and ending logins: what sessions, set-up and accounts share."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from openopen8.core.clock import MINUTE
from openopen8.core.errors import Problem
from openopen8.core.models import AccessToken, LoginSession, RateEvent
from openopen8.core.rules.access import normal_address
from openopen8.core.services.turn import take_turn
from openopen8.core.tools import Tools

WINDOW = 15 * MINUTE
MOST_FAILURES = 10
"""Failed attempts of one address (IPv6: of one /64) within the window."""


@contextmanager
def attempt(tools: Tools, address: str) -> Iterator[None]:
    """Around one guess of a secret: counted before it is judged, taken back when it was right.

    Raises 429 with ``Retry-After`` once an address has guessed wrong too often. Counting first
    means that parallel guesses can't slip through together.
    """
    scope, now = _scope(address), tools.now()
    _count(tools, scope, now)
    try:
        yield
    except Problem as problem:
        if problem.status < 500:
            raise
        _forget(tools, scope, now)
        raise
    _forget(tools, scope, now)


def end_all(session: Session, user_id: int, keep: str = "") -> int:
    """End the user's sessions but the one with hash ``keep``; returns how many."""
    mine = delete(LoginSession).where(col(LoginSession.user_id) == user_id, col(LoginSession.hash) != keep)
    return int(session.execute(mine).rowcount)  # type: ignore[attr-defined]


def end_access(session: Session, user_id: int) -> None:
    """Make all personal access tokens of the user unknown."""
    session.execute(delete(AccessToken).where(col(AccessToken.user_id) == user_id))


def _count(tools: Tools, scope: str, now: int) -> None:
    with tools.db.write() as session:
        take_turn(session, scope)
        session.execute(delete(RateEvent).where(col(RateEvent.scope) == scope, col(RateEvent.at) <= now - WINDOW))
        kept = select(func.coalesce(func.sum(RateEvent.count), 0), func.min(RateEvent.at))
        failures, oldest = session.exec(kept.where(RateEvent.scope == scope)).one()
        if int(failures) >= MOST_FAILURES:
            wait = max(1, -(-(oldest + WINDOW - now) // 1000))
            raise Problem(
                429,
                "rate_limit_exceeded",
                f"Too many failed attempts. Please try again in {-(-wait // 60)} minutes.",
                headers={"retry-after": str(wait)},
            )
        event = session.get(RateEvent, (scope, now))
        if event is None:
            session.add(RateEvent(scope=scope, at=now, count=1))
        else:
            event.count += 1


def _forget(tools: Tools, scope: str, at: int) -> None:
    with tools.db.write() as session:
        take_turn(session, scope)
        mine = (col(RateEvent.scope) == scope, col(RateEvent.at) == at)
        session.execute(update(RateEvent).where(*mine).values(count=col(RateEvent.count) - 1))
        session.execute(delete(RateEvent).where(*mine, col(RateEvent.count) <= 0))


def _scope(address: str) -> str:
    known = normal_address(address)
    if isinstance(known, ipaddress.IPv6Address):
        return f"login:{ipaddress.ip_network((known, 64), strict=False)}"
    return f"login:{str(known) if known else address[:64]}"
