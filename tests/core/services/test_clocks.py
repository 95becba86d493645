"""A machine whose clock is wrong, on a database that other machines use."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from openopen8.core.clock import SetClock
from openopen8.core.errors import Problem
from openopen8.core.services import clocks
from openopen8.core.tools import Tools


def off_by(tools: Tools, seconds: float) -> Tools:
    return replace(tools, clock=SetClock(round((time.time() + seconds) * 1000)))


def test_a_clock_that_agrees_is_not_worth_a_word(postgres_tools: Tools) -> None:
    assert clocks.check(off_by(postgres_tools, 0)) == ""


@pytest.mark.parametrize(("seconds", "side"), [(8, "ahead of"), (-8, "behind")])
def test_a_clock_that_is_off_is_told(postgres_tools: Tools, seconds: int, side: str) -> None:
    assert f" s {side} the database's. Rate limits" in clocks.check(off_by(postgres_tools, seconds))


@pytest.mark.parametrize("seconds", [60, -60])
def test_a_clock_that_is_far_off_does_not_serve(postgres_tools: Tools, seconds: int) -> None:
    with pytest.raises(Problem, match=r"Set it \(NTP\), then start again"):
        clocks.check(off_by(postgres_tools, seconds))


def test_sqlite_has_the_machines_own_clock(sqlite_tools: Tools) -> None:
    assert clocks.check(off_by(sqlite_tools, 3600)) == ""
