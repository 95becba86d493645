"""Tasks: what runs at a provider after its request was answered, and whose it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Json


class Task(SQLModel, table=True):
    """One video, file or batch at a provider. Its charge is the log entry of ``request_id``. No prompt is in it."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_user_id", "user_id", "kind", "created_at"),
        Index("ix_tasks_poll_at", "poll_at"),
        Index("ix_tasks_ended_at", "ended_at"),
    )

    id: str = Field(primary_key=True, max_length=64)
    kind: str = Field(max_length=16)
    """``video``, ``file`` or ``batch``."""
    user_id: int = Field(sa_type=Big)
    token_id: int = Field(sa_type=Big)
    channel_id: int = Field(sa_type=Big)
    key_id: int = Field(sa_type=Big)
    request_id: str = Field(max_length=40)
    model: str = Field(default="", max_length=256)
    upstream_model: str = Field(default="", max_length=256)
    form: str = Field(max_length=40)
    """Whose forms the provider speaks: a name of ``relay.tasks.VENDORS``."""
    upstream_id: str = Field(max_length=256)
    action: str = Field(default="", max_length=120)
    """What was asked for in the vendor's own word, where a look-up has to name it."""
    state: str = Field(default="new", max_length=16)
    """``new`` until the charge is in the log, then ``queued``, ``running``, ``succeeded`` or ``failed``."""
    progress: int = 0
    credits: int = Field(default=0, sa_type=Big)
    """Charged."""
    refunded: int = Field(default=0, sa_type=Big)
    request: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """Summary: seconds, size, what it is made from."""
    answer: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """What the provider said last, without prompts."""
    urls: list[str] = Field(default_factory=list, sa_type=Json)
    """Where the result can be fetched, if it is no path of the provider's API."""
    error: str = Field(default="", max_length=1000)
    created_at: int = Field(sa_type=Big)
    updated_at: int = Field(sa_type=Big)
    poll_at: int | None = Field(default=None, sa_type=Big)
    """When to ask the provider next; None = never again."""
    failures: int = 0
    """Look-ups in a row that got no answer."""
    expires_at: int = Field(sa_type=Big)
    """When the gateway gives up on it."""
    ended_at: int | None = Field(default=None, sa_type=Big)
