"""People with accounts: make, list, disable, promote, set password, group and ratio."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from openopen8.core.errors import Problem, invalid, not_found
from openopen8.core.models import Account, Group, Token, User
from openopen8.core.rules.roles import Actor, may_manage, require_admin
from openopen8.core.security.passwords import check_password, hash_password, password_matches
from openopen8.core.services import groups, journal, logins, responses
from openopen8.core.services.conflict import unique
from openopen8.core.services.forms import check_text
from openopen8.core.services.ledger import entries
from openopen8.core.services.options import current
from openopen8.core.services.page import Page, check_id, offset_of
from openopen8.core.services.turn import take_turn
from openopen8.core.services.user_fields import MeFields, UserFields, UserPatch
from openopen8.core.services.user_view import UserView, view_of
from openopen8.core.tools import Tools

__all__ = [
    "MeFields",
    "UserFields",
    "UserPatch",
    "UserView",
    "change_own_password",
    "create",
    "delete",
    "find",
    "get",
    "me",
    "named",
    "set_password",
    "update",
    "update_me",
]


def create(tools: Tools, actor: Actor, fields: UserFields) -> UserView:
    """A new account; it begins with the credits that the settings give new users, or with ``balance``."""
    require_admin(actor)
    _check_manages(actor, fields.role)
    password = fields.password.get_secret_value() if fields.password is not None else None
    if password is not None:
        check_password(password)
    hashed, now = hash_password(password) if password is not None else "", tools.now()
    with unique("name", "A user"), tools.db.write() as session:
        user = User(
            name=fields.name,
            email=_free_email(session, fields.email),
            password_hash=hashed,
            role=fields.role,
            group_id=_group(session, fields.group),
            extra_groups=groups.ids_of(session, fields.extra_groups, "extra_groups"),
            ratio=fields.ratio,
            enabled=fields.enabled,
            created_at=now,
        )
        amount = _start_credits(session, fields)
        session.add(user)
        session.flush()
        entries.open_account(session, user.id or 0)
        if amount:
            entries.add(session, user.id or 0, amount, "start", "start credits", actor.name, now)
        journal.admin(session, actor, now, f"created {user.role} {user.name!r}")
        session.flush()
        return _view(session, user)


def me(tools: Tools, actor: Actor) -> UserView:
    """The actor's own account."""
    with tools.db.read() as session:
        return _view(session, _existing(session, actor.user_id))


def get(tools: Tools, actor: Actor, id: int) -> UserView:
    """One account: the actor's own, or for admins anyone's."""
    if id != actor.user_id:
        require_admin(actor)
    with tools.db.read() as session:
        return _view(session, _existing(session, id))


def named(tools: Tools, actor: Actor, name: str) -> UserView:
    """The account of that name."""
    require_admin(actor)
    with tools.db.read() as session:
        user = session.exec(select(User).where(User.name == name, col(User.deleted_at).is_(None))).first()
        if user is None:
            raise not_found(f"User {name!r}")
        return _view(session, user)


def find(
    tools: Tools,
    actor: Actor,
    search: str = "",
    sort: str = "-created_at",
    page: int = 1,
    page_size: int = 50,
    role: str = "",
) -> Page[UserView]:
    """All accounts that exist."""
    require_admin(actor)
    offset, word = offset_of(page, page_size), check_text(search, "search")
    kept: list[ColumnElement[bool]] = [col(User.deleted_at).is_(None)]
    if role:
        kept.append(col(User.role) == role)
    if word:
        kept.append(or_(*(column.icontains(word, autoescape=True) for column in (col(User.name), col(User.email)))))
    statement = sql_select(User, Account).join(Account, col(Account.user_id) == col(User.id)).where(*kept)
    with tools.db.read() as session:
        total = session.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
        rows = session.execute(_ordered(statement, sort).offset(offset).limit(page_size)).all()
        names = groups.by_id(session)
        return Page(tuple(view_of(row[0], row[1], names) for row in rows), total, page, page_size)


def update(tools: Tools, actor: Actor, id: int, patch: UserPatch) -> UserView:
    """Change an account. Disabling it, or another role, counts for its next event or call."""
    require_admin(actor)
    given, now = patch.changes(), tools.now()
    with unique("name", "A user"), tools.db.write() as session:
        take_turn(session, "roles")
        user = _managed(session, actor, id)
        _check_change(session, actor, user, given)
        _apply(session, user, given)
        if given.get("enabled") is False:
            logins.end_all(session, id)
        entries.touch(session, id)
        journal.admin(session, actor, now, f"changed user {user.name!r}: {', '.join(sorted(given))}")
        session.flush()
        return _view(session, user)


def update_me(tools: Tools, actor: Actor, fields: MeFields) -> UserView:
    """What people may change on their own account."""
    with unique("email", "A user"), tools.db.write() as session:
        user = _existing(session, actor.user_id)
        given = fields.changes()
        if "email" in given:
            user.email = _free_email(session, given["email"], user.id)
        if "log_address" in given:
            user.log_address = given["log_address"]
        entries.touch(session, actor.user_id)
        session.flush()
        return _view(session, user)


def set_password(tools: Tools, actor: Actor, id: int, password: str) -> None:
    """A new password for somebody else, set by an admin; ends all sessions of that user."""
    require_admin(actor)
    if id == actor.user_id:
        raise Problem(403, "own_password", "Change your own password on your profile page.")
    check_password(password)
    hashed = hash_password(password)
    with tools.db.write() as session:
        user = _managed(session, actor, id)
        user.password_hash = hashed
        logins.end_all(session, id)
        entries.touch(session, id)
        journal.admin(session, actor, tools.now(), f"set the password of user {user.name!r}")


