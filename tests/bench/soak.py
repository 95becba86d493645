"""A million requests with faults on both sides; then memory is flat, the books are right, nothing is left open."""

from __future__ import annotations

import gc
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from relay.formats import FORMATS
from tests.bench import servers
from tests.bench.cases import Case
from tests.bench.load import Caller, Load, Request, Run, run_load
from tests.bench.report import Part
from tests.bench.servers import Gateway
from tests.bench.tenants import Tenants

CONNECTIONS = 64
CHANNELS = 20
"""So that the others serve while one rests after failures."""
SAMPLES = 40
LONGEST = 900.0
"""Seconds that the load may take."""
SETTLE = 60.0
"""Seconds until idle connections to the upstream must be gone."""
SPARE = 40
"""Descriptors that may be there more than before the first request: pools of the database and the upstream."""
LEAVING = 0.02
LEAVING_AT_ONCE = 0.002
QUICK = {"STREAMING_TIMEOUT": "2", "CONNECT_TIMEOUT": "2"}


@dataclass(frozen=True, slots=True)
class Sample:
    """The gateway's processes at some moment."""

    requests: int
    memory_mb: float
    descriptors: int


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold, and what was found."""

    name: str
    ok: bool
    detail: str


class Soak(Run):
    """Callers of all kinds: some leave at the first byte, a few at once."""

    def __init__(self, load: Load, gateway: Gateway, chance: random.Random) -> None:
        super().__init__(load, {})
        self._gateway = gateway
        self._chance = chance
        self._leaving: set[Caller] = set()
        self._every = max(1, load.count // SAMPLES)
        self.asked = 0
        self.left = 0
        """Callers that left after the first bytes of their answer: these are in the log."""
        self.left_at_once = 0
        """May be in the log."""
        self.statuses: Counter[str] = Counter()
        self.samples: list[Sample] = []

    @property
    def faults(self) -> Mapping[str, int]:
        return self._faults

    def _ask(self, caller: Caller, began: float) -> None:
        if self._left > 0:
            self.asked += 1
            if self.asked % self._every == 0:
                self.samples.append(sample(self._gateway, self.asked))
            if self._chance.random() < LEAVING:
                self._leaving.add(caller)
        super()._ask(caller, began)
        if caller.began and self._chance.random() < LEAVING_AT_ONCE:
            self.left_at_once += 1
            self._leave(caller, began)

    def _heard(self, caller: Caller, data: bytes, now: float) -> None:
        if caller in self._leaving:
            self.left += 1
            self._leave(caller, now)
        else:
            super()._heard(caller, data, now)

    def _answered(self, caller: Caller, now: float) -> None:
        fault = caller.reading.fault
        self.statuses[fault if fault.isdigit() else "200"] += 1
        super()._answered(caller, now)

    def ask_once(self) -> None:
        """One request more, by a caller that stays."""
        figures = run_load(replace(self._load, connections=1, count=1, size=0))
        self.statuses.update(figures.faults or {"200": 1})

    def _leave(self, caller: Caller, now: float) -> None:
        self._leaving.discard(caller)
        caller.began = 0
        self._close(caller)
        self._next(self._connect(), now)


def run(root: Path, count: int, seed: int = 8) -> Part:
    """The part for the page."""
    soak, checks, seconds = soaked(root, count, seed)
    lines = [
        f"{soak.asked:,} requests in {seconds:.0f} s over {CONNECTIONS} connections (seed {seed}): statuses "
        f"{dict(sorted(soak.statuses.items()))}, {soak.left:,} callers left at the first byte, "
        f"{soak.left_at_once:,} at once.",
        "",
        "| must hold | found |",
        "| --- | --- |",
        *(f"| {check.name} | {'' if check.ok else '**NO**: '}{check.detail} |" for check in checks),
        "",
        "| requests | MB | open files |",
        "| --- | --- | --- |",
        *(f"| {s.requests:,} | {s.memory_mb:.0f} | {s.descriptors} |" for s in soak.samples[:: SAMPLES // 10]),
    ]
    print("\n".join(lines))
    raw = {"asked": soak.asked, "statuses": soak.statuses, "faults": soak.faults, "samples": soak.samples}
    return Part("soak", tuple(lines), raw, tuple(check.name for check in checks if not check.ok))


def soaked(root: Path, count: int, seed: int, settle: float = SETTLE) -> tuple[Soak, list[Check], float]:
    """Run it and check what must hold afterwards."""
    chance = random.Random(seed)
    with (
        servers.mock("tests.bench.faults", str(seed)) as mock,
        servers.openopen8(root, mock.port, Tenants(channels=CHANNELS), **QUICK) as ours,
    ):
        before = sample(ours, 0)
        soak = Soak(_load(ours, count, chance), ours, chance)
        began = time.monotonic()
        gc.disable()
        soak.run()
        gc.enable()
        seconds = time.monotonic() - began
        after = _settled(ours, before, soak, settle)
    checks = [_all_asked(soak, count), _answers_whole(soak), _flat(soak.samples), _closed(before, after)]
    return soak, [*checks, *_books(ours, soak)], seconds


def sample(gateway: Gateway, requests: int) -> Sample:
    return Sample(requests, gateway.memory_mb(), gateway.descriptors())


def _load(ours: Gateway, count: int, chance: random.Random) -> Load:
    """Whole answers and streams, in every format, of all tokens in turn."""
    cases = [Case("", 0, stream=stream, format=format) for format in FORMATS for stream in (False, True)]
    plain = Case("", 0, body_kb=20)
    kinds = [case.requests(ours.tokens) for case in (*cases, plain)]
    requests: list[Request] = [chance.choice(kinds)[number % len(ours.tokens)] for number in range(5_000)]
    return replace(
        plain.load(ours.port, ours.tokens, LONGEST, count=count), requests=requests, size=0, connections=CONNECTIONS
    )


def _settled(ours: Gateway, before: Sample, soak: Soak, seconds: float) -> Sample:
    """When the connections that were kept for later are closed, or when it has been long enough.

    Now and then somebody asks: a pool may look at its idle connections only when it is used.
    """
    latest = time.monotonic() + seconds
    while (found := sample(ours, soak.asked)).descriptors > before.descriptors + SPARE and time.monotonic() < latest:
        time.sleep(0.5)
        soak.ask_once()
    return found


def _all_asked(soak: Soak, count: int) -> Check:
    return Check("all was asked", soak.asked == count, f"{soak.asked:,} of {count:,} in time")


def _answers_whole(soak: Soak) -> Check:
    """An error is an answer; a connection that breaks off is none."""
    broken = {name: soak.faults[name] for name in ("lost", "unanswered") if soak.faults.get(name)}
    return Check("each caller that stayed got an answer", not broken, str(broken or "none broke off"))


def _flat(samples: list[Sample]) -> Check:
    """The last fifth against the third: caches have filled by then."""
    fifth = max(1, len(samples) // 5)
    early = median(sample.memory_mb for sample in samples[2 * fifth : 3 * fifth] or samples)
    late = median(sample.memory_mb for sample in samples[-fifth:])
    return Check("memory is flat", late - early <= 3 + early * 0.02, f"{early:.0f} MB, then {late:.0f} MB")


def _closed(before: Sample, after: Sample) -> Check:
    found = f"{before.descriptors} open files before, {after.descriptors} after"
    return Check("nothing is left open", after.descriptors <= before.descriptors + SPARE, found)


def _books(ours: Gateway, soak: Soak) -> list[Check]:
    database = sqlite3.connect(ours.folder / "data" / "openopen8.db")
    log: dict[str, int] = dict(
        database.execute(
            "SELECT CAST(status AS TEXT), COUNT(*) FROM log_entries WHERE kind = 'request' GROUP BY status"
        )
    )
    holds = database.execute("SELECT COUNT(*) FROM holds").fetchone()[0]
    database.close()
    rows, least = sum(log.values()), sum(soak.statuses.values()) + soak.left
    refused = {status: number for status, number in soak.statuses.items() if status != "200"}
    logged = {status: number for status, number in log.items() if status not in ("200", "499")}
    # who left at once may have been refused too
    same = all(
        0 <= logged.get(status, 0) - refused.get(status, 0) <= soak.left_at_once + soak.left
        for status in {*logged, *refused}
    )
    return [
        Check("log rows = answers", least <= rows <= least + soak.left_at_once, f"{least:,} answers, {rows:,} rows"),
        Check("the log knows what callers got", same, f"log {dict(sorted(log.items()))}"),
        Check("no hold is left", holds == 0, f"{holds} holds"),
        _audit(ours),
    ]


def _audit(ours: Gateway) -> Check:
    findings: list[dict[str, Any]] = json.loads(servers.command(ours, "audit", "--json").stdout)
    wrong = [finding for finding in findings if not finding["ok"]]
    return Check("openopen8 audit", not wrong, str(wrong or f"{len(findings)} invariants hold"))
