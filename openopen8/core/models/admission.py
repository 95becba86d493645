"""Admitted requests of the last minute, for sliding windows that are exact across workers."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class Admission(SQLModel, table=True):
    """Whom one batch of one worker admitted under rate limits. The ids of worker ``w`` begin at ``w << 40``."""

    __tablename__ = "admissions"

    id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: int = Field(sa_type=Big)
    counts: str = Field(sa_type=Text)
    """Requests by scope, as JSON; only the ledger reads it."""
