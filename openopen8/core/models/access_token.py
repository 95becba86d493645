"""Personal access tokens for the management API."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class AccessToken(SQLModel, table=True):
    """``oo8-…``: speaks for its user at the management API; only a keyed hash is stored."""

    __tablename__ = "access_tokens"
    __table_args__ = (Index("ix_access_tokens_user_id", "user_id"),)

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    user_id: int = Field(sa_type=Big)
    name: str = Field(max_length=100)
    hash: str = Field(max_length=64, unique=True)
    hint: str = Field(max_length=24)
    created_at: int = Field(sa_type=Big)
    last_used_at: int | None = Field(default=None, sa_type=Big)
