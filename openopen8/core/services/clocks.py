"""Machines on one database must agree on the time: the windows of rate limits go by it."""

from __future__ import annotations

from sqlalchemy import text

from openopen8.core.clock import SECOND
from openopen8.core.errors import Problem
from openopen8.core.tools import Tools

WORTH_SAYING = 1 * SECOND
TOO_MUCH = 30 * SECOND
"""Half of the window of a minute: limits would mean little."""


def ahead(tools: Tools) -> int:
    """Milliseconds that this machine's clock is ahead of the database's; 0 on SQLite, which has ours."""
    if tools.db.is_sqlite:
        return 0
    with tools.db.read() as session:
        before = tools.now()
        theirs = session.connection().execute(text("SELECT extract(epoch FROM clock_timestamp()) * 1000")).scalar_one()
        return round((before + tools.now()) / 2 - float(theirs))


def check(tools: Tools) -> str:
    """A warning, or nothing; a Problem when nothing could be limited with this clock."""
    difference = ahead(tools)
    if abs(difference) < WORTH_SAYING:
        return ""
    side = "ahead of" if difference > 0 else "behind"
    found = f"This machine's clock is {abs(difference) / SECOND:.1f} s {side} the database's."
    if abs(difference) > TOO_MUCH:
        raise Problem(500, "clock_wrong", f"{found} Set it (NTP), then start again.")
    return f"{found} Rate limits are as exact as the clocks agree: set it (NTP)."
