"""The ledger's SQL, each statement once for SQLite and once for PostgreSQL.

A statement takes many rows at once: SQLite by ``executemany``, PostgreSQL as one array per column.
A query takes lists: SQLite as JSON text, PostgreSQL as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openopen8.core.services import responses
from openopen8.core.services.ledger.rows import LAST_BITS

_ARRAYS = {"int": "bigint[]", "text": "text[]", "bool": "boolean[]", "json": "text[]", "bytes": "bytea[]"}


@dataclass(frozen=True, slots=True)
class Statement:
    """Writes rows; a row's values stand in the order of ``columns``."""

    columns: tuple[str, ...]
    """Kinds of the columns, in PostgreSQL's names for their arrays."""
    sqlite: str
    postgres: str
    """With ``{unnest}`` where the rows come in, as ``d``."""


@dataclass(frozen=True, slots=True)
class Query:
    """Reads rows; each argument is a list of ids or texts."""

    sqlite: str
    postgres: str


def insert(
    table: str, columns: Mapping[str, str], adding: Sequence[str] = (), conflict: str = "", **fixed: str
) -> Statement:
    """INSERT, with ``fixed`` SQL for some columns; with ``adding``, rows that exist already get these added instead."""
    names = ", ".join((*columns, *fixed))
    tail = _on_conflict(table, columns, adding) if adding else conflict
    marks = ", ".join((*("?" for _ in columns), *fixed.values()))
    selected = ", ".join((*(_cast(name, kind) for name, kind in columns.items()), *fixed.values()))
    return Statement(
        _kinds(columns),
        f"INSERT INTO {table} ({names}) VALUES ({marks}){tail}",
        f"INSERT INTO {table} ({names}) SELECT {selected} FROM {_unnest(columns)}{tail}",
    )


def update(table: str, columns: Mapping[str, str], key: str) -> Statement:
    """UPDATE by ``key``, which is the last of ``columns``."""
    changed = [name for name in columns if name != key]
    plain = ", ".join(f"{name} = ?" for name in changed)
    arrays = ", ".join(f"{name} = {_cast(name, columns[name])}" for name in changed)
    return Statement(
        _kinds(columns),
        f"UPDATE {table} SET {plain} WHERE {key} = ?",
        f"UPDATE {table} SET {arrays} FROM {_unnest(columns)} WHERE {table}.{key} = d.{key}",
    )


def _kinds(columns: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_ARRAYS[kind] for kind in columns.values())


def _on_conflict(table: str, columns: Mapping[str, str], adding: Sequence[str]) -> str:
    keys = ", ".join(name for name in columns if name not in adding)
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in adding)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {sums}"


def _unnest(columns: Mapping[str, str]) -> str:
    return f"{{unnest}} AS d({', '.join(columns)})"


def _cast(name: str, kind: str) -> str:
    return f"d.{name}::json" if kind == "json" else f"d.{name}"


# -- reading ---------------------------------------------------------------------------------------

_HOLDER = (
    "t.key_hash, t.old_key_hash, t.old_key_until, t.id, t.hint, t.user_id, u.enabled, u.deleted_at, u.role, "
    "u.group_id, u.extra_groups, u.ratio, u.log_address, t.deleted_at, t.enabled, t.expires_at, t.quota, "
    "t.quota_period, t.allowed_models, t.ip_whitelist, t.group_id, t.rate_limit"
)
_COUNTERS = (
    "SELECT token_id, used, used_total, held, period_start, last_used_at, refused_minute, refused_count "
    "FROM token_counters WHERE token_id "
)
_ACCOUNTS = "SELECT user_id, balance, held, revision FROM accounts WHERE user_id "
_HOLDS = "SELECT id, token_id, user_id, amount, token_amount, period_start FROM holds WHERE id "
_LISTED = "IN (SELECT value FROM json_each(?1))"

KEYS = (
    f"SELECT {_HOLDER} FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.id IN "
    f"(SELECT id FROM tokens WHERE key_hash {_LISTED} UNION SELECT id FROM tokens WHERE old_key_hash {_LISTED})"
)
COUNTERS = _COUNTERS + _LISTED
ACCOUNTS = _ACCOUNTS + _LISTED
HOLDS = _HOLDS + _LISTED

