"""``python -m tests.bench [NAME…]``: one table, ratios to nginx's CPU time first."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench import servers
from tests.bench.load import Figures, Load, request_bytes, run_load

PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    name: str
    connections: int
    model: str = "bench"
    stream: bool = False
    body_kb: int = 1

    def body(self) -> bytes:
        text = "word " * (self.body_kb * 1024 // 5)
        messages = [{"role": "user", "content": text}]
        return json.dumps(
            {"model": self.model, "stream": self.stream, "messages": messages, "max_tokens": 500}
        ).encode()


CASES = (
    Case("unary-1", 1),
    Case("unary-32", 32),
    Case("unary-256", 256),
    Case("unary-100kB", 32, body_kb=100),
    Case("stream-fast", 64, stream=True),
    Case("stream-paced", 64, model="paced", stream=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One server's figures in one case."""

    figures: Figures
    cpu_us: float


async def measure(server: servers.Server, case: Case, seconds: float) -> Row:
    """CPU time per answer over ``seconds``, after a short warm-up."""
    request = request_bytes(PATH, case.body(), server.token)
    await run_load(Load(server.port, request, case.connections, min(1.0, seconds)))
    before = server.cpu_seconds()
    figures = await run_load(Load(server.port, request, case.connections, seconds))
    spent = server.cpu_seconds() - before
    return Row(figures, spent / max(figures.answers, 1) * 1e6)


def line(case: Case, ours: Row, theirs: Row) -> str:
    ratio = ours.cpu_us / theirs.cpu_us if theirs.cpu_us else 0
    return (
        f"| {case.name} | **{ratio:.1f}** | {theirs.cpu_us:.0f} | {ours.cpu_us:.0f} | {theirs.figures.rate:,.0f} "
        f"| {ours.figures.rate:,.0f} | {ours.figures.p50:.2f} / {ours.figures.p99:.2f} | {ours.figures.failures} |"
    )


def main() -> None:
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("names", nargs="*", help=f"of {', '.join(case.name for case in CASES)}")
    options.add_argument("--seconds", type=float, default=3)
    given = options.parse_args()
    chosen = [case for case in CASES if not given.names or case.name in given.names]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with (
            servers.mock() as mock,
            servers.nginx(root / "nginx", mock.port) as nginx,
            servers.openopen8(root / "data", mock.port) as ours,
        ):
            print(f"memory at rest, all processes: {ours.memory_mb():.0f} MB")
            print("| case | × nginx CPU | nginx µs | ours µs | nginx req/s | ours req/s | ours p50 / p99 ms | failed |")
            print("| --- | --- | --- | --- | --- | --- | --- | --- |")
            for case in chosen:
                theirs = asyncio.run(measure(nginx, case, given.seconds))
                print(line(case, asyncio.run(measure(ours, case, given.seconds)), theirs), flush=True)
            print(f"memory afterwards, all processes: {ours.memory_mb():.0f} MB")


if __name__ == "__main__":
    main()
