"""The ledger's SQL, each statement once for SQLite and once for PostgreSQL.

A statement takes many rows at once: SQLite by ``executemany``, PostgreSQL as one array per column.
A query takes lists: SQLite as JSON text, PostgreSQL as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ARRAYS = {"int": "bigint[]", "text": "text[]", "bool": "boolean[]", "json": "text[]"}


@dataclass(frozen=True, slots=True)
class Statement:
    """Writes rows; a row's values stand in the order of the columns that it was made with."""

    sqlite: str
    postgres: str


@dataclass(frozen=True, slots=True)
class Query:
    """Reads rows; each argument is a list of ids or texts."""

    sqlite: str
    postgres: str


def insert(table: str, columns: Mapping[str, str], adding: Sequence[str] = ()) -> Statement:
    """INSERT; with ``adding``, rows that exist already get these columns added instead."""
    names = ", ".join(columns)
    tail = _on_conflict(table, columns, adding) if adding else ""
    marks = ", ".join("?" for _ in columns)
    return Statement(
        f"INSERT INTO {table} ({names}) VALUES ({marks}){tail}",
        f"INSERT INTO {table} ({names}) SELECT {_selected(columns)} FROM {_unnest(columns)}{tail}",
    )


def update(table: str, columns: Mapping[str, str], key: str) -> Statement:
    """UPDATE by ``key``, which is the last of ``columns``."""
    changed = [name for name in columns if name != key]
    plain = ", ".join(f"{name} = ?" for name in changed)
    arrays = ", ".join(f"{name} = {_cast(name, columns[name])}" for name in changed)
    return Statement(
        f"UPDATE {table} SET {plain} WHERE {key} = ?",
        f"UPDATE {table} SET {arrays} FROM {_unnest(columns)} WHERE {table}.{key} = d.{key}",
    )


def _on_conflict(table: str, columns: Mapping[str, str], adding: Sequence[str]) -> str:
    keys = ", ".join(name for name in columns if name not in adding)
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in adding)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {sums}"


def _unnest(columns: Mapping[str, str]) -> str:
    arrays = ", ".join(f"${n}::{_ARRAYS[kind]}" for n, kind in enumerate(columns.values(), 1))
    return f"unnest({arrays}) AS d({', '.join(columns)})"


def _selected(columns: Mapping[str, str]) -> str:
    return ", ".join(_cast(name, kind) for name, kind in columns.items())


def _cast(name: str, kind: str) -> str:
    return f"d.{name}::json" if kind == "json" else f"d.{name}"


_HOLDER = (
    "SELECT t.key_hash, t.old_key_hash, t.old_key_until, t.id, t.hint, t.user_id, u.enabled, u.deleted_at, u.role, "
    "u.group_id, u.extra_groups, u.ratio, u.log_address, t.deleted_at, t.enabled, t.expires_at, t.quota, "
    "t.quota_period, t.allowed_models, t.ip_whitelist, t.group_id, t.rate_limit "
    "FROM tokens t JOIN users u ON u.id = t.user_id WHERE "
)
TOKENS = Query(
    _HOLDER
    + "t.id IN (SELECT id FROM tokens WHERE key_hash IN (SELECT value FROM json_each(?1)) "
    + "UNION SELECT id FROM tokens WHERE old_key_hash IN (SELECT value FROM json_each(?1)))",
    _HOLDER
    + "t.id IN (SELECT id FROM tokens WHERE key_hash = ANY($1::text[]) "
    + "UNION SELECT id FROM tokens WHERE old_key_hash = ANY($1::text[]))",
)

_COUNTERS = (
    "SELECT token_id, used, used_total, held, period_start, last_used_at, refused_minute, refused_count "
    "FROM token_counters WHERE token_id "
)
COUNTERS = Query(
    _COUNTERS + "IN (SELECT value FROM json_each(?1))",
    # always locked in the order of ids, so that two workers can't wait for each other
    _COUNTERS + "= ANY($1::bigint[]) ORDER BY token_id FOR UPDATE",
)

