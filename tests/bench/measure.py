"""Measures servers in turns, several times, since the machine is shared: medians and spreads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.bench.cases import Case
from tests.bench.load import Figures, run_load
from tests.bench.servers import Gateway, Server

NOBODY = ("none",)


@dataclass(frozen=True, slots=True)
class Target:
    """A server and whose processes are counted beside its own."""

    server: Server
    mock: Server
    beside: tuple[Server, ...] = ()
    """Its database's server, say."""

    @property
    def tokens(self) -> tuple[str, ...]:
        return self.server.tokens if isinstance(self.server, Gateway) else NOBODY

    def run(self, case: Case, seconds: float, rate: float = 0, count: int = 0, tokens: Sequence[str] = ()) -> Figures:
        meters = {"server": self.server.cpu_seconds, "mock": self.mock.cpu_seconds}
        meters |= {server.name: server.cpu_seconds for server in self.beside}
        if isinstance(self.server, Gateway):
            meters["relay"] = self.server.worker_seconds
        load = case.load(self.server.port, tokens or self.tokens, seconds, rate, count)
        return run_load(load, meters)


@dataclass(frozen=True, slots=True)
class Series:
    """One server's rounds of one load."""

    rounds: tuple[Figures, ...]

    def middle(self, of: Callable[[Figures], float]) -> float:
        return median(of(figures) for figures in self.rounds)

    @property
    def cpu(self) -> float:
        """Microseconds an answer."""
        return self.middle(lambda figures: figures.cpu["server"])

    @property
    def rate(self) -> float:
        return self.middle(lambda figures: figures.rate)

    @property
    def failures(self) -> int:
        return sum(figures.failures for figures in self.rounds)

    def raw(self) -> list[dict[str, Any]]:
        return [asdict(figures) | {"rate": figures.rate} for figures in self.rounds]


@dataclass(frozen=True, slots=True)
class Row:
    """Two servers beside each other, at full load and held at half of what ours can do."""

    name: str
    theirs: Series
    ours: Series
    half_rate: float = 0
    their_half: Series | None = None
    our_half: Series | None = None

    @property
    def ratios(self) -> list[float]:
        """Ours to theirs, round by round."""
        pairs = zip(self.ours.rounds, self.theirs.rounds, strict=True)
        return sorted(ours.cpu["server"] / max(theirs.cpu["server"], 1e-9) for ours, theirs in pairs)

    @property
    def ratio(self) -> float:
        return self.ours.cpu / max(self.theirs.cpu, 1e-9)

    def added(self, of: Callable[[Figures], float]) -> float | None:
        """Milliseconds more than theirs at the held rate."""
        if self.their_half is None or self.our_half is None:
            return None
        return self.our_half.middle(of) - self.their_half.middle(of)

    def raw(self) -> dict[str, Any]:
        series = {"theirs": self.theirs, "ours": self.ours, "their_half": self.their_half, "our_half": self.our_half}
        return {"name": self.name, "ratios": self.ratios, "half_rate": self.half_rate} | {
            name: found.raw() for name, found in series.items() if found is not None
        }


Asked = tuple[Target, Case]


def rounds(asked: Sequence[Asked], seconds: float, count: int, rate: float = 0) -> list[Series]:
    """``count`` rounds of each in turn, so that what else the machine does meets all alike."""
    found: list[list[Figures]] = [[] for _ in asked]
    for _ in range(count):
        for (target, case), figures in zip(asked, found, strict=True):
            figures.append(target.run(case, seconds, rate))
    return [Series(tuple(figures)) for figures in found]


def compare(theirs: Asked, ours: Asked, seconds: float, count: int) -> Row:
    """One row of the table: at full load, then held at half of what ours can do."""
    name, paced = ours[1].name, ours[1].paced
    their_full, our_full = rounds((theirs, ours), seconds, count)
    if paced or our_full.rate < 2:  # the pace, or nothing, is the rate
        return Row(name, their_full, our_full)
    half = our_full.rate / 2
    their_half, our_half = rounds((theirs, ours), seconds, max(1, count - 1), half)
    return Row(name, their_full, our_full, half, their_half, our_half)
