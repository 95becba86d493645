"""``python -m tests.bench.log_sweep DIR_OR_URL --days 30``: retention at work on what ``tests.bench.fill`` filled.

Deletes as the keeper of a worker does, while another connection writes batches of 16 as the ledger does, and says how
long those writes had to wait, with and without. The database is smaller afterwards.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path

from sqlalchemy import text

from openopen8.core.db import Database
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.services import options
from openopen8.core.services.ledger import audit
from openopen8.core.services.log_keeper import LogKeeper
from openopen8.core.tools import Tools
from tests.bench.fill import opened

PAUSE = 0.004
"""Seconds between two batches of the writer."""


class Writer(threading.Thread):
    """Another process, as far as the database knows: its own lock file, its own connection."""

    def __init__(self, url: str, at: int) -> None:
        super().__init__(daemon=True)
        self.db, self.at = Database(url), at
        self.waits: list[float] = []
        self.go = True

    def run(self) -> None:
        entry = "INSERT INTO log_entries (time, kind, request_id, model, upstream_model, endpoint, stream, "
        entry += "input_tokens, output_tokens, cached_tokens, reasoning_tokens, credits, error, retries, address, "
        entry += "suppressed) VALUES "
        entry += "(:at, 'admin', '', '', '', '', false, 0, 0, 0, 0, 0, 'benchmark', 0, '', 0)"
        while self.go:
            began = time.perf_counter()
            with self.db.write() as session:
                session.connection().execute(text(entry), [{"at": self.at}] * 16)
            self.waits.append((time.perf_counter() - began) * 1_000)
            time.sleep(PAUSE)

    def told(self) -> str:
        waits = sorted(self.waits)
        self.waits = []
        return f"p50 {waits[len(waits) // 2]:.1f}, p99 {waits[int(len(waits) * 0.99)]:.1f}, most {waits[-1]:.1f} ms"


def memory_mb() -> float:
    """Resident memory of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def counted(tools: Tools) -> int:
    """Requests in the log; the writer's entries are none."""
    with tools.db.read() as session:
        query = text("SELECT COUNT(*) FROM log_entries WHERE kind = 'request'")
        return int(session.connection().execute(query).scalar() or 0)


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m tests.bench.log_sweep", description=__doc__)
    words.add_argument("target")
    words.add_argument("--days", type=int, default=30, help="what to keep")
    words.add_argument("--seconds", type=float, default=60)
    words.add_argument("--until", type=int, required=True, help="the same as for tests.bench.fill")
    given = words.parse_args()
    tools = opened(given.target, given.until)
    writer = Writer(tools.db.url, given.until)
    writer.start()
    time.sleep(10)
    alone = writer.told()
    keeper = LogKeeper(tools, ask_every=0)
    keeper.turn()
    options.set(tools, COMMAND_LINE, {"log_retention_days": given.days})
    before, memory, end = counted(tools), memory_mb(), time.perf_counter() + given.seconds
    began, cpu, most = time.perf_counter(), time.process_time(), memory
    while time.perf_counter() < end:
        keeper.turn()
        most = max(most, memory_mb())
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    with_it = writer.told()
    writer.go = False
    writer.join()
    gone = before - counted(tools)
    each = spent / max(gone, 1) * 1e6
    print(f"{gone:,} entries deleted in {took:.0f} s, {each:.0f} CPU µs each, the writer's included")
    print(f"memory: {memory:.0f} MB before, {most:.0f} MB at most")
    print(f"a batch of the writer: alone {alone}; beside the deletion {with_it}")
    keeper.leave()
    began = time.perf_counter()
    wrong = [finding for finding in audit.run(tools) if not finding.ok]
    print(f"audit in {time.perf_counter() - began:.0f} s: {wrong or 'clean'}")
    tools.close()


if __name__ == "__main__":
    main()
