"""Prices of models, each row from a moment on."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big, Exact, Json


class PriceRow(SQLModel, table=True):
    """Credits per token by bucket, or per call, from ``valid_from`` on. Rows that were used stay."""

    __tablename__ = "prices"
    __table_args__ = (
        Index("ix_prices_model_valid_from", "model", "valid_from"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    model: str = Field(max_length=256)
    valid_from: int = Field(sa_type=Big)
    input: Decimal = Field(default=Decimal(0), sa_type=Exact)
    output: Decimal = Field(default=Decimal(0), sa_type=Exact)
    cache_read: Decimal | None = Field(default=None, sa_type=Exact)
    cache_write: Decimal | None = Field(default=None, sa_type=Exact)
    cache_write_1h: Decimal | None = Field(default=None, sa_type=Exact)
    reasoning: Decimal | None = Field(default=None, sa_type=Exact)
    input_audio: Decimal | None = Field(default=None, sa_type=Exact)
    input_image: Decimal | None = Field(default=None, sa_type=Exact)
    cache_read_audio: Decimal | None = Field(default=None, sa_type=Exact)
    cache_read_image: Decimal | None = Field(default=None, sa_type=Exact)
    output_audio: Decimal | None = Field(default=None, sa_type=Exact)
    output_image: Decimal | None = Field(default=None, sa_type=Exact)
    long_above: int | None = Field(default=None, sa_type=Big)
    """Requests with more input tokens are charged by ``long``."""
    long: dict[str, str] | None = Field(default=None, sa_type=Json)
    """Ratios of long requests by bucket, as decimal texts."""
    tiers: dict[str, str] | None = Field(default=None, sa_type=Json)
    """Factors by service tier."""
    calls: dict[str, str] | None = Field(default=None, sa_type=Json)
    """Credits per call of a server tool, by kind."""
    units: dict[str, str] | None = Field(default=None, sa_type=Json)
    """Credits for what is no token, by kind."""
    per_call: Decimal | None = Field(default=None, sa_type=Exact)
    created_at: int = Field(sa_type=Big)
    deleted_at: int | None = Field(default=None, sa_type=Big)
