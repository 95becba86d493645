"""``python -m tests.bench [NAME…]``: rows of the table, or whole parts such as table, workers, growth."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import growth, peers, soak, streams, table
from tests.bench.cases import Case, all_cases
from tests.bench.report import Part, command_line, keep


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    names: tuple[str, ...]
    seconds: float
    rounds: int
    requests: int


def _table(root: Path, options: Options) -> Part:
    return table.run(root, _chosen(options.names), options.seconds, options.rounds)


def _workers(root: Path, options: Options) -> Part:
    from tests.bench import workers  # needs PostgreSQL's package, whose import talks

    return workers.run(root, options.seconds, options.rounds)


PARTS: dict[str, Callable[[Path, Options], Part]] = {
    "table": _table,
    "workers": _workers,
    "peers": lambda root, options: peers.run(root, options.seconds, options.rounds),
    "growth": lambda root, options: growth.run(root, options.seconds, options.rounds),
    "streams": lambda root, options: streams.run(root, options.seconds),
    "soak": lambda root, options: soak.run(root, options.requests),
}


def _chosen(names: tuple[str, ...]) -> list[Case]:
    """The rows that are named; without names the usual ones."""
    rows = set(names) - PARTS.keys()
    conversions = "conversions" in rows
    return [
        case
        for case in all_cases()
        if (case.usual if not rows else case.name in rows or (conversions and case.format != case.upstream))
    ]


def main() -> None:
    names = [case.name for case in all_cases()]
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join([*PARTS, 'conversions', *names])}")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each server, in turns")
    parser.add_argument("--requests", type=int, default=1_000_000, help="of the soak")
    given = parser.parse_args()
    unknown = set(given.names) - {*PARTS, "conversions", *names}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    options = Options(tuple(given.names), given.seconds, given.rounds, given.requests)
    rows = [name for name in given.names if name not in PARTS]
    parts = [name for name in given.names if name in PARTS]
    if rows or not parts:
        parts = ["table", *(name for name in parts if name != "table")]
    for name in parts:
        with tempfile.TemporaryDirectory(prefix="openopen8-bench-", ignore_cleanup_errors=True) as folder:
            part = PARTS[name](Path(folder), options)
        keep(part, command_line(), whole=not rows or name != "table")
        if part.failed:
            sys.exit(f"{name}: {', '.join(part.failed)}")


if __name__ == "__main__":
    main()
