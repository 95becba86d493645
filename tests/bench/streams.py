"""Many open streams in one worker: memory of each, and how long others wait beside them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

from tests.bench import servers
from tests.bench.cases import Case
from tests.bench.load import Figures
from tests.bench.measure import Target
from tests.bench.readers import TooMany, raise_limit, reading
from tests.bench.report import Part
from tests.bench.servers import Gateway, Server

PROBE = Case("probe", 8)
PROBES_A_SECOND = 100
SETTLED = 2.0
LONGEST = 90.0
"""Seconds from the last stream's opening until it is measured: at least, at most."""
HEAD = (
    "| open streams | kind | worker MB | kB each | core that they take | a unary call beside them: p50 / p99 ms "
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


@dataclass(frozen=True, slots=True)
class Found:
    """A crowd's figures. ``told`` and ``told_later``: MB of endless streams before and while it was measured."""

    crowd: Crowd
    before: float
    memory: float
    alone: Figures
    beside: Figures
    told: float
    told_later: float

    def line(self) -> str:
        crowd, alone, beside = self.crowd, self.alone, self.beside
        each = (self.memory - self.before) / crowd.size * 1000
        core = max(0.0, beside.busy["relay"] - alone.busy["relay"])
        kind = crowd.kind
        if crowd.how == "sip":
            kind += f" (the upstream told {self.told:.1f} MB at first, {self.told_later:.1f} MB later)"
        return (
            f"| {crowd.size:,} | {kind} | {self.memory:.0f} | {each:.0f} | {core:.0%} "
            f"| {beside.p50:.2f} / {beside.p99:.2f} | {beside.p50 - alone.p50:.2f} / {beside.p99 - alone.p99:.2f} "
            f"| {beside.failures} |"
        )

    def wrong(self) -> str:
        """An upstream that is not held back although nobody takes what it tells."""
        runs = self.crowd.how == "sip" and self.told_later > 1
        return f"{self.told_later:.1f} MB for callers that do not read" if runs else ""


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
            crowd = replace(crowd, size=min(crowd.size, (files - 500) // 2))  # each has two in the gateway
            try:
                found = _measured(root / str(number), mock, crowd, max(seconds, 3))
                lines.append(found.line())
                raw.append(found)
            except TooMany as reason:
                lines.append(f"| {crowd.size:,} | {crowd.kind} | not measured: {reason} |  |  |  |  |  |")
            print(lines[-1], flush=True)
    return Part("streams", tuple(lines), raw, tuple(found.wrong() for found in raw if found.wrong()))


def _measured(folder: Path, mock: Server, crowd: Crowd, seconds: float) -> Found:
    # the default refuses more than 2,000 requests at a time
    with servers.openopen8(folder, mock.port, MAX_REQUESTS_IN_FLIGHT="12000") as ours:
        target = Target(ours, mock)
        target.run(PROBE, 1.0, PROBES_A_SECOND)
        before, alone = ours.worker_mb(), target.run(PROBE, seconds, PROBES_A_SECOND)
        first = _told(mock)
        with reading(ours.port, _requests(crowd, ours), crowd.how):
            told = _told_at_first(mock)
            beside = target.run(PROBE, seconds, PROBES_A_SECOND)
            later = _told(mock)
            return Found(crowd, before, ours.worker_mb(), alone, beside, (told - first) / 1e6, (later - told) / 1e6)


def _requests(crowd: Crowd, ours: Gateway) -> list[tuple[bytes, bytes]]:
    requests = crowd.case.requests(ours.tokens)
    return [requests[number % len(requests)] for number in range(crowd.size)]


def _told_at_first(mock: Server) -> int:
    """When all buffers between the upstream and the callers are full, or it has been long enough to be so."""
    latest = time.monotonic() + LONGEST
    told = -1
    while told != (fresh := _told(mock)) and time.monotonic() < latest:
        told = fresh
        time.sleep(SETTLED)
    return told


def _told(mock: Server) -> int:
    """Bytes of endless streams that the upstream has got rid of."""
    with urlopen(f"http://127.0.0.1:{mock.port}/told") as answer:
        return int(json.load(answer)["endless"])
