"""``python -m tests.bench.logs DIR_OR_URL``: how long the log's questions take, on what ``tests.bench.fill`` filled.

Milliseconds of the services that dashboard and API call: p50 / p99 of warm repetitions, by the clock; with ``--cpu``
the CPU time of this process, for a machine that has other things to do (PostgreSQL's own is not in it).
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlmodel import col, func, select

from openopen8.core.clock import DAY, HOUR, MINUTE
from openopen8.core.models import LogEntry, User
from openopen8.core.rules.roles import Actor
from openopen8.core.services import charts, logs, overview, tokens
from openopen8.core.services.log_choices import log_choices
from openopen8.core.services.logs import LogFilter
from openopen8.core.services.page import LARGEST_ID
from openopen8.core.tools import Tools
from tests.bench.fill import opened

SLOW = 200.0
"""Milliseconds that no answer should take."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Who asks, when, and where the middle of the log is."""

    tools: Tools
    root: Actor
    user: Actor
    token: int
    now: int
    burst: int
    """Start of the hour with most entries."""
    middle: int


def scene(tools: Tools) -> Scene:
    """What the database offers."""
    with tools.db.read() as session:
        newest = session.exec(select(LogEntry).order_by(col(LogEntry.id).desc()).limit(1)).one()
        who = {user.name: user for user in session.exec(select(User).where(col(User.id) <= 8))}
        busiest = "SELECT start FROM usage_sums WHERE grain = 3600 AND token_id = 0 AND user_id = 0 "
        busiest += "GROUP BY start ORDER BY SUM(entries) DESC LIMIT 1"
        burst = session.connection().execute(text(busiest)).scalar()
    root, user = who["user-1"], who["user-8"]
    actors = [Actor(x.id or 0, x.name, x.role) for x in (root, user)]
    return Scene(tools, *actors, token=7, now=newest.time, burst=int(burst or 0), middle=(newest.id or 0) // 2)


def filters(at: Scene) -> Iterator[tuple[str, Actor, LogFilter]]:
    """Each filter, alone and in company; what matches often, seldom and never."""
    now, week = at.now, at.now - 7 * DAY
    alone = {
        "none": LogFilter(),
        "requests": LogFilter(kind="request"),
        "user": LogFilter(user_id=at.user.user_id),
        "token": LogFilter(token_id=at.token),
        "token seldom used": LogFilter(token_id=1_000),
        "model": LogFilter(model="model-3"),
        "model that nobody asked": LogFilter(model="model-x"),
        "channel": LogFilter(channel_id=4),
        "channel without entries": LogFilter(channel_id=99),
        "group": LogFilter(group="group-2"),
        "status ok": LogFilter(status="ok"),
        "status error": LogFilter(status="error"),
        "status 502": LogFilter(status="502"),
        "status 418": LogFilter(status="418"),
        "logins": LogFilter(kind="login"),
        "corrections": LogFilter(kind="correction"),
        "request id": LogFilter(request_id=f"req_{1 + 4_999_999 % 2}_5f2e9a1c7b3d_{4_999_999:x}"),
        "last 15 minutes": LogFilter(from_ms=now - 15 * MINUTE),
        "last hour": LogFilter(from_ms=now - HOUR),
        "last 7 days": LogFilter(from_ms=week),
        "a minute of the burst": LogFilter(from_ms=at.burst + 17 * MINUTE + 1_234, to_ms=at.burst + 18 * MINUTE + 999),
        "a cut burst": LogFilter(from_ms=at.burst + 17 * MINUTE + 1_234, to_ms=at.burst + 50 * MINUTE + 999),
        "9 cut weeks": LogFilter(from_ms=now - 70 * DAY + 77_777, to_ms=now - 7 * DAY + 4_321),
    }
    for name, wanted in alone.items():
        yield name, at.root, wanted
    yield "a user's own", at.user, LogFilter()
    pairs = {
        "user + model": LogFilter(user_id=at.user.user_id, model="model-9"),
        "user + seldom model": LogFilter(user_id=at.user.user_id, model="model-0"),
        "token + status 502": LogFilter(token_id=at.token, status="502"),
        "token + model": LogFilter(token_id=at.token, model="model-9"),
        "model + channel + 502 + 7 days": LogFilter(model="model-3", channel_id=4, status="502", from_ms=week),
        "user + logins": LogFilter(user_id=at.user.user_id, kind="login"),
        "user + error + a cut burst": replace(alone["a cut burst"], user_id=at.user.user_id, status="error"),
        "another user's token": LogFilter(user_id=at.user.user_id, token_id=at.token + 1),
        "token + 7 days": LogFilter(token_id=at.token, from_ms=week, kind="request"),
    }
    for name, wanted in pairs.items():
        yield name, at.root, wanted


def timed(work: Callable[[], Any], times: int, clock: Callable[[], float]) -> tuple[float, float, Any]:
    """p50 and p99 in ms of so many repetitions after one to warm up, and the last answer."""
    answer = work()
    took = []
    for _ in range(times):
        began = clock()
        answer = work()
        took.append((clock() - began) * 1_000)
    took.sort()
    return took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))], answer


