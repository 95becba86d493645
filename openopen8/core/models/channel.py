"""Channels: upstream provider accounts that the admin connects."""

from __future__ import annotations

from typing import Any

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Json


class Channel(SQLModel, table=True):
    """One provider account; its keys are rows of their own. Deleted ones keep their row for the log."""

    __tablename__ = "channels"

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    name: str = Field(max_length=64, unique=True)
    type: str = Field(max_length=32)
    base_url: str = Field(max_length=500)
    models: list[str] = Field(default_factory=list, sa_type=Json)
    groups: list[int] = Field(default_factory=list, sa_type=Json)
    priority: int = 0
    weight: int = 1
    key_mode: str = Field(default="random", max_length=12)
    model_mapping: dict[str, str] = Field(default_factory=dict, sa_type=Json)
    """Public model name → the provider's name."""
    parameter_override: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    header_override: dict[str, str] = Field(default_factory=dict, sa_type=Json)
    status_map: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    proxy: str = Field(default="", max_length=500)
    """URL of the proxy to call through, without its password; empty = none."""
    proxy_sealed: str = Field(default="", max_length=1000)
    """The same whole, encrypted."""
    http2: bool = False
    auto_disable: bool = True
    test_model: str = Field(default="", max_length=256)
    note: str = Field(default="", max_length=500)
    tags: list[str] = Field(default_factory=list, sa_type=Json)
    enabled: bool = True
    disabled_reason: str = Field(default="", max_length=500)
    """Why the gateway itself switched it off; empty when a person did."""
    rest_until: int | None = Field(default=None, sa_type=Big)
    rest_reason: str = Field(default="", max_length=500)
    created_at: int = Field(sa_type=Big)
    deleted_at: int | None = Field(default=None, sa_type=Big)
    last_test: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """{at, ok, latency_ms, first_token_ms, answer, error} of the last test."""
