"""The child processes by name, and how each is started: `python -m openopen8.server <part> …`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from openopen8.server.seats import Seats

SERVED = "OPENOPEN8_SERVED"
"""Set in the dashboard process of `openopen8 serve`: relay and API are elsewhere then."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of child: ``kind`` for us, ``name`` for people, its arguments, the file descriptors that it inherits."""

    kind: str
    name: str
    lifeline: int
    arguments: tuple[str, ...] = ()
    inherited: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    seats: Seats | None = None

    def command(self, wire: int, seat: int | None) -> list[str]:
        given = (self.kind, self.name, str(self.lifeline), str(wire), *self.arguments)
        return [sys.executable, "-m", "openopen8.server", *given, *(() if seat is None else (str(seat),))]

    def descriptors(self, wire: int) -> tuple[int, ...]:
        return (self.lifeline, wire, *self.inherited)

    def variables(self) -> dict[str, str]:
        return os.environ | dict(self.environment)


def relay_part(number: int, listener: int, lifeline: int, dashboard: str, seats: Seats, env: Mapping[str, str]) -> Part:
    arguments = (str(listener), dashboard, str(seats.fileno()))
    return Part("relay", f"relay-{number}", lifeline, arguments, (listener, seats.fileno()), env, seats)


def dashboard_part(listener: int, lifeline: int, env: Mapping[str, str]) -> Part:
    return Part("dashboard", "dashboard", lifeline, (str(listener),), (listener,), env)


def compile_part(lifeline: int, env: Mapping[str, str]) -> Part:
    return Part("compile", "compile", lifeline, environment=env)


def supervise_command(listener: int, chosen: Mapping[str, object], may_compile: str) -> list[str]:
    """The supervisor; ``chosen`` are the settings that the command line said, which win over the environment."""
    return [sys.executable, "-m", "openopen8.server", "supervise", str(listener), json.dumps(chosen), may_compile]
