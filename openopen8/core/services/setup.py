"""The first start: one root account, made once, by whoever holds the code when the server is reachable."""

from __future__ import annotations

import secrets

from sqlmodel import Session, col, select

from openopen8.core.errors import Problem
from openopen8.core.models import Group, Option, User
from openopen8.core.rules.access import normal_address
from openopen8.core.rules.roles import Actor
from openopen8.core.security.passwords import check_password, hash_password
from openopen8.core.services import groups, journal, logins
from openopen8.core.services.forms import Form, read
from openopen8.core.services.ledger import entries
from openopen8.core.services.options import current
from openopen8.core.services.turn import take_turn
from openopen8.core.services.user_fields import UserName
from openopen8.core.tools import Tools

CODE = "setup_code"
"""Row of the options table that holds the code's hash; not one of the settings."""
CODE_LENGTH = 10
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class SetupFields(Form):
    """Name of the first account."""

    username: UserName


def needed(tools: Tools) -> bool:
    """True until there is an account."""
    with tools.db.read() as session:
        return _empty(session)


def code_needed(tools: Tools) -> bool:
    """True when the server listens elsewhere than on loopback: then others could be faster than the owner."""
    address = normal_address(tools.settings.host)
    return not (tools.settings.host == "localhost" or (address is not None and address.is_loopback))


def new_code(tools: Tools) -> str:
    """A one-time code to show in the terminal; replaces the one before."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(CODE_LENGTH))
    with tools.db.write() as session:
        session.merge(Option(name=CODE, value=tools.keyring.hash(code)))
    return code


def create_root(tools: Tools, username: str, password: str, code: str, address: str) -> Actor:
    """The first root account; of several callers exactly one succeeds, the others get a 409."""
    if not needed(tools):
        raise _done()
    name = read(SetupFields, {"username": username}).username
    check_password(password)
    if code_needed(tools):
        _check_code(tools, code, address)
    hashed, now = hash_password(password), tools.now()
    with tools.db.write() as session:
        take_turn(session, "setup")
        if not _empty(session):
            raise _done()
        return _make(session, name, hashed, address, now)


def _make(session: Session, name: str, hashed: str, address: str, now: int) -> Actor:
    user = User(name=name, password_hash=hashed, role="root", group_id=_group(session, now), created_at=now)
    session.add(user)
    session.flush()
    actor = Actor(user.id or 0, user.name, user.role, address)
    entries.open_account(session, actor.user_id)
    amount = current(session).root_start_credits
    if amount:
        entries.add(session, actor.user_id, amount, "start", "start credits of the first account", "system", now)
    code = session.get(Option, CODE)
    if code is not None:
        session.delete(code)
    journal.admin(session, actor, now, "made the first account")
    return actor


def _check_code(tools: Tools, code: str, address: str) -> None:
    with logins.attempt(tools, address):
        with tools.db.read() as session:
            row = session.get(Option, CODE)
        given = tools.keyring.hash(code.strip().upper().replace("-", "").replace(" ", ""))
        if row is None or not secrets.compare_digest(str(row.value), given):
            raise Problem(403, "wrong_code", "The code is not the one that the server's terminal shows.", "code")


def _group(session: Session, now: int) -> int:
    first = session.exec(select(Group).order_by((col(Group.name) != groups.DEFAULT), col(Group.id))).first()
    if first is None:
        first = Group(name=groups.DEFAULT, created_at=now)
        session.add(first)
        session.flush()
    return first.id or 0


def _empty(session: Session) -> bool:
    # deleted accounts count: set-up never opens again
    return session.exec(select(User.id).limit(1)).first() is None


def _done() -> Problem:
    return Problem(409, "setup_done", "The set-up was done already. Log in instead.")
