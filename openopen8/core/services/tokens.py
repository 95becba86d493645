"""Tokens: make, list, change, disable, rotate, delete. What is changed counts for the next request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from openopen8.core.clock import DAY, HOUR, SECOND
from openopen8.core.errors import Problem, invalid, not_found
from openopen8.core.models import Token, TokenCounter, User
from openopen8.core.rules.pricing import MAX_CREDITS
from openopen8.core.rules.roles import Actor, may_manage
from openopen8.core.security.secrets import TOKEN_PREFIX, hint_of, new_value
from openopen8.core.services import groups, journal, token_list
from openopen8.core.services.groups import GroupChoice
from openopen8.core.services.ledger import entries
from openopen8.core.services.log_sought import Sought
from openopen8.core.services.log_sums import total
from openopen8.core.services.models import ModelChoice, usable_models
from openopen8.core.services.page import Page, check_id, offset_of
from openopen8.core.services.token_fields import TokenFields, TokenPatch, columns_of
from openopen8.core.services.token_list import STATUSES
from openopen8.core.services.token_view import TokenView, view_of
from openopen8.core.tools import Tools

__all__ = [
    "STATUSES",
    "Created",
    "GroupChoice",
    "ModelChoice",
    "TokenFields",
    "TokenPatch",
    "TokenView",
    "create",
    "delete",
    "delete_many",
    "find",
    "get",
    "models_for",
    "recent",
    "rotate",
    "set_enabled",
    "status_counts",
    "top_up",
    "update",
    "usable_groups",
]

LONGEST_GRACE = 30 * DAY // SECOND
MOST_AT_ONCE = 1000
Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Created:
    """A token and its value, which is nowhere kept and shown only now."""

    token: TokenView
    value: str

    def __repr__(self) -> str:
        return f"Created(token={self.token!r}, value=…)"


def create(tools: Tools, actor: Actor, fields: TokenFields, user_id: int | None = None) -> Created:
    """A new token of the actor, or of another user whom the actor manages."""
    now, value = tools.now(), new_value(TOKEN_PREFIX)
    with tools.db.write() as session:
        user = _owner(session, actor, actor.user_id if user_id is None else user_id)
        token = Token(
            **columns_of(fields.model_dump()),
            user_id=user.id or 0,
            group_id=groups.chosen(session, user, fields.group),
            key_hash=tools.keyring.hash(value),
            hint=hint_of(value),
            created_at=now,
        )
        session.add(token)
        session.flush()
        entries.open_counter(session, token.id or 0)
        _changed(session, actor, token, now, "created")
        session.flush()
        return Created(_view(session, token, now), value)


def get(tools: Tools, actor: Actor, id: int) -> TokenView:
    """One token: the actor's own, or for admins anyone's."""
    with tools.db.read() as session:
        return _view(session, _visible(session, actor, id), tools.now())


def find(
    tools: Tools,
    actor: Actor,
    search: str = "",
    status: str = "",
    sort: str = "-created_at",
    page: int = 1,
    page_size: int = 50,
    user_id: int | None = None,
    everyone: bool = False,
) -> Page[TokenView]:
    """The actor's tokens; for admins those of ``user_id``, or with ``everyone`` of all users."""
    now, offset = tools.now(), offset_of(page, page_size)
    if user_id is not None:
        check_id(user_id, "The user")
    kept: list[Condition] = [token_list.matching(search), *_scope(actor, user_id, everyone)]
    if token_list.check_status(status):
        kept.append(token_list.status_at(now) == status)
    statement = token_list.rows().where(*kept)
    with tools.db.read() as session:
        total = session.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
        rows = session.execute(token_list.ordered(statement, sort, now).offset(offset).limit(page_size)).all()
        names = groups.by_id(session)
        return Page(tuple(view_of(row[0], row[1], row[2], names, now) for row in rows), total, page, page_size)


def status_counts(tools: Tools, actor: Actor, search: str = "") -> dict[str, int]:
    """How many of the actor's tokens have each status; ``all`` is their sum."""
    status = token_list.status_at(tools.now()).label("status")
    kept = token_list.rows().where(token_list.matching(search), *_scope(actor, None, False))
    statement = kept.with_only_columns(status, func.count(), maintain_column_froms=True).group_by(status)
    with tools.db.read() as session:
        found = {name: count for name, count in session.execute(statement)}
    return {"all": sum(found.values())} | {name: found.get(name, 0) for name in STATUSES}


def update(tools: Tools, actor: Actor, id: int, patch: TokenPatch) -> TokenView:
    """Change what ``patch`` names. Another quota period starts now, with nothing used."""
    now = tools.now()
    with tools.db.write() as session:
        token = _managed(session, actor, id)
        given = patch.changes()
        if "group" in given:
            token.group_id = groups.chosen(session, _user(session, token.user_id), given["group"])
        if given.get("quota_period", token.quota_period) != token.quota_period:
            entries.begin_period(session, id, now)
        for name, value in columns_of(given).items():
            setattr(token, name, value)
        _changed(session, actor, token, now, "changed")
        session.flush()
        return _view(session, token, now)


def delete(tools: Tools, actor: Actor, id: int) -> None:
    """From the next request on the token is unknown; its log stays, with its name."""
    with tools.db.write() as session:
        _erase(session, actor, _managed(session, actor, id), tools.now())


def delete_many(tools: Tools, actor: Actor, ids: Sequence[int]) -> int:
    """Delete all of them or, if one is not there, none; returns how many."""
    with tools.db.write() as session:
        for token in _several(session, actor, ids):
            _erase(session, actor, token, tools.now())
    return len(set(ids))


