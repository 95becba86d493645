"""Revision numbers of what workers keep in memory."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class Revision(SQLModel, table=True):
    """``snapshot``: channels, prices, groups, options. A worker that is behind reloads before it goes on."""

    __tablename__ = "revisions"

    name: str = Field(primary_key=True, max_length=32)
    number: int = Field(default=0, sa_type=Big)
