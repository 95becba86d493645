"""A child of the supervisor: `python -m openopen8.server <part> <name> <lifeline> <wire> …`; not for people."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from shutil import rmtree

from openopen8.core.config import load_settings
from openopen8.core.errors import Problem
from openopen8.server import journal, lifeline
from openopen8.server.wire import FAILED, Wire


def main(arguments: list[str]) -> int:
    part, name, pipe, end, *rest = arguments
    wire = Wire(int(end))
    try:
        return _run(part, name, int(pipe), wire, rest)
    except Exception as error:
        wire.say(FAILED, journal.reason(error))
        raise


def _run(part: str, name: str, pipe: int, wire: Wire, rest: list[str]) -> int:
    journal.begin(name, load_settings().log_level)
    if part == "compile":
        lifeline.hold_on_to(pipe, at_end=_end_group)
        return _compile()
    if part == "relay":
        from openopen8.server import worker

        listener, path, seats, seat = rest
        # the supervisor can't any more, when this runs
        lifeline.hold_on_to(pipe, at_end=lambda: rmtree(Path(path).parent, ignore_errors=True))
        worker.run(int(listener), Path(path), wire, (int(seats), int(seat)))
    else:
        from openopen8.server import dashboard

        lifeline.hold_on_to(pipe)
        dashboard.run(int(rest[0]), wire)
    return 0


def _compile() -> int:
    from openopen8.server.compiler import compile_dashboard

    try:
        compile_dashboard(lambda line: print(line, file=sys.stderr, flush=True))
    except Problem as problem:
        print(problem.message, file=sys.stderr, flush=True)
        return 1
    return 0


def _end_group() -> None:
    """Node and npm are grandchildren: they end with the group that the supervisor started."""
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