def change_own_password(tools: Tools, actor: Actor, old: str, new: str, keep_session: str = "") -> None:
    """A new password of one's own; the old one is asked for, the other sessions end."""
    check_password(new, "new_password")
    with logins.attempt(tools, actor.address), tools.db.read() as session:
        known = _existing(session, actor.user_id).password_hash
        if not password_matches(old, known):
            raise Problem(403, "wrong_password", "The current password is not right.", "old_password")
    hashed = hash_password(new)
    with tools.db.write() as session:
        user = _existing(session, actor.user_id, lock=True)
        if user.password_hash != known:
            raise Problem(409, "conflict", "The password was changed meanwhile. Log in again.")
        user.password_hash = hashed
        logins.end_all(session, actor.user_id, keep_session)
        journal.login(session, actor, tools.now(), f"{user.name} changed the password; other sessions ended.")


def delete(tools: Tools, actor: Actor, id: int) -> None:
    """Remove an account with its tokens, sessions and access tokens; the log keeps what it did."""
    require_admin(actor)
    now = tools.now()
    with tools.db.write() as session:
        take_turn(session, "roles")
        user = _managed(session, actor, id)
        if id == actor.user_id:
            raise Problem(409, "own_account", "Nobody can delete the own account.")
        _check_last_root(session, user)
        told = user.name
        logins.end_all(session, id)
        logins.end_access(session, id)
        for token in session.exec(select(Token).where(Token.user_id == id, col(Token.deleted_at).is_(None))):
            token.key_hash = token.old_key_hash = token.old_key_until = None
            token.deleted_at = now
        responses.forget(session, id)
        # the name becomes free; '#' can't stand in a name that people choose
        user.name, user.email, user.password_hash = f"{told[:40]} #{id}", None, ""
        user.enabled, user.deleted_at = False, now
        entries.touch(session, id)
        journal.admin(session, actor, now, f"deleted user {told!r}")


def _start_credits(session: Session, fields: UserFields) -> int:
    if fields.balance is not None:
        return fields.balance
    options = current(session)
    first = fields.role == "root" and session.exec(select(User.id).where(User.role == "root").limit(1)).first() is None
    return options.root_start_credits if first else options.user_start_credits


def _check_manages(actor: Actor, role: str) -> None:
    if not may_manage(actor, role):
        raise Problem(403, "root_only", "Only root may make or change admins.", "role")


def _check_change(session: Session, actor: Actor, user: User, given: dict[str, Any]) -> None:
    _check_manages(actor, given.get("role", user.role))
    loses = given.get("role", user.role) != user.role or given.get("enabled", True) is False
    if loses and user.id == actor.user_id:
        raise Problem(409, "own_account", "Nobody can disable or demote the own account.")
    if loses:
        _check_last_root(session, user)


def _check_last_root(session: Session, user: User) -> None:
    roots = select(func.count()).where(User.role == "root", col(User.enabled), col(User.deleted_at).is_(None))
    if user.role == "root" and user.enabled and session.exec(roots).one() <= 1:
        raise Problem(409, "last_root", "This is the last root account. Make another one first.")


def _apply(session: Session, user: User, given: dict[str, Any]) -> None:
    if "group" in given:
        user.group_id = _group(session, given["group"])
    if "extra_groups" in given:
        user.extra_groups = groups.ids_of(session, given["extra_groups"], "extra_groups")
    if "email" in given:
        user.email = _free_email(session, given["email"], user.id)
    for name in {"name", "role", "ratio", "enabled"} & set(given):
        setattr(user, name, given[name])


def _free_email(session: Session, email: str | None, own_id: int | None = None) -> str | None:
    if email is None:
        return None
    other = session.exec(select(User.id).where(func.lower(User.email) == email.lower())).first()
    if other is not None and other != own_id:
        raise Problem(409, "already_exists", "A user with this email exists already.", "email")
    return email


def _group(session: Session, name: str | None) -> int:
    if name is not None:
        return groups.id_of(session, name)
    first = session.exec(select(Group).order_by((col(Group.name) != groups.DEFAULT), col(Group.id))).first()
    if first is None or first.id is None:
        raise invalid("There is no group yet. Make one first.", "group")
    return first.id


def _existing(session: Session, id: int, lock: bool = False) -> User:
    check_id(id, "The user")
    statement = select(User).where(User.id == id, col(User.deleted_at).is_(None))
    user = session.exec(statement.with_for_update() if lock else statement).first()
    if user is None:
        raise not_found("The user")
    return user


def _managed(session: Session, actor: Actor, id: int) -> User:
    user = _existing(session, id, lock=True)
    if id != actor.user_id:
        _check_manages(actor, user.role)
    entries.lock(session, [id, actor.user_id])
    return user


def _view(session: Session, user: User) -> UserView:
    account = session.get(Account, user.id, populate_existing=True)
    return view_of(user, account, groups.by_id(session))


def _ordered(statement: Select[*tuple[Any, ...]], sort: str) -> Select[*tuple[Any, ...]]:
    keys: dict[str, Any] = {
        "id": col(User.id),
        "name": func.lower(col(User.name)),
        "role": col(User.role),
        "balance": col(Account.balance),
        "created_at": col(User.created_at),
    }
    name = sort.removeprefix("-")
    if name not in keys:
        raise invalid(f"sort must be one of {', '.join(keys)}, with '-' in front for descending.", "sort")
    if sort.startswith("-"):
        return statement.order_by(keys[name].desc(), col(User.id).desc())
    return statement.order_by(keys[name].asc(), col(User.id).asc())
