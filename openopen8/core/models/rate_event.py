"""Failed logins, counted by address."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class RateEvent(SQLModel, table=True):
    """How many attempts of ``scope`` there were at ``at`` (ms)."""

    __tablename__ = "rate_events"

    scope: str = Field(primary_key=True, max_length=320)
    at: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    count: int = 1
