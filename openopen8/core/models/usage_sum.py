"""Sums over the log by time and by what entries can be filtered by: permanent, so that retention changes no balance."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big

SLOT, MINUTE, HOUR, DAY = 10, 60, 3_600, 86_400
"""The grains, in seconds. Slots are the inbox: each entry is in one slot until it is moved into the other three."""

CODES: dict[str, int] = {"correction": -1, "credit": -2, "admin": -3, "login": -4}
"""``status`` of sums over entries that are no requests; requests have their own, 0 where there is none."""


def _key(**more: object) -> int:
    found: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False}, **more)  # type: ignore[call-overload]
    return found


class UsageSum(SQLModel, table=True):
    """What entries of one time, token, user, model, channel, group and status add up to.

    Minutes, hours and days stand here three times: by token (with its user), by user (``token_id`` 0) and for all
    (both 0). Only ``log_digest`` and retention write here.
    """

    __tablename__ = "usage_sums"
    __table_args__ = (
        # without it PostgreSQL 18 reads the whole table for the few slots of a time: by its reckoning to skip through
        # the primary key, from token to token, costs more
        Index("ix_usage_sums_slots", "start", postgresql_where=text("grain = 10"), info={"only": "postgresql"}),
        {"sqlite_with_rowid": False},
    )

    grain: int = _key()
    token_id: int = _key()
    user_id: int = _key()
    start: int = _key()
    """When it begins, in ms."""
    model: str = Field(primary_key=True, max_length=256)
    channel_id: int = _key()
    """0 where no channel was reached."""
    group_id: int = _key()
    status: int = _key()
    period_start: int = _key()
    """The quota period that was charged: in slots and in hours by token, else 0."""
    entries: int = Field(default=0, sa_type=Big)
    requests: int = Field(default=0, sa_type=Big)
    """Requests that were let in."""
    errors: int = Field(default=0, sa_type=Big)
    """Of them, those that failed."""
    input_tokens: int = Field(default=0, sa_type=Big)
    output_tokens: int = Field(default=0, sa_type=Big)
    cached_tokens: int = Field(default=0, sa_type=Big)
    credits: int = Field(default=0, sa_type=Big)
    first_id: int = Field(default=0, sa_type=Big)
    """The smallest and the largest id of these entries: where in the log they are, without an index on time."""
    last_id: int = Field(default=0, sa_type=Big)
