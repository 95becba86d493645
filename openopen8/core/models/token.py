"""Tokens: credentials that users make for their programs. The value itself is never stored."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Json


class Token(SQLModel, table=True):
    """One credential; a deleted one keeps its row (for the log) and loses its hashes."""

    __tablename__ = "tokens"
    __table_args__ = (Index("ix_tokens_user_id", "user_id"),)

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    user_id: int = Field(sa_type=Big)
    name: str = Field(max_length=100)
    key_hash: str | None = Field(default=None, max_length=64, unique=True)
    old_key_hash: str | None = Field(default=None, max_length=64, unique=True)
    """The value before the last rotation, good until ``old_key_until``."""
    old_key_until: int | None = Field(default=None, sa_type=Big)
    hint: str = Field(max_length=24)
    quota: int | None = Field(default=None, sa_type=Big)
    """Credits that may be used in a period; None = no limit."""
    quota_period: str = Field(default="none", max_length=8)
    expires_at: int | None = Field(default=None, sa_type=Big)
    allowed_models: list[str] = Field(default_factory=list, sa_type=Json)
    ip_whitelist: list[str] = Field(default_factory=list, sa_type=Json)
    group_id: int | None = Field(default=None, sa_type=Big)
    rate_limit: int | None = None
    """Requests per minute; None = no limit."""
    enabled: bool = True
    created_at: int = Field(sa_type=Big)
    deleted_at: int | None = Field(default=None, sa_type=Big)
