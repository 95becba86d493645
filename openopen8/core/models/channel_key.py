"""Keys of channels: encrypted, or the name of an environment variable."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class ChannelKey(SQLModel, table=True):
    """One provider key with its own state."""

    __tablename__ = "channel_keys"
    __table_args__ = (Index("ix_channel_keys_channel_id", "channel_id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    channel_id: int = Field(sa_type=Big)
    sealed: str = ""
    """The key, encrypted under the secret key; empty when it comes from the environment or none is needed."""
    env_name: str = Field(default="", max_length=100)
    """``OO8_KEY_…``: the environment variable that holds the key."""
    hint: str = Field(default="", max_length=24)
    enabled: bool = True
    disabled_reason: str = Field(default="", max_length=500)
    rest_until: int | None = Field(default=None, sa_type=Big)
    rest_reason: str = Field(default="", max_length=500)
