"""The log's index on SQLite: tables that ``log_digest`` fills in bulk.

An index of the log itself dirties a page for each token of a batch: 10 µs for each request. In order and in bulk
the same costs 1 to 2 µs, outside of the request. PostgreSQL has plain indexes instead: it pays no page per commit.
"""

from __future__ import annotations

from typing import Any

from sqlmodel import Field, SQLModel

from openopen8.core.models.columns import Big

SQLITE_ONLY: dict[str, Any] = {"sqlite_with_rowid": False, "info": {"only": "sqlite"}}


class LogToken(SQLModel, table=True):
    """Entries by token."""

    __tablename__ = "log_tokens"
    __table_args__ = (SQLITE_ONLY,)

    token_id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})


class LogUser(SQLModel, table=True):
    """Entries by user."""

    __tablename__ = "log_users"
    __table_args__ = (SQLITE_ONLY,)

    user_id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})


class LogRequest(SQLModel, table=True):
    """Entries by request id: the request, and its corrections."""

    __tablename__ = "log_requests"
    __table_args__ = (SQLITE_ONLY,)

    request_id: str = Field(max_length=40, primary_key=True)
    id: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})


class LogOther(SQLModel, table=True):
    """All entries but requests that went well: few, so that whoever looks for them need not read the many."""

    __tablename__ = "log_others"
    __table_args__ = ({"info": {"only": "sqlite"}},)

    id: int = Field(sa_type=Big, primary_key=True)
    code: int
    """A status from 400 on, or the code of another kind."""
