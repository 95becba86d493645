"""Logins in browsers: a cookie whose value is stored as a hash only."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

from sqlalchemy import delete, func
from sqlmodel import Session, col, or_, select

from openopen8.core.clock import DAY, MINUTE
from openopen8.core.errors import Problem, not_found
from openopen8.core.models import LoginSession, User
from openopen8.core.rules.roles import Actor
from openopen8.core.security.passwords import LONGEST, hash_password, password_matches
from openopen8.core.services import journal, logins
from openopen8.core.tools import Tools

LIFE = 30 * DAY
IDLE = 7 * DAY
SEEN_EVERY = 5 * MINUTE
"""How exact ``last_seen_at`` is: a write for every event would be too many."""
ID_LENGTH = 16

_nobody: str = ""
_nobody_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class SessionView:
    """One login; ``id`` is the head of its hash, enough to name it and nothing to log in with."""

    id: str
    address: str
    user_agent: str
    created_at: int
    last_seen_at: int
    expires_at: int
    current: bool


def log_in(tools: Tools, username: str, password: str, address: str, user_agent: str) -> tuple[str, Actor]:
    """The cookie's value and who it stands for; 401 for a wrong pair, 429 after too many of them."""
    with logins.attempt(tools, address):
        user = _known(tools, username)
        hashed = user.password_hash if user and user.password_hash else _nobodys_hash()
        # a name that does not exist costs as much time as a wrong password
        right = password_matches(password[: LONGEST + 1], hashed) and len(password) <= LONGEST
        if user is None or not user.password_hash or not right:
            raise Problem(401, "wrong_login", "The username or the password is not right.")
        if not user.enabled:
            raise Problem(403, "user_disabled", "This account is disabled. Ask your admin.")
    actor = Actor(user.id or 0, user.name, user.role, address)
    with tools.db.write() as session:
        # the password may have been changed while the guess was checked
        again = session.get(User, actor.user_id)
        if again is None or again.password_hash != user.password_hash or not again.enabled:
            raise Problem(401, "wrong_login", "The username or the password is not right.")
        return start(tools, session, actor, user_agent), actor


def start(tools: Tools, session: Session, actor: Actor, user_agent: str) -> str:
    """A new session within the caller's transaction; returns the cookie's value."""
    value, now = secrets.token_urlsafe(32), tools.now()
    mine = col(LoginSession.user_id) == actor.user_id
    session.execute(delete(LoginSession).where(mine, col(LoginSession.expires_at) <= now))
    session.add(
        LoginSession(
            hash=tools.keyring.hash(value),
            user_id=actor.user_id,
            address=actor.address[:64],
            user_agent=_printable(user_agent),
            created_at=now,
            last_seen_at=now,
            expires_at=now + LIFE,
        )
    )
    journal.login(session, actor, now, f"{actor.name} logged in.")
    return value


def who(tools: Tools, session_hash: str, address: str = "") -> Actor | None:
    """Whose session this is; None when it has ended or its user may no longer come in."""
    now = tools.now()
    with tools.db.read() as session:
        row = session.execute(
            select(LoginSession, User)
            .join(User, col(User.id) == col(LoginSession.user_id))
            .where(LoginSession.hash == session_hash, col(User.enabled), col(User.deleted_at).is_(None))
        ).first()
    if row is None:
        return None
    login, user = row
    if login.expires_at <= now or login.last_seen_at <= now - IDLE:
        return None
    if login.last_seen_at <= now - SEEN_EVERY:
        _seen(tools, session_hash, now)
    return Actor(user.id or 0, user.name, user.role, address or login.address)


def end(tools: Tools, session_hash: str) -> None:
    """Log out; ending what has ended is no error."""
    with tools.db.write() as session:
        session.execute(delete(LoginSession).where(col(LoginSession.hash) == session_hash))


def end_others(tools: Tools, actor: Actor, session_hash: str) -> int:
    """End all sessions of the actor but this one; returns how many."""
    with tools.db.write() as session:
        return logins.end_all(session, actor.user_id, session_hash)


def end_one(tools: Tools, actor: Actor, id: str) -> None:
    """End one of the actor's sessions by its ``id``."""
    with tools.db.write() as session:
        mine = session.exec(select(LoginSession).where(LoginSession.user_id == actor.user_id)).all()
        found = [row for row in mine if row.hash[:ID_LENGTH] == id]
        if not found:
            raise not_found("The session")
        for row in found:
            session.delete(row)


def find(tools: Tools, actor: Actor, session_hash: str = "") -> tuple[SessionView, ...]:
    """The actor's sessions that live, last seen first."""
    now = tools.now()
    with tools.db.read() as session:
        mine = select(LoginSession).where(LoginSession.user_id == actor.user_id, LoginSession.expires_at > now)
        rows = session.exec(mine.where(LoginSession.last_seen_at > now - IDLE)).all()
    views = [
        SessionView(
            x.hash[:ID_LENGTH],
            x.address,
            x.user_agent,
            x.created_at,
            x.last_seen_at,
            x.expires_at,
            x.hash == session_hash,
        )
        for x in rows
    ]
    return tuple(sorted(views, key=lambda view: -view.last_seen_at))


def _known(tools: Tools, username: str) -> User | None:
    name = username.strip()
    if not name or len(name) > 254 or not name.isprintable():
        return None
    with tools.db.read() as session:
        same = or_(col(User.name) == name, func.lower(col(User.email)) == name.lower())
        found = session.exec(select(User).where(same, col(User.deleted_at).is_(None))).all()
    # a name goes before somebody else's address that reads the same
    return next((user for user in found if user.name == name), found[0] if found else None)


def _seen(tools: Tools, session_hash: str, now: int) -> None:
    with tools.db.write() as session:
        row = session.get(LoginSession, session_hash)
        if row is not None:
            row.last_seen_at = max(row.last_seen_at, now)


def _nobodys_hash() -> str:
    global _nobody
    with _nobody_lock:
        if not _nobody:
            _nobody = hash_password(secrets.token_urlsafe())
        return _nobody


def _printable(text: str) -> str:
    return "".join(x for x in text[:300] if x.isprintable())
