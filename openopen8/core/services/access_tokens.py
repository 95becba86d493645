"""Personal access tokens (``oo8-…``) for the management API."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import col, select

from openopen8.core.clock import MINUTE
from openopen8.core.errors import Problem, not_found
from openopen8.core.models import AccessToken, User
from openopen8.core.rules.roles import Actor, may_manage
from openopen8.core.security.secrets import ACCESS_TOKEN_PREFIX, hint_of, new_value, well_formed
from openopen8.core.services import journal
from openopen8.core.services.forms import Form, Name
from openopen8.core.services.ledger import entries
from openopen8.core.services.page import check_id
from openopen8.core.tools import Tools

MOST = 100
"""Access tokens of one user."""


class AccessTokenFields(Form):
    """A new access token."""

    name: Name


@dataclass(frozen=True, slots=True)
class AccessTokenView:
    """An access token without its value."""

    id: int
    name: str
    hint: str
    created_at: int
    last_used_at: int | None


@dataclass(frozen=True, slots=True)
class CreatedAccessToken:
    """An access token and its value, shown only now."""

    token: AccessTokenView
    value: str

    def __repr__(self) -> str:
        return f"CreatedAccessToken(token={self.token!r}, value=…)"


def create(tools: Tools, actor: Actor, fields: AccessTokenFields, user_id: int | None = None) -> CreatedAccessToken:
    """A new access token of the actor, or of a user whom the actor manages (never of one's equal)."""
    owner, value, now = actor.user_id if user_id is None else user_id, new_value(ACCESS_TOKEN_PREFIX), tools.now()
    with tools.db.write() as session:
        user = session.get(User, owner)
        if user is None or user.deleted_at is not None or (owner != actor.user_id and not actor.is_admin):
            raise not_found("The user")
        if owner != actor.user_id and not may_manage(actor, user.role):
            raise Problem(403, "root_only", "Only root may do this for an admin.")
        if session.exec(select(func.count()).where(AccessToken.user_id == owner)).one() >= MOST:
            raise Problem(409, "too_many", f"A user may have at most {MOST} access tokens. Delete one first.")
        row = AccessToken(
            user_id=owner, name=fields.name, hash=tools.keyring.hash(value), hint=hint_of(value), created_at=now
        )
        session.add(row)
        session.flush()
        journal.login(session, _as_owner(user, actor), now, f"{actor.name} made access token {row.hint}.")
        return CreatedAccessToken(_view(row), value)


def find(tools: Tools, actor: Actor) -> tuple[AccessTokenView, ...]:
    """The actor's access tokens, newest first."""
    with tools.db.read() as session:
        mine = select(AccessToken).where(AccessToken.user_id == actor.user_id).order_by(col(AccessToken.id).desc())
        return tuple(_view(row) for row in session.exec(mine))


def get(tools: Tools, actor: Actor, id: int) -> AccessTokenView:
    """One of the actor's access tokens."""
    return next((view for view in find(tools, actor) if view.id == id), None) or _missing()


def delete(tools: Tools, actor: Actor, id: int) -> None:
    """From the next call on the access token is unknown."""
    check_id(id, "The access token")
    with tools.db.write() as session:
        row = session.get(AccessToken, id)
        if row is None or row.user_id != actor.user_id:
            raise not_found("The access token")
        session.delete(row)
        entries.touch(session, actor.user_id)
        journal.login(session, actor, tools.now(), f"{actor.name} deleted access token {row.hint}.")


def who(tools: Tools, value: str, address: str = "") -> Actor | None:
    """Whose access token this is; None when it is unknown or its user may no longer come in."""
    if not well_formed(value, ACCESS_TOKEN_PREFIX):
        return None
    now, hash = tools.now(), tools.keyring.hash(value)
    with tools.db.read() as session:
        row = session.execute(
            select(AccessToken, User)
            .join(User, col(User.id) == col(AccessToken.user_id))
            .where(AccessToken.hash == hash, col(User.enabled), col(User.deleted_at).is_(None))
        ).first()
    if row is None:
        return None
    access, user = row
    if (access.last_used_at or 0) <= now - MINUTE:
        _used(tools, hash, now)
    return Actor(user.id or 0, user.name, user.role, address)


def _used(tools: Tools, hash: str, now: int) -> None:
    with tools.db.write() as session:
        row = session.exec(select(AccessToken).where(AccessToken.hash == hash)).first()
        if row is not None:
            row.last_used_at = now


def _as_owner(user: User, actor: Actor) -> Actor:
    return Actor(user.id or 0, user.name, user.role, actor.address)


def _missing() -> AccessTokenView:
    raise not_found("The access token")


def _view(row: AccessToken) -> AccessTokenView:
    return AccessTokenView(row.id or 0, row.name, row.hint, row.created_at, row.last_used_at)
