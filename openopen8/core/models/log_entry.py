"""The log: one entry per request that carries a known token, and what people changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Json

_FAILED = text("status >= 400")
_POSTGRES: dict[str, Any] = {"info": {"only": "postgresql"}}
"""On SQLite the tables of ``log_index`` stand for these."""


class LogEntry(SQLModel, table=True):
    """Kinds: ``request``, ``correction``, ``credit``, ``admin``, ``login``. ``time`` is when it was written."""

    __tablename__ = "log_entries"
    __table_args__ = (
        # the ledger counts refusals in the last one of the token; rare rows alone pay for it
        Index("ix_log_entries_failed", "token_id", "id", sqlite_where=_FAILED, postgresql_where=_FAILED),
        # with what filters ask for: else entries of a seldom status would cost one read for each that failed otherwise
        Index(
            "ix_log_entries_failed_id",
            "id",
            postgresql_where=_FAILED,
            postgresql_include=["status", "kind", "time"],
            **_POSTGRES,
        ),
        Index("ix_log_entries_others_id", "id", postgresql_where=text("kind <> 'request'"), **_POSTGRES),
        Index("ix_log_entries_token_id_id", "token_id", "id", **_POSTGRES),
        Index("ix_log_entries_user_id_id", "user_id", "id", **_POSTGRES),
        Index("ix_log_entries_request_id", "request_id", **_POSTGRES),
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
    period_start: int | None = Field(default=None, sa_type=Big)
    """The quota period that a request or correction counts in; None for who was refused and for other kinds."""
