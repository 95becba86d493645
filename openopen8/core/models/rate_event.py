"""Admitted requests of the last minute, for sliding windows that are exact across workers."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class RateEvent(SQLModel, table=True):
    """How many requests of ``scope`` were admitted at ``at`` (ms)."""

    __tablename__ = "rate_events"

    scope: str = Field(primary_key=True, max_length=320)
    at: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    count: int = 1
