"""Logins of people in browsers."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class LoginSession(SQLModel, table=True):
    """One login; the cookie's value is stored as a hash only."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)

    hash: str = Field(primary_key=True, max_length=64)
    user_id: int = Field(sa_type=Big)
    address: str = Field(default="", max_length=64)
    user_agent: str = Field(default="", max_length=300)
    created_at: int = Field(sa_type=Big)
    last_seen_at: int = Field(sa_type=Big)
    expires_at: int = Field(sa_type=Big)