class Table:
    """Prints rows as they come; remembers what was slow."""

    def __init__(self, times: int, clock: Callable[[], float]) -> None:
        self.times, self.clock = times, clock
        self.slow: list[str] = []

    def cell(self, name: str, work: Callable[[], Any]) -> tuple[str, Any]:
        middle, most, answer = timed(work, self.times, self.clock)
        if middle > SLOW:
            self.slow.append(f"{name}: {middle:.0f} ms")
        return f"{middle:.1f} / {most:.1f}", answer


def lists(at: Scene, table: Table) -> None:
    print("| filter | matches | first page | next page | deep (`after`) | page 200 | sums |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, actor, wanted in filters(at):
        _line(at, table, name, actor, wanted)


def _line(at: Scene, table: Table, name: str, actor: Actor, wanted: LogFilter) -> None:
    def find(**more: Any) -> Any:
        return logs.find(at.tools, actor, wanted, page_size=50, brief=True, **more)

    first, page = table.cell(f"{name}, first page", lambda: find(after=LARGEST_ID))
    following = page.next
    cells = [first]
    cells.append(table.cell(f"{name}, next page", lambda: find(after=following))[0] if following else "–")
    cells.append(table.cell(f"{name}, deep", lambda: find(after=at.middle))[0])
    cells.append(table.cell(f"{name}, page 200", lambda: find(page=200))[0] if page.total > 9_950 else "–")
    cells.append(table.cell(f"{name}, sums", lambda: logs.summary(at.tools, actor, wanted))[0])
    partly = " (partly)" if following is not None and len(page.items) < 50 else ""
    print(f"| {name} | {page.total:,}{partly} | {' | '.join(cells)} |", flush=True)


def pages(at: Scene, table: Table) -> None:
    print("\n| page | ms |")
    print("| --- | --- |")
    tools = at.tools
    week = LogFilter(kind="request", from_ms=at.now - 7 * DAY)
    works: dict[str, Callable[[], Any]] = {
        "Logs, everyone, 7 days: list and sums": lambda: _look(tools, at.root, week),
        "Logs, own, 7 days: list and sums": lambda: _look(tools, at.user, week),
        "Logs, own, one token, 7 days": lambda: _look(tools, at.user, replace(week, token_id=at.token)),
        "Logs, the filters' choices (admin)": lambda: log_choices(tools, at.root),
        "Logs, the filters' choices (user)": lambda: log_choices(tools, at.user),
        "Start page, own": lambda: _home(tools, at.user, False),
        "Start page, everyone's": lambda: _home(tools, at.root, True),
        "Token details: 30 days and last 50": lambda: _token(tools, at.user, at.token),
        "Chart of a token, 366 days": lambda: charts.token_days(tools, at.user, at.token, 366),
        "Requests of a token in the last hour": lambda: tokens.recent(tools, at.user, at.token),
        "CSV, everything: first 1,000 lines": lambda: _csv(tools, at.root, LogFilter()),
        "CSV, status 502: first 1,000 lines": lambda: _csv(tools, at.root, LogFilter(status="502")),
    }
    for name, work in works.items():
        print(f"| {name} | {table.cell(name, work)[0]} |", flush=True)


def _look(tools: Tools, actor: Actor, wanted: LogFilter) -> None:
    logs.find(tools, actor, wanted, 1, 50, LARGEST_ID, brief=True)
    logs.summary(tools, actor, wanted)


def _home(tools: Tools, actor: Actor, everyone: bool) -> None:
    overview.steps(tools, actor)
    overview.figures(tools, actor, everyone)
    overview.by_model(tools, actor, everyone)
    overview.by_token(tools, actor, everyone)
    logs.find(tools, actor, LogFilter(kind="request"), page_size=8, brief=True)


def _token(tools: Tools, actor: Actor, token: int) -> None:
    tokens.get(tools, actor, token)
    charts.token_days(tools, actor, token, 30)
    logs.find(tools, actor, LogFilter(token_id=token), page_size=50, brief=True)


def _csv(tools: Tools, actor: Actor, wanted: LogFilter) -> None:
    list(itertools.islice(logs.csv_rows(tools, actor, wanted), 1_000))


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.logs", description=__doc__)
    options.add_argument("target", help="the folder or URL that tests.bench.fill has filled")
    options.add_argument("--times", type=int, default=15, help="repetitions of each question")
    options.add_argument("--cpu", action="store_true", help="CPU time instead of the clock")
    given = options.parse_args()
    found = opened(given.target, int(time.time() * 1_000))
    with found.db.read() as session:
        count, last = session.exec(select(func.max(LogEntry.id), func.max(LogEntry.time))).one()
    found.close()
    clock, unit = (time.thread_time, "CPU ms") if given.cpu else (time.perf_counter, "ms")
    tools, table = opened(given.target, int(last or 0)), Table(given.times, clock)
    database = "SQLite" if tools.db.is_sqlite else "PostgreSQL"
    print(f"{count:,} entries, {database}, p50 / p99 {unit} of {given.times}\n")
    at = scene(tools)
    lists(at, table)
    pages(at, table)
    print("\nSlower than 200 ms: " + ("; ".join(table.slow) or "nothing"))
    tools.close()


if __name__ == "__main__":
    main()
