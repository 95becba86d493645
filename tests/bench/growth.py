"""What a request costs as the installation grows: tokens, channels, log, limits, open dashboards."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from openopen8.server.built import here
from tests.bench import servers, tenants
from tests.bench.cases import all_cases
from tests.bench.measure import Series, Target, rounds
from tests.bench.report import Part
from tests.bench.servers import ROOT, Gateway, Server
from tests.bench.tabs import open_tabs
from tests.bench.tenants import Tenants

FILL = "tests.bench.fill"
CASE = next(case for case in all_cases() if case.name == "unary-32")
HEAD = (
    "| what | how many | µs | of them the relay | × the first | req/s | p50 / p99 ms "
    "| held at req/s: p50 / p99 ms | MB | failed |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True, slots=True)
class Growth:
    """One thing that grows. ``missing`` says why it can't be measured here ("" = it can)."""

    name: str
    sizes: tuple[int, ...]
    start: Callable[[Path, Server, int], Iterator[Gateway]]
    missing: Callable[[], str] = str


def _tokens(folder: Path, mock: Server, size: int) -> Iterator[Gateway]:
    with servers.openopen8(folder, mock.port, Tenants(users=min(100, size), tokens=size)) as ours:
        yield ours


def _channels(folder: Path, mock: Server, size: int) -> Iterator[Gateway]:
    with servers.openopen8(folder, mock.port, Tenants(channels=size)) as ours:
        yield ours


def _limits(folder: Path, mock: Server, size: int) -> Iterator[Gateway]:
    with servers.openopen8(folder, mock.port, Tenants(rate_limit=size or None)) as ours:
        yield ours


def _log(folder: Path, mock: Server, size: int) -> Iterator[Gateway]:
    def fill() -> None:
        print(f"Filling a log with {size:,} rows", flush=True)
        words = [sys.executable, "-m", FILL, str(folder / "data"), "--logs", str(size)]
        subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    with servers.openopen8(folder, mock.port, prepare=fill if size else None) as ours:
        yield ours


def _dashboards(busy: bool) -> Callable[[Path, Server, int], Iterator[Gateway]]:
    def start(folder: Path, mock: Server, size: int) -> Iterator[Gateway]:
        with servers.openopen8(folder, mock.port) as ours:
            cookies = tenants.log_in(folder / "data", ours.database, min(size, 100), busy) if size else []
            with open_tabs(ours.port, size, cookies):
                yield ours

    return start


def _no_fill() -> str:
    return "" if importlib.util.find_spec(FILL) else f"{FILL} is not there"


def _no_dashboard() -> str:
    return "" if here().is_there else "the dashboard is not compiled (make build)"


GROWTHS = (
    Growth("tokens", (10, 1_000, 100_000), _tokens),
    Growth("channels for one model", (1, 100, 1_000), _channels),
    Growth("requests a minute that each token may make (0: no limit)", (0, 1_000_000), _limits),
    Growth("rows in the log", (0, 100_000, 10_000_000), _log, _no_fill),
    Growth("open dashboards of users without requests", (0, 50, 200), _dashboards(False), _no_dashboard),
    Growth("open dashboards of users with requests", (0, 50, 200), _dashboards(True), _no_dashboard),
)


def run(root: Path, seconds: float, count: int) -> Part:
    """All sizes of one thing stand beside each other and are asked in turns."""
    lines, raw = [*HEAD], []
    print("\n".join(HEAD), flush=True)
    with servers.mock() as mock:
        for number, growth in enumerate(GROWTHS):
            if growth.missing():
                lines.append(f"| {growth.name} | not measured: {growth.missing()} |  |  |  |  |  |  |  |  |")
                print(lines[-1], flush=True)
                continue
            for line, figures in _measured(root / str(number), mock, growth, seconds, count):
                lines.append(line)
                raw.append(figures)
                print(line, flush=True)
    return Part("growth", tuple(lines), raw)


def _measured(
    folder: Path, mock: Server, growth: Growth, seconds: float, count: int
) -> Iterator[tuple[str, dict[str, object]]]:
    with ExitStack() as stack:
        started = [
            stack.enter_context(contextmanager(growth.start)(folder / str(size), mock, size)) for size in growth.sizes
        ]
        asked = [(Target(server, mock), CASE) for server in started]
        full = rounds(asked, seconds, count)
        rate = max(1.0, min(series.rate for series in full) / 2)
        held = rounds(asked, seconds, count, rate)
        for size, server, at_full, at_half in zip(growth.sizes, started, full, held, strict=True):
            figures = {"name": growth.name, "size": size, "full": at_full.raw(), "held": at_half.raw()}
            yield _line(growth.name, size, server, full[0], at_full, at_half, rate), figures


def _line(name: str, size: int, server: Server, first: Series, full: Series, held: Series, rate: float) -> str:
    def times(series: Series) -> str:
        return f"{series.middle(lambda f: f.p50):.2f} / {series.middle(lambda f: f.p99):.2f}"

    relay = full.middle(lambda f: f.cpu["relay"])
    return (
        f"| {name} | {size:,} | {full.cpu:.0f} | {relay:.0f} | {full.cpu / max(first.cpu, 1e-9):.2f} "
        f"| {full.rate:,.0f} | {times(full)} | {rate:,.0f}: {times(held)} | {server.memory_mb():.0f} "
        f"| {full.failures + held.failures} |"
    )
