"""How PostgreSQL goes about the log's sums once there are many."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from openopen8.core.clock import DAY, HOUR, MINUTE
from openopen8.core.rules.roles import Actor
from openopen8.core.services import logs, overview
from openopen8.core.services.duty import Duty
from openopen8.core.services.log_digest import DUTY, Digest, catch_up
from openopen8.core.tools import Tools

NOW = 20_000 * DAY
_SUMS = text(
    "INSERT INTO usage_sums SELECT :grain, n % 1000, n % 100, CAST(:now AS BIGINT) - :grain * 1000 * (n / 1000), "
    "'m', 1, 1, 200, 0, 1, 1, 0, 1, 1, 0, 1, n, n FROM generate_series(1, CAST(:count AS BIGINT)) AS n"
)


@pytest.fixture
def plans(postgres_tools: Tools) -> list[str]:
    """Of each question about sums from now on, where there are a hundred thousand and fifty that are not moved yet."""
    engine, found = postgres_tools.db.engine, list[str]()
    with engine.begin() as connection:
        connection.execute(_SUMS, {"grain": 3_600, "now": NOW, "count": 100_000})
        connection.execute(text("ANALYZE usage_sums"))
        connection.execute(_SUMS, {"grain": 10, "now": NOW, "count": 50})

    @event.listens_for(engine, "before_cursor_execute")
    def heard(connection: Any, cursor: Any, sql: str, given: Any, *_: Any) -> None:
        if "usage_sums" in sql and sql.startswith("SELECT"):
            found.append("\n".join(row[0] for row in cursor.execute(f"EXPLAIN {sql}", given).fetchall()))

    return found


def test_slots_are_found_by_their_time_L15(postgres_tools: Tools, plans: list[str]) -> None:
    root = Actor(1, "root", "root")
    for since in (NOW - 15 * MINUTE, NOW - HOUR, NOW - 7 * DAY):
        logs.find(postgres_tools, root, logs.LogFilter(from_ms=since), page_size=50)
        logs.summary(postgres_tools, root, logs.LogFilter(from_ms=since))
    overview.by_token(postgres_tools, root, True)
    digest = Digest(Duty(postgres_tools.db, DUTY))
    catch_up(digest, NOW)
    digest.duty.leave()
    slots = [plan for plan in plans if "grain = 10" in plan or "grain = '10'" in plan or "_slots" in plan]
    assert len(slots) > 5
    for plan in slots:
        assert "ix_usage_sums_slots" in plan, plan
