"""One at a time, across processes: for decisions that read first and write after."""

from __future__ import annotations

import zlib

from sqlalchemy import text
from sqlmodel import Session


def take_turn(session: Session, name: str) -> None:
    """Until the transaction ends nobody else has the turn ``name``. On SQLite a writer is alone anyway."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        number = zlib.crc32(f"openopen8 {name}".encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
