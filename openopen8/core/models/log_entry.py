"""The log: one entry per request that carries a known token, and what people changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Json

SUMMED = ("kind", "input_tokens", "output_tokens", "credits")
"""What sums over a time range need: in the index, so that a long log is not read for them."""


class LogEntry(SQLModel, table=True):
    """Kinds: ``request``, ``correction``, ``credit``, ``admin``, ``login``. ``time`` is when it was written."""

    __tablename__ = "log_entries"
    __table_args__ = (
        Index("ix_log_entries_user_id_id", "user_id", "id"),
        Index("ix_log_entries_token_id_id", "token_id", "id"),
        Index("ix_log_entries_time", "time", *SUMMED),
        Index("ix_log_entries_user_id_time", "user_id", "time", *SUMMED),
        Index("ix_log_entries_request_id", "request_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    time: int = Field(sa_type=Big)
    kind: str = Field(default="request", max_length=16)
    request_id: str = Field(default="", max_length=40)
    user_id: int | None = Field(default=None, sa_type=Big)
    token_id: int | None = Field(default=None, sa_type=Big)
    group_id: int | None = Field(default=None, sa_type=Big)
    channel_id: int | None = Field(default=None, sa_type=Big)
    model: str = Field(default="", max_length=256)
    upstream_model: str = Field(default="", max_length=256)
    endpoint: str = Field(default="", max_length=120)
    stream: bool = False
    input_tokens: int = Field(default=0, sa_type=Big)
    output_tokens: int = Field(default=0, sa_type=Big)
    cached_tokens: int = Field(default=0, sa_type=Big)
    reasoning_tokens: int = Field(default=0, sa_type=Big)
    credits: int = Field(default=0, sa_type=Big)
    receipt: dict[str, Any] | None = Field(default=None, sa_type=Json)
    status: int | None = None
    """HTTP status that the caller got; 499 when it left first. None for other kinds than requests."""
    error: str = Field(default="", max_length=1000)
    """``code: message`` for a refusal or failure; for other kinds the sentence that tells what happened."""
    latency_ms: int | None = None
    first_token_ms: int | None = None
    retries: int = 0
    address: str = Field(default="", max_length=64)
    suppressed: int = 0
    """Refusals of the same minute that got no entry of their own."""
    details: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Raw usage that contradicted itself, losses of a conversion, the actor of an admin's action."""
