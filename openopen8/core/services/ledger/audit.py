"""The invariants of the books, each a query: what does not add up is listed by id."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from openopen8.core.services.ledger import workers
from openopen8.core.services.log_digest import INDEXES, MEASURES
from openopen8.core.tools import Tools

SHOWN = 5
"""How many offenders a finding names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant and whether it holds; ``detail`` says what was compared, or which rows are off."""

    name: str
    ok: bool
    detail: str


Check = tuple[str, str, str]
"""Name, what differs, and a query for the ids of what differs."""

_YOUNG = "(SELECT COALESCE(MAX(number), 0) FROM log_marks WHERE name = 'digested')"
"""Entries above this id are in no sum yet."""
_CHARGES = (
    "SELECT user_id, token_id, period_start, credits FROM usage_sums WHERE grain = 3600 AND token_id > 0 UNION ALL "
    "SELECT user_id, token_id, period_start, credits FROM usage_sums WHERE grain = 10 UNION ALL "
    "SELECT user_id, COALESCE(token_id, 0), COALESCE(period_start, 0), credits FROM log_entries "
    f"WHERE id > {_YOUNG} AND kind IN ('request', 'correction')"
)
_BY_TOKEN = f"(SELECT token_id, SUM(credits) AS credits FROM ({_CHARGES}) AS c GROUP BY token_id)"
_BY_PERIOD = (
    f"(SELECT token_id, period_start, SUM(credits) AS credits FROM ({_CHARGES}) AS c GROUP BY token_id, period_start)"
)
_WHOLE = "(SELECT COALESCE(MAX(number), 0) FROM log_marks WHERE name = 'complete')"
"""No request or correction since this time was ever deleted."""
_SUMS = ("entries", "requests", "errors", "input_tokens", "output_tokens", "cached_tokens", "credits")
_DIFFER = " OR ".join(f"SUM({name}) <> 0" for name in _SUMS)


def _signed(sign: str, where: str) -> str:
    sums = ", ".join(f"{sign}SUM({name}) AS {name}" for name in _SUMS)
    keys = "token_id, start - start % 3600000 AS hour"
    return f"SELECT {keys}, {sums} FROM usage_sums WHERE {where} GROUP BY token_id, start - start % 3600000"


_COUNTED = ", ".join(f"-{measure} AS {name}" for name, measure in MEASURES.items())
_AGAINST_LOG = (
    f"SELECT token_id FROM ({_signed('', f'grain = 3600 AND token_id > 0 AND status >= -1 AND start >= {_WHOLE}')} "
    f"UNION ALL {_signed('', f'grain = 10 AND token_id > 0 AND status >= -1 AND start >= {_WHOLE}')} "
    f"UNION ALL SELECT token_id, time - time % 3600000 AS hour, {_COUNTED} FROM log_entries "
    f"WHERE id <= {_YOUNG} AND time >= {_WHOLE} AND token_id IS NOT NULL AND kind IN ('request', 'correction') "
    f"GROUP BY token_id, time - time % 3600000) AS d GROUP BY token_id, hour HAVING {_DIFFER}"
)


# retention forgets refusals by and by: entries are no part of these two
_KEPT = _SUMS[1:]
_KEPT_DIFFER = " OR ".join(f"SUM({name}) <> 0" for name in _KEPT)


def _by_day(sign: str, grain: int, scope: str) -> str:
    sums = ", ".join(f"{sign}SUM({name}) AS {name}" for name in _KEPT)
    who = "CASE WHEN token_id > 0 THEN -token_id ELSE user_id END"
    return (
        f"SELECT {who} AS who, start - start % 86400000 AS day, {sums} FROM usage_sums "
        f"WHERE grain = {grain} AND status >= -1 AND {scope} GROUP BY {who}, start - start % 86400000"
    )


_DAYS = (
    f"SELECT day FROM ({_by_day('', 3600, 'true')} UNION ALL {_by_day('-', 86400, 'true')}) AS d "
    f"GROUP BY who, day HAVING {_KEPT_DIFFER}"
)
_SCOPES = (
    f"SELECT who FROM (SELECT user_id AS who, {', '.join(_KEPT)} FROM usage_sums WHERE grain = 3600 AND token_id > 0 "
    f"UNION ALL SELECT user_id, {', '.join(f'-{name}' for name in _KEPT)} FROM usage_sums "
    "WHERE grain = 3600 AND token_id = 0 AND user_id > 0 AND status >= -1 "
    f"UNION ALL SELECT 0, {', '.join(_KEPT)} FROM usage_sums WHERE grain = 3600 AND token_id > 0 "
    f"UNION ALL SELECT 0, {', '.join(f'-{name}' for name in _KEPT)} FROM usage_sums "
    f"WHERE grain = 3600 AND token_id = 0 AND user_id = 0 AND status >= -1) AS d GROUP BY who HAVING {_KEPT_DIFFER}"
)

_CHECKS: tuple[Check, ...] = (
    (
        "balance = credit entries - charges",
        "users",
        "SELECT a.user_id FROM accounts a LEFT JOIN "
        "(SELECT user_id, SUM(amount) AS amount FROM credit_entries GROUP BY user_id) c ON c.user_id = a.user_id "
        f"LEFT JOIN (SELECT user_id, SUM(credits) AS credits FROM ({_CHARGES}) AS c GROUP BY user_id) h "
        "ON h.user_id = a.user_id WHERE a.balance <> COALESCE(c.amount, 0) - COALESCE(h.credits, 0)",
    ),
    (
        "used_total = charges of the token",
        "tokens",
        f"SELECT t.token_id FROM token_counters t LEFT JOIN {_BY_TOKEN} h ON h.token_id = t.token_id "
        "WHERE t.used_total <> COALESCE(h.credits, 0)",
    ),
    (
        "used = charges of the token's current period",
        "tokens",
        f"SELECT t.token_id FROM token_counters t LEFT JOIN {_BY_PERIOD} h ON h.token_id = t.token_id "
        "AND h.period_start = t.period_start WHERE t.used <> COALESCE(h.credits, 0)",
    ),
    (
        "held of users = open holds",
        "users",
        "SELECT a.user_id FROM accounts a WHERE a.held <> "
        "(SELECT COALESCE(SUM(o.amount), 0) FROM holds o WHERE o.user_id = a.user_id)",
    ),
    (
        "held of tokens = open holds",
        "tokens",
        "SELECT t.token_id FROM token_counters t WHERE t.held <> "
        "(SELECT COALESCE(SUM(o.token_amount), 0) FROM holds o WHERE o.token_id = t.token_id)",
    ),
    ("usage sums = log entries, since the log is whole", "tokens", _AGAINST_LOG),
    ("usage by day = usage by hour", "days", _DAYS),
    ("usage of users and of all = usage of their tokens", "users (0 = all)", _SCOPES),
    (
        "every user has an account",
        "users",
        "SELECT u.id FROM users u LEFT JOIN accounts a ON a.user_id = u.id WHERE a.user_id IS NULL",
    ),
    (
        "every token has its counters",
        "tokens",
        "SELECT t.id FROM tokens t LEFT JOIN token_counters c ON c.token_id = t.id WHERE c.token_id IS NULL",
    ),
)
_POSTGRES: tuple[Check, ...] = (
    (
        "no request is charged twice",
        "requests",
        "SELECT request_id FROM log_entries WHERE kind = 'request' GROUP BY request_id HAVING COUNT(*) > 1",
    ),
    (
        "no request is open and in the log",
        "requests",
        "SELECT o.request_id FROM holds o JOIN log_entries l ON l.request_id = o.request_id",
    ),
)
_OF_INDEX = f"SELECT r.request_id, r.id FROM log_requests r WHERE r.id <= {_YOUNG}"
_EACH = ", ".join(
    f"COUNT(CASE WHEN {some} THEN 1 END) AS {table}_n, SUM(CASE WHEN {some} THEN id END) AS {table}_ids"
    for table, _, _, some in INDEXES
)
_SQLITE: tuple[Check, ...] = (
    (
        "no request is charged twice",
        "requests",
        # in the order of the index; what is younger than the index on its own, then against the index
        "SELECT e.request_id FROM (SELECT request_id FROM log_requests GROUP BY request_id HAVING COUNT(*) > 1) t "
        f"JOIN ({_OF_INDEX}) r ON r.request_id = t.request_id JOIN log_entries e ON e.id = r.id "
        "WHERE e.kind = 'request' GROUP BY e.request_id HAVING COUNT(*) > 1 UNION "
        f"SELECT request_id FROM log_entries WHERE id > {_YOUNG} AND kind = 'request' "
        "GROUP BY request_id HAVING COUNT(*) > 1 UNION "
        f"SELECT y.request_id FROM log_entries y JOIN ({_OF_INDEX}) r ON r.request_id = y.request_id "
        f"JOIN log_entries e ON e.id = r.id WHERE y.id > {_YOUNG} AND y.kind = 'request' AND e.kind = 'request'",
    ),
    (
        "no request is open and in the log",
        "requests",
        f"SELECT o.request_id FROM holds o JOIN ({_OF_INDEX}) r ON r.request_id = o.request_id UNION "
        f"SELECT o.request_id FROM holds o JOIN log_entries e ON e.request_id = o.request_id AND e.id > {_YOUNG}",
    ),
    (
        "the log's index = log entries",
        "indexes",
        f"WITH seen AS (SELECT {_EACH} FROM log_entries WHERE id <= {_YOUNG}) "
        + " UNION ALL ".join(
            f"SELECT '{table}' FROM seen, (SELECT COUNT(*) AS n, SUM(id) AS ids FROM {table} WHERE id <= {_YOUNG}) t "
            f"WHERE t.n <> {table}_n OR t.ids <> {table}_ids"
            for table, *_ in INDEXES
        ),
    ),
)


def run(tools: Tools) -> tuple[Finding, ...]:
    """Check every invariant in one consistent reading of the database."""
    with tools.db.engine.connect() as connection:
        _begin(connection, tools.db.is_sqlite)
        checks = (*_CHECKS, *(_SQLITE if tools.db.is_sqlite else _POSTGRES))
        findings = tuple(_check(connection, *check) for check in checks)
        connection.rollback()
    return (*findings, _dead_holds(tools))


def _begin(connection: Connection, is_sqlite: bool) -> None:
    connection.exec_driver_sql("BEGIN" if is_sqlite else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _check(connection: Connection, name: str, what: str, query: str) -> Finding:
    rows = connection.execute(text(query)).fetchall()
    if not rows:
        return Finding(name, True, "holds")
    named = ", ".join(str(row[0]) for row in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return Finding(name, False, f"{len(rows)} {what} differ: {named}{more}")


def _dead_holds(tools: Tools) -> Finding:
    left = workers.holds_of_the_dead(tools, None)
    named = ", ".join(hold.request_id for hold in left[:SHOWN])
    detail = "holds" if not left else f"{len(left)} holds of workers that are gone: {named}"
    return Finding("no hold of a dead worker", not left, detail)
