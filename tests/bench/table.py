"""The gateway beside nginx: one table, ratios first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench import servers
from tests.bench.cases import PASSED, Case
from tests.bench.measure import Row, Target, compare
from tests.bench.report import Part
from tests.bench.servers import Gateway

HEAD = (
    "| row | × nginx CPU | nginx µs | ours µs | nginx req/s (core) | ours req/s | ours p50 / p99 ms "
    "| held at req/s | added p50 / p99 ms | failed |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def run(root: Path, cases: Sequence[Case], seconds: float, count: int) -> Part:
    """Measure ``cases``, printing each row as it is done."""
    rows = []
    with (
        servers.mock() as mock,
        servers.nginx(root / "nginx", mock.port) as nginx,
        servers.openopen8(root / "openopen8", mock.port) as ours,
    ):
        rest = f"Memory at rest: {memory(ours)}"
        print("\n".join(HEAD), flush=True)
        for case in cases:
            plain = replace(case, format=PASSED, upstream=PASSED)  # nginx can't convert
            rows.append(compare((Target(nginx, mock), plain), (Target(ours, mock), case), seconds, count))
            print(line(rows[-1]), flush=True)
        answers = sum(figures.answers for row in rows for figures in row.ours.rounds)
        after = f"{rest}; after more than {answers:,} requests: {memory(ours)}."
        print(after)
    return Part(
        "table",
        (*HEAD, *map(line, rows), "", after),
        [row.raw() for row in rows],
        key={row.name: f"{row.ratio:.1f}" for row in rows},
    )


def memory(ours: Gateway) -> str:
    """Of all processes, and of the relay's alone."""
    return f"{ours.memory_mb():.0f} MB, {ours.worker_mb():.0f} of them the worker's"


def line(row: Row) -> str:
    """One row in Markdown."""
    ratios, ours, theirs = row.ratios, row.ours, row.theirs
    core = theirs.middle(lambda figures: figures.busy["server"])
    times = f"{ours.middle(lambda f: f.p50):.2f} / {ours.middle(lambda f: f.p99):.2f}"
    held, added = "–", "–"
    p50, p99 = row.added(lambda f: f.p50), row.added(lambda f: f.p99)
    if p50 is not None and p99 is not None:
        held, added = f"{row.half_rate:,.0f}", f"{p50:.2f} / {p99:.2f}"
    failures = sum(series.failures for series in (ours, theirs, row.our_half, row.their_half) if series is not None)
    return (
        f"| {row.name} | **{row.ratio:.1f}** ({ratios[0]:.1f}–{ratios[-1]:.1f}) | {theirs.cpu:.0f} | {ours.cpu:.0f} "
        f"| {theirs.rate:,.0f} ({core:.0%}) | {ours.rate:,.0f} | {times} | {held} | {added} | {failures} |"
    )
