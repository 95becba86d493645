"""Credit entries: every change of a balance that is not a charge."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class CreditEntry(SQLModel, table=True):
    """Credits given to (or, negative, taken from) a user: by whom, when and why."""

    __tablename__ = "credit_entries"
    __table_args__ = (Index("ix_credit_entries_user_id", "user_id"),)

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    user_id: int = Field(sa_type=Big)
    amount: int = Field(sa_type=Big)
    kind: str = Field(max_length=16)
    reason: str = Field(default="", max_length=500)
    actor: str = Field(default="", max_length=64)
    """Name of the person, or ``system`` / ``command line``."""
    time: int = Field(sa_type=Big)
