"""The child processes by name, and how each is started: `python -m openopen8.server <part> <fd>…`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

SERVED = "OPENOPEN8_SERVED"
"""Set in the dashboard process of `openopen8 serve`: relay and API are elsewhere then."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of child: ``name`` for people, its arguments, the file descriptors that it inherits."""

    name: str
    arguments: tuple[str, ...]
    inherited: tuple[int, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "openopen8.server", *self.arguments]

    def variables(self) -> dict[str, str]:
        return os.environ | dict(self.environment)


def relay_part(number: int, listener: int, lifeline: int, dashboard_path: str, env: Mapping[str, str]) -> Part:
    name = f"relay-{number}"
    return Part(name, ("relay", name, str(lifeline), str(listener), dashboard_path), (listener, lifeline), env)


def dashboard_part(listener: int, lifeline: int, env: Mapping[str, str]) -> Part:
    name = "dashboard"
    return Part(name, ("dashboard", name, str(lifeline), str(listener)), (listener, lifeline), env)


def compile_part(lifeline: int, env: Mapping[str, str]) -> Part:
    return Part("compile", ("compile", "compile", str(lifeline)), (lifeline,), env)
