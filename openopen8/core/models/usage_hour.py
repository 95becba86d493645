"""Charges by the hour: permanent, so that the log's retention changes no balance and no chart."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class UsageHour(SQLModel, table=True):
    """Sums of one hour by user, token, model, channel and quota period. Only the ledger writes here."""

    __tablename__ = "usage_hours"
    __table_args__ = (Index("ix_usage_hours_token_id_hour", "token_id", "hour"),)

    user_id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    hour: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    """Start of the hour, in ms."""
    token_id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    model: str = Field(primary_key=True, max_length=256)
    channel_id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    """0 where no channel was reached."""
    period_start: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    requests: int = Field(default=0, sa_type=Big)
    errors: int = Field(default=0, sa_type=Big)
    input_tokens: int = Field(default=0, sa_type=Big)
    output_tokens: int = Field(default=0, sa_type=Big)
    cached_tokens: int = Field(default=0, sa_type=Big)
    credits: int = Field(default=0, sa_type=Big)
