"""Answers of the Responses API that a later request may go on from."""

from __future__ import annotations

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class KeptResponse(SQLModel, table=True):
    """One answer: ours with its content, a vendor's with the channel and the key that it lives at.

    Keyed by user first: whatever id somebody else's answer has, nobody meets it.
    """

    __tablename__ = "kept_responses"

    user_id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(max_length=200, primary_key=True)
    token_id: int = Field(sa_type=Big)
    model: str = Field(max_length=256)
    channel_id: int | None = Field(default=None, sa_type=Big)
    key_id: int | None = Field(default=None, sa_type=Big)
    previous_id: str | None = Field(default=None, max_length=200)
    used_at: int = Field(sa_type=Big, index=True)
    """When it was made or last gone on from: the keeping time begins then."""
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Its own input items and the answer, compressed and encrypted; None for a vendor's."""
    hold_id: int | None = Field(default=None, sa_type=Big, index=True)
    """Of an answer that is made in the background: what it will cost is held there."""
    terms: bytes | None = Field(default=None, sa_type=LargeBinary)
    """On what terms that will be charged."""
