"""People: who may log in, with which role and group."""

from __future__ import annotations

from decimal import Decimal

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Exact, Json


class User(SQLModel, table=True):
    """A person or a service with an account; deleted ones keep their row for the log."""

    __tablename__ = "users"

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    name: str = Field(max_length=64, unique=True)
    email: str | None = Field(default=None, max_length=254, unique=True)
    password_hash: str = ""
    role: str = Field(default="user", max_length=8)
    group_id: int = Field(sa_type=Big)
    extra_groups: list[int] = Field(default_factory=list, sa_type=Json)
    """Groups that this user may choose for a token beside the own and the selectable ones."""
    ratio: Decimal | None = Field(default=None, sa_type=Exact)
    """Replaces the ratio of the user's own group."""
    enabled: bool = True
    log_address: bool = True
    created_at: int = Field(sa_type=Big)
    deleted_at: int | None = Field(default=None, sa_type=Big)