def set_enabled(tools: Tools, actor: Actor, ids: Sequence[int], enabled: bool) -> int:
    """Enable or disable all of them or, if one is not there, none; returns how many."""
    with tools.db.write() as session:
        for token in _several(session, actor, ids):
            token.enabled = enabled
            _changed(session, actor, token, tools.now(), "enabled" if enabled else "disabled")
    return len(set(ids))


def rotate(tools: Tools, actor: Actor, id: int, grace_seconds: int = 0) -> Created:
    """A new value; the one before it works for ``grace_seconds`` more. Older ones end now."""
    if not 0 <= grace_seconds <= LONGEST_GRACE:
        raise invalid(f"grace_seconds must be a whole number from 0 to {LONGEST_GRACE:,}.", "grace_seconds")
    now, value = tools.now(), new_value(TOKEN_PREFIX)
    with tools.db.write() as session:
        token = _managed(session, actor, id)
        token.old_key_hash = token.key_hash if grace_seconds else None
        token.old_key_until = now + grace_seconds * SECOND if grace_seconds else None
        token.key_hash, token.hint = tools.keyring.hash(value), hint_of(value)
        _changed(session, actor, token, now, "rotated")
        session.flush()
        return Created(_view(session, token, now), value)


def top_up(tools: Tools, actor: Actor, id: int, amount: int) -> TokenView:
    """Raise the token's quota by ``amount`` credits, for good."""
    if not 1 <= amount <= MAX_CREDITS:
        raise invalid(f"amount must be a whole number from 1 to {MAX_CREDITS:,}.", "amount")
    with tools.db.write() as session:
        token = _managed(session, actor, id)
        if token.quota is None:
            raise invalid("This token has no quota: it needs no top-up.", "amount")
        if token.quota + amount > MAX_CREDITS:
            raise invalid(f"A quota can't be more than {MAX_CREDITS:,} credits.", "amount")
        token.quota += amount
        _changed(session, actor, token, tools.now(), "topped up")
        session.flush()
        return _view(session, token, tools.now())


def recent(tools: Tools, actor: Actor, id: int) -> int:
    """Requests with this token in the last hour: what somebody who is about to delete it wants to know."""
    with tools.db.snapshot() as session:
        owner = _visible(session, actor, id).user_id
        return total(session, Sought(token_id=id, user_id=owner, since=tools.now() - HOUR, low=0)).asked


def usable_groups(tools: Tools, actor: Actor, user_id: int | None = None) -> tuple[GroupChoice, ...]:
    """Groups for the token form, the own one first."""
    return groups.usable(tools, actor, user_id)


def models_for(tools: Tools, actor: Actor, group: str | None = None) -> tuple[ModelChoice, ...]:
    """Models that a token in ``group`` (None = the own one) could call, with prices."""
    return usable_models(tools, actor, group)


def _scope(actor: Actor, user_id: int | None, everyone: bool) -> list[Condition]:
    if actor.is_admin and everyone and user_id is None:
        return []
    if user_id is not None and user_id != actor.user_id and not actor.is_admin:
        raise Problem(403, "admin_only", "Only an admin may see the tokens of others.", "user_id")
    return [col(Token.user_id) == (actor.user_id if user_id is None else user_id)]


def _visible(session: Session, actor: Actor, id: int, lock: bool = False) -> Token:
    check_id(id, "The token")
    statement = select(Token).where(Token.id == id, col(Token.deleted_at).is_(None))
    token = session.exec(statement.with_for_update() if lock else statement).first()
    if token is None or (token.user_id != actor.user_id and not actor.is_admin):
        raise not_found("The token")
    return token


def _managed(session: Session, actor: Actor, id: int) -> Token:
    token = _visible(session, actor, id, lock=True)
    _owner(session, actor, token.user_id)
    return token


def _owner(session: Session, actor: Actor, user_id: int) -> User:
    check_id(user_id, "The user")
    user = session.get(User, user_id)
    if user is None or user.deleted_at is not None or (user_id != actor.user_id and not actor.is_admin):
        raise not_found("The user")
    if user_id != actor.user_id and not may_manage(actor, user.role):
        raise Problem(403, "root_only", "Only root may change what belongs to another admin.")
    return user


def _user(session: Session, id: int) -> User:
    user = session.get(User, id)
    if user is None:
        raise not_found("The user")
    return user


def _view(session: Session, token: Token, now: int) -> TokenView:
    counter = session.get(TokenCounter, token.id, populate_existing=True)
    return view_of(token, counter, _user(session, token.user_id), groups.by_id(session), now)


def _erase(session: Session, actor: Actor, token: Token, now: int) -> None:
    token.key_hash = token.old_key_hash = token.old_key_until = None
    token.deleted_at = now
    _changed(session, actor, token, now, "deleted")


def _changed(session: Session, actor: Actor, token: Token, now: int, deed: str) -> None:
    entries.lock(session, [token.user_id, actor.user_id])
    entries.touch(session, token.user_id)
    if token.user_id != actor.user_id:
        owner = _user(session, token.user_id).name
        journal.admin(session, actor, now, f"{deed} token {token.hint} of user {owner!r}")


def _several(session: Session, actor: Actor, ids: Sequence[int]) -> list[Token]:
    if len(ids) > MOST_AT_ONCE:
        raise invalid(f"At most {MOST_AT_ONCE:,} at once.", "ids")
    found = [_managed(session, actor, id) for id in sorted(set(ids))]
    entries.lock(session, [actor.user_id, *(token.user_id for token in found)])
    return found
