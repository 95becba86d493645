"""The soak in small: faults on both sides, and the books are right. Memory is for the long one to tell."""

from __future__ import annotations

from pathlib import Path

from tests.bench.soak import soaked
from tests.conftest import EVERYTHING

OF_THE_LONG_ONE = ("memory is flat", "nothing is left open")


def test_whatever_upstreams_and_callers_do_each_request_is_answered_and_charged_once(tmp_path: Path) -> None:
    _, checks, _ = soaked(tmp_path, 10_000 if EVERYTHING else 800, seed=8, settle=0)
    assert not [check for check in checks if not check.ok and check.name not in OF_THE_LONG_ONE]
