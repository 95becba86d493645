"""How far the background work on the log has come."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class LogMark(SQLModel, table=True):
    """``digested``: entries up to this id are in sums and index. ``complete``: no request since this time (ms) was
    deleted. ``pruned``: hours from here on have all their minutes.
    """

    __tablename__ = "log_marks"

    name: str = Field(primary_key=True, max_length=32)
    number: int = Field(default=0, sa_type=Big)
