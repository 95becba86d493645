"""An account as the dashboard and the management API show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openopen8.core.models import Account, Group, User
from openopen8.core.rules.pricing import plain


@dataclass(frozen=True, slots=True)
class UserView:
    """Credits are integers; ``available`` = balance − held; ``ratio`` None = that of the group."""

    id: int
    name: str
    email: str | None
    role: str
    group: str
    extra_groups: tuple[str, ...]
    ratio: str | None
    enabled: bool
    balance: int
    held: int
    available: int
    log_address: bool
    created_at: int


def view_of(user: User, account: Account | None, groups: Mapping[int, Group]) -> UserView:
    """The view of one row; ``groups`` by id."""
    account = account or Account(user_id=user.id or 0)
    return UserView(
        id=user.id or 0,
        name=user.name,
        email=user.email,
        role=user.role,
        group=groups[user.group_id].name if user.group_id in groups else f"#{user.group_id}",
        extra_groups=tuple(groups[id].name for id in user.extra_groups if id in groups),
        ratio=None if user.ratio is None else plain(user.ratio),
        enabled=user.enabled,
        balance=account.balance,
        held=account.held,
        available=account.balance - account.held,
        log_address=user.log_address,
        created_at=user.created_at,
    )
