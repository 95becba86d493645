"""Groups: a price ratio, a rate limit and the channels that list the group."""

from __future__ import annotations

from decimal import Decimal

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Exact


class Group(SQLModel, table=True):
    """A named set of terms; users have one, tokens may pick another that their user may use."""

    __tablename__ = "groups"
    # ids are never given twice: a token may still name a deleted group
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    name: str = Field(max_length=64, unique=True)
    ratio: Decimal = Field(default=Decimal(1), sa_type=Exact)
    selectable: bool = False
    rate_limit: int | None = None
    """Requests per minute of the whole group; None = no limit."""
    note: str = Field(default="", max_length=500)
    created_at: int = Field(sa_type=Big)
