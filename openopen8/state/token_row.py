"""A token as a row of the list: only what the browser may show, ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from openopen8.core.services.tokens import TokenView


@dataclass(frozen=True)
class TokenRow:
    """Credits are integers, times ms UTC (0 = never); ``quota`` 0 = unlimited; ``glow`` marks the row that moved."""

    id: int = 0
    name: str = ""
    hint: str = ""
    status: str = ""
    enabled: bool = True
    used: int = 0
    used_total: int = 0
    held: int = 0
    remaining: int = 0
    quota: int = 0
    percent: int = 0
    quota_period: str = "none"
    models: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    group: str = ""
    own_group: bool = True
    ratio: str = ""
    rate_limit: int = 0
    created_at: int = 0
    expires_at: int = 0
    last_used_at: int = 0
    glow: str = ""


def row_of(view: TokenView) -> TokenRow:
    """The row of a token."""
    return TokenRow(
        id=view.id,
        name=view.name,
        hint=view.hint,
        status=view.status,
        enabled=view.enabled,
        used=view.used,
        used_total=view.used_total,
        held=view.held,
        remaining=view.remaining or 0,
        quota=view.quota,
        percent=min(100, 100 * view.used // view.quota) if view.quota else 0,
        quota_period=view.quota_period,
        models=view.allowed_models,
        ranges=view.ip_whitelist,
        group=view.effective_group,
        own_group=view.group is None,
        ratio=view.ratio,
        rate_limit=view.rate_limit or 0,
        created_at=view.created_at,
        expires_at=view.expires_at or 0,
        last_used_at=view.last_used_at or 0,
    )


def glowing(old: Iterable[TokenRow], new: Iterable[TokenRow]) -> list[TokenRow]:
    """``new``, where rows whose use moved glow; two names in turn, so that the glow begins anew each time."""
    before = {row.id: row for row in old}
    return [_lit(before.get(row.id), row) for row in new]


def _lit(old: TokenRow | None, row: TokenRow) -> TokenRow:
    if old is None:
        return row
    if (old.used, old.last_used_at) == (row.used, row.last_used_at):
        return replace(row, glow=old.glow)
    return replace(row, glow="glow-even" if old.glow == "glow-odd" else "glow-odd")
