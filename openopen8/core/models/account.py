"""The hot numbers of a user: narrow, since a batch of requests pays per page that it dirties."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class Account(SQLModel, table=True):
    """balance = credit entries − charges; held = open holds. Only the ledger writes here."""

    __tablename__ = "accounts"

    user_id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    balance: int = Field(default=0, sa_type=Big)
    held: int = Field(default=0, sa_type=Big)
    revision: int = Field(default=0, sa_type=Big)
    """Raised by every change that the user's pages show; heartbeats and progress do not count."""
