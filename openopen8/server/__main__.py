"""A child of the supervisor: `python -m openopen8.server <part> <name> <lifeline> …`; not for people."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from shutil import rmtree

from openopen8.core.config import load_settings
from openopen8.core.errors import Problem
from openopen8.server import journal, lifeline


def main(arguments: list[str]) -> int:
    part, name, pipe, *rest = arguments
    journal.begin(name, load_settings().log_level)
    if part == "compile":
        lifeline.hold_on_to(int(pipe), at_end=_end_group)
        return _compile()
    if part == "relay":
        from openopen8.server import worker

        dashboard_socket = Path(rest[1])
        # the supervisor can't any more, when this runs
        lifeline.hold_on_to(int(pipe), at_end=lambda: rmtree(dashboard_socket.parent, ignore_errors=True))
        worker.run(int(rest[0]), dashboard_socket)
    else:
        from openopen8.server import dashboard

        lifeline.hold_on_to(int(pipe))

        dashboard.run(int(rest[0]))
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
