"""The supervisor, and its children: `python -m openopen8.server <part> …`, see `parts.py`; not for people."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from shutil import rmtree

from openopen8.core.config import Settings, load_settings
from openopen8.core.errors import Problem
from openopen8.server import journal, lifeline
from openopen8.server.wire import FAILED, Wire


def main(arguments: list[str]) -> int:
    if arguments[0] == "supervise":
        return _supervise(*arguments[1:])
    part, name, pipe, end, *rest = arguments
    wire = Wire(int(end))
    try:
        return _run(part, name, int(pipe), wire, rest)
    except Exception as error:
        wire.say(FAILED, journal.reason(error))
        raise


def _supervise(listener: str, chosen: str, may_compile: str) -> int:
    from openopen8.server import supervisor

    def load() -> Settings:
        return load_settings(**json.loads(chosen))

    journal.begin("serve", load().log_level)
    supervisor.run(load, socket.socket(fileno=int(listener)), _say, may_compile == "yes")
    return 0


def _run(part: str, name: str, pipe: int, wire: Wire, rest: list[str]) -> int:
    journal.begin(name, load_settings().log_level)
    if part == "compile":
        lifeline.hold_on_to(pipe, at_end=_end_group)
        return _compile()
    if part == "relay":
        sys.modules["httpx._main"] = None  # type: ignore[assignment]  # httpx's command line: 4 MB and 0.1 s
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
        compile_dashboard(_say)
    except Problem as problem:
        _say(problem.message)
        return 1
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _end_group() -> None:
    """Node and npm are grandchildren: they end with the group that the supervisor started."""
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
