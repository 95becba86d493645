"""Holds: credits reserved for requests in flight."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Exact, Json


class Hold(SQLModel, table=True):
    """One request in flight, committed before its upstream is called; enough to settle it after a crash."""

    __tablename__ = "holds"
    __table_args__ = (Index("ix_holds_worker_id", "worker_id"),)

    request_id: str = Field(primary_key=True, max_length=40)
    worker_id: int = Field(sa_type=Big)
    user_id: int = Field(sa_type=Big)
    token_id: int = Field(sa_type=Big)
    amount: int = Field(sa_type=Big)
    period_start: int = Field(sa_type=Big)
    admitted_at: int = Field(sa_type=Big)
    group_id: int = Field(sa_type=Big)
    group_ratio: Decimal = Field(sa_type=Exact)
    price_id: int = Field(sa_type=Big)
    model: str = Field(max_length=256)
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """For the log after a crash: endpoint, stream, address."""
    progress: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Of a stream, once a second: receipt so far, counts, channel, upstream model."""
