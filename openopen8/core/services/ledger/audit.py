"""The invariants of the books, each a query: what does not add up is listed by id."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from openopen8.core.services.ledger import workers
from openopen8.core.tools import Tools

SHOWN = 5
"""How many offenders a finding names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant and whether it holds; ``detail`` says what was compared, or which rows are off."""

    name: str
    ok: bool
    detail: str


_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "balance = credit entries - charges",
        "users",
        "SELECT a.user_id FROM accounts a WHERE a.balance <> "
        "(SELECT COALESCE(SUM(c.amount), 0) FROM credit_entries c WHERE c.user_id = a.user_id) - "
        "(SELECT COALESCE(SUM(h.credits), 0) FROM usage_hours h WHERE h.user_id = a.user_id)",
    ),
    (
        "used_total = charges of the token",
        "tokens",
        "SELECT t.token_id FROM token_counters t WHERE t.used_total <> "
        "(SELECT COALESCE(SUM(h.credits), 0) FROM usage_hours h WHERE h.token_id = t.token_id)",
    ),
    (
        "used = charges of the token's current period",
        "tokens",
        "SELECT t.token_id FROM token_counters t WHERE t.used <> (SELECT COALESCE(SUM(h.credits), 0) "
        "FROM usage_hours h WHERE h.token_id = t.token_id AND h.period_start = t.period_start)",
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
        "(SELECT COALESCE(SUM(o.amount), 0) FROM holds o WHERE o.token_id = t.token_id)",
    ),
    (
        "usage rows = log entries",
        "tokens",
        "SELECT u.token_id FROM (SELECT token_id, SUM(credits) AS credits FROM usage_hours GROUP BY token_id) u "
        "LEFT JOIN (SELECT token_id, SUM(credits) AS credits FROM log_entries "
        "WHERE kind IN ('request', 'correction') GROUP BY token_id) l ON l.token_id = u.token_id "
        "WHERE COALESCE(l.credits, 0) <> u.credits",
    ),
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


def run(tools: Tools) -> tuple[Finding, ...]:
    """Check every invariant in one consistent reading of the database."""
    with tools.db.engine.connect() as connection:
        _begin(connection, tools.db.is_sqlite)
        findings = tuple(_check(connection, *check) for check in _CHECKS)
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