_ACCOUNTS = "SELECT user_id, balance, held, revision FROM accounts WHERE user_id "
ACCOUNTS = Query(
    _ACCOUNTS + "IN (SELECT value FROM json_each(?1))",
    _ACCOUNTS + "= ANY($1::bigint[]) ORDER BY user_id FOR UPDATE",
)

_HOLDS = (
    "SELECT request_id, worker_id, user_id, token_id, amount, period_start, admitted_at, group_id, group_ratio, "
    "price_id, model, facts, progress FROM holds WHERE request_id "
)
HOLDS = Query(
    _HOLDS + "IN (SELECT value FROM json_each(?1))",
    _HOLDS + "= ANY($1::text[]) ORDER BY request_id FOR UPDATE",
)

_WINDOWS = "SELECT scope, SUM(count), MIN(at) FROM rate_events WHERE scope "
WINDOWS = Query(
    _WINDOWS + "IN (SELECT value FROM json_each(?1)) AND at > (SELECT value FROM json_each(?2)) GROUP BY scope",
    _WINDOWS + "= ANY($1::text[]) AND at > ($2::bigint[])[1] GROUP BY scope",
)

COUNTERS_SET = update(
    "token_counters",
    {
        "used": "int",
        "used_total": "int",
        "held": "int",
        "period_start": "int",
        "last_used_at": "int",
        "refused_minute": "int",
        "refused_count": "int",
        "token_id": "int",
    },
    "token_id",
)
ACCOUNTS_SET = update("accounts", {"balance": "int", "held": "int", "revision": "int", "user_id": "int"}, "user_id")
HOLDS_NEW = insert(
    "holds",
    {
        "request_id": "text",
        "worker_id": "int",
        "user_id": "int",
        "token_id": "int",
        "amount": "int",
        "period_start": "int",
        "admitted_at": "int",
        "group_id": "int",
        "group_ratio": "text",
        "price_id": "int",
        "model": "text",
        "facts": "json",
    },
)
HOLDS_SET = update("holds", {"amount": "int", "progress": "json", "request_id": "text"}, "request_id")
HOLDS_END = Statement("DELETE FROM holds WHERE request_id = ?", "DELETE FROM holds WHERE request_id = ANY($1::text[])")
LOG_NEW = insert(
    "log_entries",
    {
        "time": "int",
        "kind": "text",
        "request_id": "text",
        "user_id": "int",
        "token_id": "int",
        "group_id": "int",
        "channel_id": "int",
        "model": "text",
        "upstream_model": "text",
        "endpoint": "text",
        "stream": "bool",
        "input_tokens": "int",
        "output_tokens": "int",
        "cached_tokens": "int",
        "reasoning_tokens": "int",
        "credits": "int",
        "receipt": "json",
        "status": "int",
        "error": "text",
        "latency_ms": "int",
        "first_token_ms": "int",
        "retries": "int",
        "address": "text",
        "suppressed": "int",
        "details": "json",
        "period_start": "int",
    },
)
LOG_SUPPRESS = Statement(
    "UPDATE log_entries SET suppressed = suppressed + ? WHERE id = "
    "(SELECT MAX(id) FROM log_entries WHERE token_id = ? AND kind = 'request' AND status >= 400)",
    "UPDATE log_entries SET suppressed = suppressed + d.n FROM unnest($1::bigint[], $2::bigint[]) AS d(n, token) "
    "WHERE id = (SELECT MAX(id) FROM log_entries WHERE token_id = d.token AND kind = 'request' AND status >= 400)",
)
RATES_ADD = insert("rate_events", {"scope": "text", "at": "int", "count": "int"}, adding=("count",))
RATES_END = Statement(
    "DELETE FROM rate_events WHERE scope = ? AND at <= ?",
    "DELETE FROM rate_events USING unnest($1::text[], $2::bigint[]) AS d(scope, at) "
    "WHERE rate_events.scope = d.scope AND rate_events.at <= d.at",
)
HEARTBEAT = update("workers", {"heartbeat_at": "int", "id": "int"}, "id")
