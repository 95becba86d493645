"""A token as its owner sees it: settings and live numbers, never its value or hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openopen8.core.models import Group, Token, TokenCounter, User
from openopen8.core.rules.pricing import plain
from openopen8.core.rules.quota import token_status, used_now


@dataclass(frozen=True, slots=True)
class TokenView:
    """Credits are integers, times ms UTC; ``ratio`` is that of the effective group, as decimal text."""

    id: int
    user_id: int
    user: str
    name: str
    hint: str
    status: str
    """enabled, disabled, expired or exhausted."""
    quota: int
    """0 = unlimited."""
    used: int
    used_total: int
    held: int
    remaining: int | None
    """quota − used − held, at least 0; None = unlimited."""
    quota_period: str
    expires_at: int | None
    allowed_models: tuple[str, ...]
    ip_whitelist: tuple[str, ...]
    group: str | None
    """None = the user's own group."""
    effective_group: str
    ratio: str
    rate_limit: int | None
    enabled: bool
    created_at: int
    last_used_at: int | None


def view_of(token: Token, counter: TokenCounter | None, user: User, groups: Mapping[int, Group], now: int) -> TokenView:
    """The view of one row; ``groups`` by id."""
    counter = counter or TokenCounter(token_id=token.id or 0)
    used = used_now(counter.used, token.quota_period, counter.period_start, now)
    group_id = user.group_id if token.group_id is None else token.group_id
    return TokenView(
        id=token.id or 0,
        user_id=token.user_id,
        user=user.name,
        name=token.name,
        hint=token.hint,
        status=token_status(token.enabled, token.expires_at, token.quota, used, now),
        quota=token.quota or 0,
        used=used,
        used_total=counter.used_total,
        held=counter.held,
        remaining=None if token.quota is None else max(0, token.quota - used - counter.held),
        quota_period=token.quota_period,
        expires_at=token.expires_at,
        allowed_models=tuple(token.allowed_models),
        ip_whitelist=tuple(token.ip_whitelist),
        group=None if token.group_id is None else _name(groups, token.group_id),
        effective_group=_name(groups, group_id),
        ratio=_ratio(user, groups, group_id),
        rate_limit=token.rate_limit,
        enabled=token.enabled,
        created_at=token.created_at,
        last_used_at=counter.last_used_at,
    )


def _name(groups: Mapping[int, Group], id: int) -> str:
    return groups[id].name if id in groups else f"#{id}"


def _ratio(user: User, groups: Mapping[int, Group], id: int) -> str:
    if user.ratio is not None and id == user.group_id:
        return plain(user.ratio)
    return plain(groups[id].ratio) if id in groups else ""
