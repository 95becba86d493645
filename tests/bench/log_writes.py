"""``python -m tests.bench.log_writes``: what writing the log costs, CPU µs per request, on SQLite in batches of 16.

``before`` has the five indexes and the hourly row that each request paid until 0003; ``now`` the log as it is, with
the digest that follows it.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from openopen8.core.db import pragmas
from openopen8.core.services.duty import Duty
from openopen8.core.services.ledger.statements import insert
from openopen8.core.services.log_digest import DUTY, Digest
from tests.bench.fill import APPEND, COLUMNS, Entries, Size, opened

BATCH = 16
SUMS = ("requests", "errors", "input_tokens", "output_tokens", "cached_tokens", "credits")
KEYS = ("user_id", "hour", "token_id", "model", "channel_id", "period_start")
USAGE_ADD = insert("usage_hours", {name: "text" if name == "model" else "int" for name in (*KEYS, *SUMS)}, SUMS)
SUMMED = "kind, input_tokens, output_tokens, credits"
BEFORE = (
    "CREATE INDEX b1 ON log_entries (user_id, id)",
    "CREATE INDEX b2 ON log_entries (token_id, id)",
    f"CREATE INDEX b3 ON log_entries (time, {SUMMED})",
    f"CREATE INDEX b4 ON log_entries (user_id, time, {SUMMED})",
    "CREATE INDEX b5 ON log_entries (request_id)",
    f"CREATE TABLE usage_hours ({', '.join((*KEYS, *SUMS))}, PRIMARY KEY ({', '.join(KEYS)}))",
    "CREATE INDEX b6 ON usage_hours (token_id, hour)",
)
Row = tuple[Any, ...]


def usage(row: Row) -> Row:
    """The hourly row's part of a request."""
    of = dict(zip(COLUMNS, row, strict=True))
    key = (of["user_id"], of["time"] // 3_600_000 * 3_600_000, of["token_id"], of["model"], of["channel_id"] or 0, 0)
    return (*key, 1, 0, of["input_tokens"], of["output_tokens"], of["cached_tokens"], of["credits"])


def write(connection: sqlite3.Connection, rows: Sequence[Row], with_usage: bool) -> float:
    """Append in batches as the ledger does; CPU µs per row."""
    sums = [usage(row) for row in rows] if with_usage else []
    began = time.process_time()
    for at in range(0, len(rows), BATCH):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(APPEND, rows[at : at + BATCH])
        if with_usage:
            connection.executemany(USAGE_ADD.sqlite, sums[at : at + BATCH])
        connection.execute("COMMIT")
    return (time.process_time() - began) / len(rows) * 1e6


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def connect(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "openopen8.db", isolation_level=None)
    for pragma in pragmas():
        connection.execute(pragma)
    return connection


def before(folder: Path, old: Sequence[Row], parts: Sequence[Sequence[Row]]) -> list[float]:
    """CPU µs per request of each part, in the tables of before."""
    opened(str(folder), 0).close()
    connection = connect(folder)
    connection.execute("DROP INDEX ix_log_entries_failed")
    connection.execute("BEGIN")
    connection.executemany(APPEND, old)
    connection.execute("COMMIT")
    for statement in BEFORE:
        connection.execute(statement)
    return [write(connection, rows, True) for rows in parts]


def now(folder: Path, old: Sequence[Row], parts: Sequence[Sequence[Row]]) -> tuple[list[float], list[float]]:
    """CPU µs per request of each part: for appending it, and for digesting it afterwards."""
    tools = opened(str(folder), 0)
    connection = connect(folder)
    connection.execute("BEGIN")
    connection.executemany(APPEND, old)
    connection.execute("COMMIT")
    digest = Digest(Duty(tools.db, DUTY))
    assert digest.duty.take()
    digest.prune(old[-1][0])
    follow(digest, old[-1][0])
    appended, digested = [], []
    for rows in parts:
        appended.append(write(connection, rows, False))
        digested.append(cpu(lambda at=rows[-1][0]: follow(digest, at)) / len(rows) * 1e6)  # type: ignore[misc]
    digest.duty.leave()
    tools.close()
    return appended, digested


def follow(digest: Digest, at: int) -> None:
    digest.ready()
    while digest.round():
        pass
    digest.move(at)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.log_writes", description=__doc__)
    options.add_argument("--log", type=int, default=400_000, help="entries in the log before")
    options.add_argument("--requests", type=int, default=20_000, help="requests of each of five measured parts")
    options.add_argument("--tokens", type=int, default=1_000)
    options.add_argument("--rate", type=int, default=10_000, help="requests a second that the measured parts stand for")
    given = options.parse_args()
    entries = Entries(Size(given.log, given.tokens, until=1_790_000_000_000))
    old = [row for chunk in entries.chunks() for row in chunk]
    start, parts = old[-1][0], []
    tokens = entries.dice.choices(range(1, given.tokens + 1), entries.popular, k=5 * given.requests)
    for part in range(5):
        some = range(part * given.requests, (part + 1) * given.requests)
        parts.append([entries._row(start + n * 1_000 // given.rate, tokens[n]) for n in some])
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        then = sorted(before(Path(one), old, parts))
        appended, digested = (sorted(found) for found in now(Path(two), old, parts))
    print("| SQLite, batches of 16, CPU µs per request | median | least |\n| --- | --- | --- |")
    print(f"| before: log with five indexes, hourly row | {then[2]:.1f} | {then[0]:.1f} |")
    print(f"| now: log | {appended[2]:.1f} | {appended[0]:.1f} |")
    print(f"| now: digest afterwards, {given.requests:,} at once | {digested[2]:.1f} | {digested[0]:.1f} |")


if __name__ == "__main__":
    main()
