"""What the admin may set at run time, one row per name."""

from __future__ import annotations

from typing import Any

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Json


class Option(SQLModel, table=True):
    """A changed setting; names and defaults stand in ``rules/options.py``."""

    __tablename__ = "options"

    name: str = Field(primary_key=True, max_length=64)
    value: Any = Field(default=None, sa_type=Json)
