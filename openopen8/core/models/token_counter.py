"""The hot numbers of a token, beside its row."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class TokenCounter(SQLModel, table=True):
    """used = charges of the period that began at ``period_start``; used_total = all charges. Ledger only."""

    __tablename__ = "token_counters"

    token_id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    used: int = Field(default=0, sa_type=Big)
    used_total: int = Field(default=0, sa_type=Big)
    held: int = Field(default=0, sa_type=Big)
    period_start: int = Field(default=0, sa_type=Big)
    last_used_at: int | None = Field(default=None, sa_type=Big)
    refused_minute: int = Field(default=0, sa_type=Big)
    """Minute (since 1970) of the last refusals, so that a loop of refusals can't fill the log."""
    refused_count: int = 0
