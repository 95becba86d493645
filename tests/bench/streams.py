"""Many open streams in one worker: memory of each, and how long others wait beside them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.bench import servers
from tests.bench.cases import Case
from tests.bench.load import Figures
from tests.bench.measure import Target
from tests.bench.readers import raise_limit, reading
from tests.bench.report import Part
from tests.bench.servers import Gateway, Server

PROBE = Case("probe", 8)
PROBES_A_SECOND = 100
SETTLED = 2.0
"""Seconds from the last stream's opening until it is measured."""
HEAD = (
    "| open streams | kind | MB | kB each | core that they take | a unary call beside them: p50 / p99 ms "
    "| added p50 / p99 ms | failed |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many streams of one kind."""

    size: int
    kind: str
    case: Case
    how: str = "all"


SLOW, IDLE = Case("slow", 0, "slow", stream=True), Case("idle", 0, "idle", stream=True)
ENDLESS = Case("endless", 0, "endless", stream=True)
CROWDS = (
    Crowd(1, "a chunk a second", SLOW),
    Crowd(500, "a chunk a second", SLOW),
    Crowd(2_000, "a chunk a second", SLOW),
    Crowd(2_000, "idle", IDLE),
    Crowd(10_000, "idle", IDLE),
    Crowd(1, "endless, read a byte a second", ENDLESS, "sip"),
    Crowd(100, "endless, read a byte a second", ENDLESS, "sip"),
)


def run(root: Path, seconds: float) -> Part:
    """Each crowd on a gateway of its own, so that memory is not what the one before left."""
    files = raise_limit(65_536)
    lines, raw = [*HEAD], []
    print("\n".join(HEAD), flush=True)
    with servers.mock() as mock:
        for number, crowd in enumerate(CROWDS):
            if 2 * crowd.size + 500 > files:
                lines.append(
                    f"| {crowd.size:,} | {crowd.kind} | not measured: {files:,} open files allowed |  |  |  |  |  |"
                )
            else:
                line, figures = _measured(root / str(number), mock, crowd, max(seconds, 3))
                lines.append(line)
                raw.append(figures)
            print(lines[-1], flush=True)
    return Part("streams", tuple(lines), raw)


def _measured(folder: Path, mock: Server, crowd: Crowd, seconds: float) -> tuple[str, dict[str, object]]:
    # the default refuses more than 2,000 requests at a time
    with servers.openopen8(folder, mock.port, MAX_REQUESTS_IN_FLIGHT="12000") as ours:
        target = Target(ours, mock)
        target.run(PROBE, 1.0, PROBES_A_SECOND)
        before, alone = ours.memory_mb(), target.run(PROBE, seconds, PROBES_A_SECOND)
        with reading(ours.port, _requests(crowd, ours), crowd.how):
            time.sleep(SETTLED)
            told, spent = _told(mock), ours.cpu_seconds()
            beside = target.run(PROBE, seconds, PROBES_A_SECOND)
            memory = ours.memory_mb()
            core = (ours.cpu_seconds() - spent) / beside.seconds - alone.busy["server"]
            held_back = crowd.how != "sip" or told == _told(mock)
    line = _line(crowd, before, memory, core, alone, beside)
    if crowd.how == "sip":
        line += f" {told / 1e6:.1f} MB in buffers, then the upstream {'stands' if held_back else 'GOES ON'} |"
    figures = {"before": before, "memory": memory, "core": core, "told": told, "held_back": held_back}
    return line, {"size": crowd.size, "kind": crowd.kind, **figures, "p50": beside.p50, "p99": beside.p99}


def _requests(crowd: Crowd, ours: Gateway) -> list[tuple[bytes, bytes]]:
    requests = crowd.case.requests(ours.tokens)
    return [requests[number % len(requests)] for number in range(crowd.size)]


def _told(mock: Server) -> int:
    """Bytes of endless streams that the upstream has got rid of."""
    with urlopen(f"http://127.0.0.1:{mock.port}/told") as answer:
        return int(json.load(answer)["endless"])


def _line(crowd: Crowd, before: float, memory: float, core: float, alone: Figures, beside: Figures) -> str:
    each = (memory - before) / crowd.size * 1000
    return (
        f"| {crowd.size:,} | {crowd.kind} | {memory:.0f} | {each:.0f} | {max(core, 0):.0%} "
        f"| {beside.p50:.2f} / {beside.p99:.2f} | {beside.p50 - alone.p50:.2f} / {beside.p99 - alone.p99:.2f} "
        f"| {beside.failures} |"
    )
