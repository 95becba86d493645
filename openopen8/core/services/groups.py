"""Groups: price ratio, rate limit and reachable channels under one name."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from openopen8.core.errors import Problem, invalid, not_found
from openopen8.core.models import Channel, Group, User
from openopen8.core.rules.access import may_use_group
from openopen8.core.rules.pricing import plain
from openopen8.core.rules.roles import Actor, require_admin
from openopen8.core.services import journal
from openopen8.core.services.conflict import unique
from openopen8.core.services.forms import Form, Note, Patch, RateLimit, Ratio, ShortName, check_text
from openopen8.core.services.page import Page, check_id, offset_of
from openopen8.core.services.snapshot import bump
from openopen8.core.services.turn import take_turn
from openopen8.core.tools import Tools

DEFAULT = "default"


class GroupFields(Form):
    """A group as the admin describes it."""

    name: ShortName
    ratio: Ratio = Field("1", validate_default=True, description="Every price is multiplied by it.")
    selectable: bool = Field(False, description="Any user may choose it for a token.")
    rate_limit: RateLimit | None = Field(None, description="Requests per minute of the whole group; null = no limit.")
    note: Note = ""


class GroupPatch(GroupFields, Patch):
    """A change of a group: absent fields stay."""

    name: ShortName = ""


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group with how many users have it; ``ratio`` is decimal text."""

    id: int
    name: str
    ratio: str
    selectable: bool
    rate_limit: int | None
    note: str
    users: int
    created_at: int


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """A group that somebody may choose for a token."""

    name: str
    ratio: str
    rate_limit: int | None
    selectable: bool


def create(tools: Tools, actor: Actor, fields: GroupFields) -> GroupView:
    """A new group; its name must be free."""
    require_admin(actor)
    with unique("name", "A group"), tools.db.write() as session:
        group = Group(**fields.model_dump(), created_at=tools.now())
        session.add(group)
        session.flush()
        bump(session)
        journal.admin(session, actor, tools.now(), f"created group {group.name!r}")
        return _view(group, 0)


def get(tools: Tools, actor: Actor, id: int) -> GroupView:
    """One group."""
    require_admin(actor)
    with tools.db.read() as session:
        return _view(_existing(session, id), _users(session).get(id, 0))


def named(tools: Tools, actor: Actor, name: str) -> GroupView:
    """The group of that name."""
    require_admin(actor)
    with tools.db.read() as session:
        group = session.exec(select(Group).where(Group.name == name)).first()
        if group is None:
            raise not_found(f"Group {name!r}")
        return _view(group, _users(session).get(group.id or 0, 0))


def find(tools: Tools, actor: Actor, search: str = "", page: int = 1, page_size: int = 50) -> Page[GroupView]:
    """Groups by name."""
    require_admin(actor)
    offset, word = offset_of(page, page_size), check_text(search, "search")
    kept = col(Group.name).icontains(word, autoescape=True)
    with tools.db.read() as session:
        total = session.exec(select(func.count()).select_from(Group).where(kept)).one()
        rows = session.exec(select(Group).where(kept).order_by(col(Group.name)).offset(offset).limit(page_size))
        users = _users(session)
        return Page(tuple(_view(row, users.get(row.id or 0, 0)) for row in rows), total, page, page_size)


def update(tools: Tools, actor: Actor, id: int, patch: GroupPatch) -> GroupView:
    """Change a group; counts for the next request."""
    require_admin(actor)
    with unique("name", "A group"), tools.db.write() as session:
        group = _existing(session, id)
        changes = patch.changes()
        for name, value in changes.items():
            setattr(group, name, value)
        session.flush()
        bump(session)
        journal.admin(session, actor, tools.now(), f"changed group {group.name!r}: {', '.join(sorted(changes))}")
        return _view(group, _users(session).get(id, 0))


def delete(tools: Tools, actor: Actor, id: int) -> None:
    """Remove a group that no user has; tokens and channels that name it lose it at once."""
    require_admin(actor)
    with tools.db.write() as session:
        take_turn(session, "groups")
        group = _existing(session, id)
        if _users(session).get(id):
            raise Problem(409, "group_in_use", f"Group {group.name!r} still has users. Move them first.")
        for channel in session.exec(select(Channel)):
            channel.groups = [other for other in channel.groups if other != id]
        for user in session.exec(select(User)):
            user.extra_groups = [other for other in user.extra_groups if other != id]
        session.delete(group)
        bump(session)
        journal.admin(session, actor, tools.now(), f"deleted group {group.name!r}")


def usable(tools: Tools, actor: Actor, user_id: int | None = None) -> tuple[GroupChoice, ...]:
    """The groups that tokens of the actor (or, for admins, of that user) may have, the own one first."""
    with tools.db.read() as session:
        user = session.get(User, actor.user_id if user_id is None else user_id)
        if user is None or (user.id != actor.user_id and not actor.is_admin):
            return ()
        rows = [group for group in session.exec(select(Group).order_by(col(Group.name))) if may_use(user, group)]
        rows.sort(key=lambda group: group.id != user.group_id)
        return tuple(GroupChoice(x.name, _ratio_for(user, x), x.rate_limit, x.selectable) for x in rows)


def may_use(user: User, group: Group) -> bool:
    """Whether tokens of ``user`` may have ``group``."""
    return may_use_group(group.id or 0, group.selectable, user.group_id, user.extra_groups, user.role)


def chosen(session: Session, user: User, name: str | None) -> int | None:
    """Id of the group that a token of ``user`` shall have; None = the own one."""
    if name is None:
        return None
    group = session.exec(select(Group).where(Group.name == name)).first()
    if group is None or not may_use(user, group):
        # the same answer for both, so that nobody learns the names of other people's groups
        raise Problem(403, "group_not_allowed", f"There is no group {name!r} that this user may choose.", "group")
    return group.id


def id_of(session: Session, name: str, param: str = "group") -> int:
    """Id of the group of that name, else a 400 at the field."""
    group = session.exec(select(Group).where(Group.name == name)).first()
    if group is None or group.id is None:
        raise invalid(f"There is no group {name!r}.", param)
    return group.id


def ids_of(session: Session, names: list[str], param: str) -> list[int]:
    """Ids of the named groups, else a 400 at the place in the list."""
    return [id_of(session, name, f"{param}.{index}") for index, name in enumerate(names)]


def by_id(session: Session) -> dict[int, Group]:
    """All groups."""
    return {group.id or 0: group for group in session.exec(select(Group))}


def _ratio_for(user: User, group: Group) -> str:
    own = user.ratio is not None and group.id == user.group_id
    return plain(user.ratio if own and user.ratio is not None else group.ratio)


def _existing(session: Session, id: int) -> Group:
    check_id(id, "The group")
    group = session.get(Group, id)
    if group is None:
        raise not_found("The group")
    return group


def _users(session: Session) -> dict[int, int]:
    alive = col(User.deleted_at).is_(None)
    rows = session.exec(select(User.group_id, func.count()).where(alive).group_by(col(User.group_id)))
    return {id: count for id, count in rows}


def _view(group: Group, users: int) -> GroupView:
    return GroupView(
        group.id or 0,
        group.name,
        plain(group.ratio),
        group.selectable,
        group.rate_limit,
        group.note,
        users,
        group.created_at,
    )