VERSIONED_KEYS = (
    f"SELECT {_HOLDER}, t.xmin::text::bigint, u.xmin::text::bigint FROM tokens t JOIN users u ON u.id = t.user_id "
    "WHERE t.id IN (SELECT id FROM tokens WHERE key_hash = ANY($1::text[]) "
    "UNION SELECT id FROM tokens WHERE old_key_hash = ANY($1::text[]))"
)
"""PostgreSQL: with the transactions that wrote token and user last."""
LOCKED = (
    # one statement for all that must be locked: holds, then counters, then accounts, each by id, so that two workers
    # can't wait for each other; each part reads the one before it, which keeps them in this order
    f"WITH h AS MATERIALIZED ({_HOLDS} = ANY($1::bigint[]) ORDER BY id FOR UPDATE), "
    f"c AS MATERIALIZED ({_COUNTERS} IN (SELECT unnest($2::bigint[]) UNION SELECT token_id FROM h) "
    "ORDER BY token_id FOR UPDATE), "
    f"a AS MATERIALIZED ({_ACCOUNTS} IN (SELECT unnest($3::bigint[]) UNION SELECT user_id FROM h) "
    "AND (SELECT count(*) FROM c) >= 0 ORDER BY user_id FOR UPDATE) "
    "SELECT 0, h.*, NULL::bigint, NULL::bigint FROM h "
    "UNION ALL SELECT 1, c.* FROM c "
    "UNION ALL SELECT 2, a.*, NULL, NULL, NULL, NULL FROM a "
    "UNION ALL SELECT 3, t.id, t.xmin::text::bigint, u.xmin::text::bigint, NULL, NULL, NULL, NULL, NULL "
    "FROM unnest($4::bigint[]) AS k(id) JOIN tokens t ON t.id = k.id JOIN users u ON u.id = t.user_id "
    "UNION ALL SELECT 4, number, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM revisions WHERE name = 'snapshot'"
)
"""PostgreSQL: holds (0), counters (1), accounts (2), versions of keys (3) and revision (4) in one answer."""

_STOPPED = (
    "SELECT id, token_id, user_id, amount, token_amount, period_start, request_id, group_id, model, facts, progress "
    "FROM holds WHERE id "
)
STOPPED = Query(_STOPPED + _LISTED, _STOPPED + "= ANY($1::bigint[])")

_HEAR = (
    "WITH RECURSIVE w(n) AS (SELECT MIN(id) >> {bits} FROM admissions UNION ALL "
    "SELECT (SELECT MIN(id) FROM admissions WHERE id >= (w.n + 1) << {bits}) >> {bits} FROM w WHERE w.n IS NOT NULL) "
    "SELECT r.id, r.at, r.counts FROM w LEFT JOIN {heard} ON s.value >> {bits} = w.n JOIN admissions r "
    "ON r.id > COALESCE(s.value, w.n << {bits}) AND r.id < (w.n + 1) << {bits} WHERE r.at > {since} ORDER BY r.at"
)
HEAR = Query(
    _HEAR.format(bits=LAST_BITS, heard="json_each(?1) s", since="?2"),
    _HEAR.format(bits=LAST_BITS, heard="unnest($1::bigint[]) AS s(value)", since="$2::bigint"),
)
"""From worker to worker, each time by one look into the key: what it has told since it was last heard."""

# -- writing ---------------------------------------------------------------------------------------

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
        "id": "int",
        "request_id": "text",
        "user_id": "int",
        "token_id": "int",
        "period_start": "int",
        "admitted_at": "int",
        "group_id": "int",
        "model": "text",
        "facts": "json",
        "amount": "int",
        "token_amount": "int",
        "progress": "json",
    },
)
HOLDS_SET = update("holds", {"amount": "int", "token_amount": "int", "progress": "json", "id": "int"}, "id")
HOLDS_END = Statement(
    ("bigint[]",), "DELETE FROM holds WHERE id = ?", "DELETE FROM holds USING {unnest} AS d(id) WHERE holds.id = d.id"
)
LOG_NEW = insert(
    "log_entries",
    {
        "time": "int",
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
        "details": "json",
        "period_start": "int",
    },
    kind="'request'",
    suppressed="0",
)
LOG_SUPPRESS = Statement(
    ("bigint[]", "bigint[]"),
    "UPDATE log_entries SET suppressed = suppressed + ? WHERE id = "
    "(SELECT id FROM log_entries WHERE token_id = ? AND kind = 'request' AND status >= 400 ORDER BY id DESC LIMIT 1)",
    "UPDATE log_entries SET suppressed = suppressed + d.n FROM {unnest} AS d(n, token) "
    "WHERE id = (SELECT id FROM log_entries WHERE token_id = d.token AND kind = 'request' AND status >= 400 "
    "ORDER BY id DESC LIMIT 1)",
)
RATES_ADD = insert("admissions", {"id": "int", "at": "int", "counts": "text"})
RATES_END = Statement(
    ("bigint[]", "bigint[]"),
    "DELETE FROM admissions WHERE id > ? AND id <= ?",
    "DELETE FROM admissions a USING {unnest} AS d(above, last) WHERE a.id > d.above AND a.id <= d.last",
)
KEPT_NEW = insert("kept_responses", responses.COLUMNS, conflict=responses.AGAIN)
KEPT_USED = Statement(
    ("bigint[]", "bigint[]", "text[]"),
    "UPDATE kept_responses SET used_at = ? WHERE user_id = ? AND id = ?",
    "UPDATE kept_responses SET used_at = d.used_at FROM {unnest} AS d(used_at, user_id, id) "
    "WHERE kept_responses.user_id = d.user_id AND kept_responses.id = d.id",
)
HEARTBEAT = update("workers", {"heartbeat_at": "int", "id": "int"}, "id")

WRITES: tuple[Statement, ...] = (
    COUNTERS_SET,
    ACCOUNTS_SET,
    HOLDS_NEW,
    HOLDS_SET,
    HOLDS_END,
    LOG_NEW,
    LOG_SUPPRESS,
    RATES_ADD,
    RATES_END,
    HEARTBEAT,
    KEPT_NEW,
    KEPT_USED,
)
"""In the order of ``changes.Writes``."""
