"""Entries of the log that are no requests: what admins changed, who logged in."""

from __future__ import annotations

from sqlmodel import Session

from openopen8.core.models import LogEntry
from openopen8.core.rules.roles import Actor
from openopen8.core.services.ledger.entries import touch


def admin(session: Session, actor: Actor, now: int, deed: str) -> None:
    """``ann created group 'pro'.`` ``deed`` holds no secret."""
    _write(session, "admin", actor.user_id or None, actor, now, f"{actor.name} {deed}.")


def login(session: Session, actor: Actor, now: int, sentence: str) -> None:
    """A login of ``actor``, or something about that user's logins."""
    _write(session, "login", actor.user_id, actor, now, sentence)


def _write(session: Session, kind: str, user_id: int | None, actor: Actor, now: int, sentence: str) -> None:
    entry = LogEntry(time=now, kind=kind, user_id=user_id, address=actor.address[:64], error=sentence[:1000])
    session.add(entry)
    if user_id is not None:
        touch(session, user_id)
