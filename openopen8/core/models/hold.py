"""Holds: credits reserved for requests in flight."""

from __future__ import annotations

from typing import Any

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Json


class Hold(SQLModel, table=True):
    """One request in flight, committed before its upstream is called; enough to settle it after a crash.

    One b-tree, since a row comes and goes with each request: the ids of worker ``w`` begin at ``w << 40``.
    """

    __tablename__ = "holds"

    id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    request_id: str = Field(max_length=40)
    user_id: int = Field(sa_type=Big)
    token_id: int = Field(sa_type=Big)
    period_start: int = Field(sa_type=Big)
    admitted_at: int = Field(sa_type=Big)
    group_id: int = Field(sa_type=Big)
    model: str = Field(max_length=256)
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """For the log after a crash: endpoint, stream, address."""
    amount: int = Field(sa_type=Big)
    """Held of the balance."""
    token_amount: int = Field(sa_type=Big)
    """Held of the token's quota: all of the estimate, even when less was left, so that what other requests give back
    lets nobody in before this one has ended."""
    progress: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Of a stream, once a second: receipt so far, counts, channel, upstream model."""
