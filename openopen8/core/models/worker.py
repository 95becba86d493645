"""Relay workers: who holds what, and whether they live."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big


class Worker(SQLModel, table=True):
    """One process of the relay; known dead at once on its own host, after 60 s without heartbeat elsewhere."""

    __tablename__ = "workers"

    id: int | None = Field(default=None, sa_type=Big, primary_key=True)
    host: str = Field(max_length=200)
    """Boot id and pid namespace: within one such value a pid means one process."""
    pid: int
    started: str = Field(max_length=40)
    """Start time of the process as the kernel tells it; guards against reused pids."""
    heartbeat_at: int = Field(sa_type=Big)
    stopped_at: int | None = Field(default=None, sa_type=Big)
