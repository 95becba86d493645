"""``python -m tests.bench.fill DIR_OR_URL --logs 10000000 …``: a database with a log of any size, its books in order.

The same arguments give the same rows. An hour in the middle holds a tenth of all entries: a burst, as load tests
and bad days make them.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import text

from openopen8.core.clock import DAY, HOUR, SetClock
from openopen8.core.config import Settings
from openopen8.core.migrate import migrate
from openopen8.core.models import Account, Channel, CreditEntry, Group, PriceRow, Token, TokenCounter, User
from openopen8.core.services.duty import Duty
from openopen8.core.services.log_digest import DUTY, Digest, catch_up
from openopen8.core.tools import Tools, open_tools

CHUNK = 200_000
BALANCE = 10**15
PATH = "/v1/chat/completions"
SECRET = "a secret key of benchmarks, long enough"
DIURNAL = (3, 2, 2, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 13, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4)
"""Requests by hour of the day, in proportion."""
COLUMNS = (
    "time", "kind", "request_id", "user_id", "token_id", "group_id", "channel_id", "model", "upstream_model",
    "endpoint", "stream", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "credits",
    "receipt", "status", "error", "latency_ms", "first_token_ms", "retries", "address", "suppressed", "details",
    "period_start",
)  # fmt: skip
APPEND = f"INSERT INTO log_entries ({', '.join(COLUMNS)}) VALUES ({', '.join('?' for _ in COLUMNS)})"
REFUSALS = (
    (429, "rate_limit_exceeded: Rate limit exceeded. Please try again later."),
    (401, "token_quota_exhausted: The token has used up its quota."),
    (403, "model_not_allowed: The token may not use this model."),
    (400, "invalid_request: messages: Field required."),
)
FAILURES = (
    (502, "upstream_failed: The provider did not answer."),
    (499, "client_closed_request: The caller left before the answer had ended."),
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    logs: int
    tokens: int = 1_000
    users: int = 100
    models: int = 20
    days: int = 90
    channels: int = 10
    groups: int = 3
    even: bool = False
    """Every token asks every model, instead of three favourites each."""
    until: int = 0
    """When the newest entry was written, in ms."""
    seed: int = 8


@dataclass(slots=True)
class Books:
    """What the entries add up to."""

    used: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    last: dict[int, int] = field(default_factory=dict)


class Entries:
    """Rows of the log in the order of time."""

    def __init__(self, size: Size) -> None:
        self.size, self.dice, self.books = size, random.Random(size.seed), Books()
        self.owner = {token: 1 + token % size.users for token in range(1, size.tokens + 1)}
        self.popular = [1 / (rank + 8) for rank in range(size.tokens)]
        self.pool = [[self._answer(model) for _ in range(64)] for model in range(size.models)]
        self.names = [f"model-{n}" for n in range(size.models)]
        self.number = 0

    def _answer(self, model: int) -> tuple[int, int, int, int, int, str]:
        dice = self.dice
        asked, told, cached = dice.randrange(50, 6_000), dice.randrange(5, 1_500), dice.choice((0, 0, 1_024))
        ratios = {"input": 1 + model % 7, "cache_read": 1, "output": 4 + model % 11}
        counts = {"input": asked, "cache_read": cached, "output": told}
        lines = [{"bucket": x, "count": n, "ratio": str(ratios[x])} for x, n in counts.items() if n]
        cost = sum(n * ratios[x] for x, n in counts.items())
        receipt = {"lines": lines, "group_ratio": "1", "price_id": model + 1, "credits": cost, "notes": []}
        return asked + cached, told, cached, told // 4, cost, json.dumps({**receipt, "period_start": 0})

    def hours(self) -> Iterator[tuple[int, int]]:
        """Each hour's start and how many entries it has."""
        size = self.size
        first = (size.until - size.days * DAY) // HOUR * HOUR
        starts = range(first, size.until - size.until % HOUR + 1, HOUR)
        weights = [DIURNAL[start // HOUR % 24] for start in starts]
        counts = [(size.logs - size.logs // 10) * weight // sum(weights) for weight in weights]
        counts[len(counts) // 2] += size.logs // 10
        counts[-1] += size.logs - sum(counts)
        yield from zip(starts, counts, strict=True)

    def chunks(self) -> Iterator[list[tuple[Any, ...]]]:
        """All rows, in lists of at most CHUNK."""
        rows: list[tuple[Any, ...]] = []
        for start, count in self.hours():
            end = min(start + HOUR, self.size.until)
            times = sorted(start + int(self.dice.random() * (end - start)) for _ in range(count))
            tokens = self.dice.choices(range(1, self.size.tokens + 1), self.popular, k=count)
            for at, token in zip(times, tokens, strict=True):
                rows.append(self._row(at, token))
                if len(rows) == CHUNK:
                    yield rows
                    rows = []
        yield rows

    def _row(self, at: int, token: int) -> tuple[Any, ...]:
        size, luck = self.size, self.dice.random()
        self.number += 1
        number, user = self.number, self.owner[token]
        if luck < 0.0002:
            kind = ("login", "admin")[number % 2]
            return self._values(time=at, kind=kind, user_id=user, error=f"user-{user} did something.")
        favourite = number * 7 if size.even else token * 7 + (luck > 0.8) + 5 * (luck > 0.95)
        model = favourite % size.models
        self.books.last[token] = at
        given = (at, "request", f"req_{1 + number % 2}_5f2e9a1c7b3d_{number:x}", user, token, 1 + token % size.groups)
        name, stream, address = self.names[model], number % 3 == 0, f"203.0.113.{token % 250}"
        if luck > 0.985:
            status, error = REFUSALS[number % len(REFUSALS)]
            return (*given, None, name, "", PATH, stream, 0, 0, 0, 0, 0, None, status, error, 2, None, 0, address, 0,
                    None, None)  # fmt: skip
        asked, told, cached, thought, cost, receipt = self.pool[model][number * 31 % 61]
        self.books.used[token] += cost
        status, error = FAILURES[number % 2] if luck > 0.98 else (200, "")
        return (*given, 1 + (model + number % 2) % size.channels, name, name, PATH, stream, asked, told, cached,
                thought, cost, receipt, status, error, 400 + told * 9, 350 if stream else None, 0, address, 0,
                None, 0)  # fmt: skip

    def _values(self, **given: Any) -> tuple[Any, ...]:
        row = {**_BLANK, **given}
        return tuple(row[name] for name in COLUMNS)


_ZERO = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "credits", "retries", "suppressed")
_EMPTY = ("request_id", "model", "upstream_model", "endpoint", "error", "address")
_BLANK: dict[str, Any] = {name: None for name in COLUMNS} | {name: 0 for name in _ZERO} | {name: "" for name in _EMPTY}
_BLANK["stream"] = False


def fill(tools: Tools, size: Size) -> None:
    """Fill the migrated, empty database of ``tools``."""
    entries = Entries(size)
    _people(tools, size)
    digest = Digest(Duty(tools.db, DUTY), most=50_000, slice=50_000)
    assert digest.duty.take()
    if tools.db.is_sqlite:
        for pragma in ("synchronous=OFF", "cache_size=-1000000", "wal_autocheckpoint=50000"):
            digest.duty.connection.exec_driver_sql(f"PRAGMA {pragma}")
        digest.duty.connection.rollback()
    with _bare(tools) as driver:
        for rows in entries.chunks():
            _insert(driver, rows, tools.db.is_sqlite)
            # as if the digest had followed all the time
            catch_up(digest, rows[-1][0] if rows else size.until)
    catch_up(digest, size.until)
    digest.duty.leave()
    _books(tools, entries.books, size)
    if not tools.db.is_sqlite:  # as autovacuum would; nobody does it on SQLite
        with tools.db.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def _people(tools: Tools, size: Size) -> None:
    past = {"created_at": size.until - size.days * DAY}
    people, models = range(1, size.users + 1), [f"model-{n}" for n in range(size.models)]
    where = {"type": "openai-compatible", "base_url": "http://127.0.0.1:9", "models": models, "groups": [1]}
    rows: tuple[tuple[Any, list[dict[str, Any]]], ...] = (
        (Group, [{"id": n, "name": f"group-{n}", "ratio": Decimal(1)} for n in range(2, size.groups + 1)]),
        (User, [{"name": f"user-{n}", "role": "root" if n == 1 else "user", "group_id": 1} for n in people]),
        (CreditEntry, [{"user_id": n, "amount": BALANCE, "kind": "start", "time": past["created_at"]} for n in people]),
        (Token, [_token(tools, n, size) for n in range(1, size.tokens + 1)]),
        (Channel, [{"name": f"channel-{n}", **where} for n in range(1, size.channels + 1)]),
        (PriceRow, [{"model": x, "valid_from": 0, "input": Decimal(1), "output": Decimal(4)} for x in models]),
    )
    with tools.db.write() as session:
        for table, values in rows:
            session.add_all(table(**row, **past) for row in values)
            session.flush()


def _token(tools: Tools, n: int, size: Size) -> dict[str, Any]:
    key = tools.keyring.hash(f"sk-bench-{n}")
    return {"user_id": 1 + n % size.users, "name": f"token-{n}", "hint": f"sk-{n:04d}…", "key_hash": key}


def _books(tools: Tools, books: Books, size: Size) -> None:
    spent: dict[int, int] = defaultdict(int)
    with tools.db.write() as session:
        for n in range(1, size.tokens + 1):
            used = books.used.get(n, 0)
            spent[1 + n % size.users] += used
            session.add(TokenCounter(token_id=n, used=used, used_total=used, last_used_at=books.last.get(n)))
        session.add_all(Account(user_id=n, balance=BALANCE - spent[n]) for n in range(1, size.users + 1))


@contextmanager
def _bare(tools: Tools) -> Iterator[Any]:
    """A connection to the log without its indexes, which are cheaper to make at the end."""
    name, sqlite = "ix_log_entries", tools.db.is_sqlite
    indexes = f"SELECT indexdef FROM pg_indexes WHERE indexname LIKE '{name}%'"
    if sqlite:
        indexes = f"SELECT sql FROM sqlite_master WHERE type = 'index' AND name LIKE '{name}%'"
    with tools.db.engine.connect() as connection:
        made = connection.execute(text(indexes)).scalars().all()
        for index in made:
            connection.execute(text(f"DROP INDEX {next(x for x in index.split() if x.startswith(name))}"))
        connection.commit()
        if sqlite:
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
        yield connection.connection.driver_connection
        for index in made:
            connection.execute(text(index))
        connection.commit()


def _insert(driver: Any, rows: Sequence[tuple[Any, ...]], sqlite: bool) -> None:
    if sqlite:
        driver.execute("BEGIN IMMEDIATE")
        driver.executemany(APPEND, rows)
        driver.execute("COMMIT")
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY log_entries ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    driver.commit()


def opened(target: str, until: int) -> Tools:
    """Tools on a folder (SQLite) or a URL (PostgreSQL), migrated; their clock stands at ``until``."""
    url = target if "://" in target else ""
    folder = Path("/tmp/openopen8-fill") if url else Path(target)
    settings = Settings(_env_file=None, data_dir=folder, database_url=url, secret_key=SECRET)  # type: ignore[call-arg,arg-type]
    tools = open_tools(settings, SetClock(until))
    migrate(tools)
    return tools


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.fill", description=__doc__)
    options.add_argument("target", help="a folder for an SQLite database, or the URL of a PostgreSQL one; empty")
    for name, value in (("logs", 10_000_000), ("tokens", 1_000), ("users", 100), ("models", 20), ("days", 90)):
        options.add_argument(f"--{name}", type=int, default=value)
    options.add_argument("--channels", type=int, default=10)
    options.add_argument("--groups", type=int, default=3)
    options.add_argument("--even", action="store_true", help="every token asks every model")
    options.add_argument("--until", type=int, default=int(time.time()) * 1_000, help="ms since 1970; now")
    given = vars(options.parse_args())
    tools = opened(given.pop("target"), given["until"])
    began = time.perf_counter()
    fill(tools, Size(**given))
    tools.close()
    print(f"{given['logs']:,} entries in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
