"""Balances as people change them: credits given with a reason, corrections of single requests."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from openopen8.core.errors import Problem, not_found
from openopen8.core.models import CreditEntry, User
from openopen8.core.rules.pricing import MAX_CREDITS
from openopen8.core.rules.roles import Actor, may_manage, require_admin
from openopen8.core.services import journal
from openopen8.core.services.forms import Change, Form, Reason
from openopen8.core.services.ledger import entries
from openopen8.core.services.log_walk import of_request
from openopen8.core.services.page import Page, check_id, offset_of
from openopen8.core.services.users import UserView
from openopen8.core.services.users import get as get_user
from openopen8.core.tools import Tools


class CreditFields(Form):
    """Credits for a user."""

    add: Change = Field(description="Credits to add; negative to take.")
    reason: Reason


class CorrectionFields(Form):
    """Credits to give back for one request."""

    credits: int = Field(ge=1, le=MAX_CREDITS, description="At most what the request still costs.")
    reason: Reason


@dataclass(frozen=True, slots=True)
class CreditView:
    """One change of a balance that is not a charge: who, when, why."""

    id: int
    amount: int
    kind: str
    reason: str
    actor: str
    time: int


def add(tools: Tools, actor: Actor, user_id: int, amount: int, reason: str) -> UserView:
    """Give ``amount`` credits to a user, or take them when it is negative."""
    require_admin(actor)
    with tools.db.write() as session:
        user = _managed(session, actor, user_id)
        entries.lock(session, [user_id, actor.user_id])
        entries.add(session, user_id, amount, "admin", reason, actor.name, tools.now())
        journal.admin(session, actor, tools.now(), f"changed the balance of user {user.name!r} by {amount:+,}")
    return get_user(tools, actor, user_id)


def correct(tools: Tools, actor: Actor, request_id: str, credits: int, reason: str) -> int:
    """Give ``credits`` of a charge back: lowers ``used``, raises the balance; returns the log entry's id."""
    require_admin(actor)
    with tools.db.write() as session:
        found = next((entry for entry in of_request(session, request_id) if entry.kind == "request"), None)
        if found is None or found.user_id is None:
            raise not_found("The request")
        user = _managed(session, actor, found.user_id)
        entries.lock(session, [found.user_id, actor.user_id], [found.token_id or 0])
        entry = entries.correct(session, request_id, credits, reason, actor.name, tools.now())
        journal.admin(session, actor, tools.now(), f"gave {credits:,} credits of {request_id} back to {user.name!r}")
        return entry.id or 0


def find(
    tools: Tools, actor: Actor, user_id: int | None = None, page: int = 1, page_size: int = 50
) -> Page[CreditView]:
    """Credit entries of the actor, or for admins of ``user_id``, newest first."""
    owner, offset = actor.user_id if user_id is None else user_id, offset_of(page, page_size)
    if owner != actor.user_id:
        require_admin(actor)
    with tools.db.read() as session:
        mine = CreditEntry.user_id == owner
        total = session.exec(select(func.count()).select_from(CreditEntry).where(mine)).one()
        newest = select(CreditEntry).where(mine).order_by(col(CreditEntry.id).desc())
        rows = session.exec(newest.offset(offset).limit(page_size)).all()
    views = tuple(CreditView(x.id or 0, x.amount, x.kind, x.reason, x.actor, x.time) for x in rows)
    return Page(views, total, page, page_size)


def _managed(session: Session, actor: Actor, user_id: int) -> User:
    check_id(user_id, "The user")
    user = session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise not_found("The user")
    if user_id != actor.user_id and not may_manage(actor, user.role):
        raise Problem(403, "root_only", "Only root may change the balance of an admin.")
    return user
