"""What a reader can narrow the log by: tokens, models and, for admins, users."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from openopen8.core.models import Channel, PriceRow, Token, User
from openopen8.core.rules.roles import Actor
from openopen8.core.services.log_sums import models
from openopen8.core.tools import Tools

MOST = 500


@dataclass(frozen=True, slots=True)
class Named:
    """A token or user by id; a deleted one still has entries."""

    id: int
    name: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class LogChoices:
    """Each list by name; ``users`` is empty for those who see only their own entries."""

    tokens: tuple[Named, ...]
    models: tuple[str, ...]
    users: tuple[Named, ...]


def log_choices(tools: Tools, actor: Actor) -> LogChoices:
    """The newest tokens, deleted ones included, the models that were or can be asked for, the users."""
    with tools.db.snapshot() as session:
        people = _users(session) if actor.is_admin else ()
        return LogChoices(_tokens(session, actor, {x.id: x.name for x in people}), _models(session, actor), people)


def deleted_tokens(tools: Tools, actor: Actor, name: str) -> tuple[Named, ...]:
    """Tokens of that name that are gone but still have their log, newest first."""
    gone = (col(Token.name) == name, col(Token.deleted_at).is_not(None))
    rows = select(Token.id).where(*gone).order_by(col(Token.id).desc()).limit(MOST)
    if not actor.is_admin:
        rows = rows.where(Token.user_id == actor.user_id)
    with tools.db.read() as session:
        return tuple(Named(id or 0, name, True) for id in session.exec(rows))


def _tokens(session: Session, actor: Actor, people: dict[int, str]) -> tuple[Named, ...]:
    rows = select(Token.id, Token.name, Token.user_id, Token.deleted_at).order_by(col(Token.id).desc()).limit(MOST)
    if not actor.is_admin:
        rows = rows.where(Token.user_id == actor.user_id)
    found = []
    for id, name, user_id, deleted_at in session.exec(rows):
        owner = people.get(user_id, "") if user_id != actor.user_id else ""
        found.append(Named(id or 0, f"{name} ({owner})" if owner else name, deleted_at is not None))
    return tuple(sorted(found, key=lambda x: (x.deleted, x.name.lower(), x.id)))


def _models(session: Session, actor: Actor) -> tuple[str, ...]:
    if actor.is_admin:
        names = set(session.exec(select(PriceRow.model).distinct()))
        names |= {model for served in session.exec(select(Channel.models)) for model in served}
    else:
        names = models(session, actor.user_id)
    return tuple(sorted(name for name in names if name))[:MOST]


def _users(session: Session) -> tuple[Named, ...]:
    rows = session.exec(select(User.id, User.name, User.deleted_at).order_by(col(User.name)).limit(MOST))
    return tuple(Named(id or 0, name, deleted_at is not None) for id, name, deleted_at in rows)
