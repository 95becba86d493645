"""Fuzzes the front door: ``python -m tests.fuzz.front_door [SECONDS] [FOLDER]``.

Any bytes have to lead to the same through both doors and however they are cut. With atheris, where it is installed
(`pip install atheris`), guided by coverage, new inputs kept in FOLDER; else by hypothesis. What is found goes into
``tests/server/door/corpus``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import time
import zlib
from pathlib import Path

from hypothesis import HealthCheck, given, settings

CORPUS = Path(__file__).parents[1] / "server" / "door" / "corpus"
LONGEST = 2000
GUIDING = ["openopen8.server.door", "relay.hot", "relay.routes", "uvicorn.protocols.http.httptools_impl"]
"""Modules whose branches lead the search."""


class Fuzzing:
    """One event loop, and the two doors."""

    def __init__(self) -> None:
        from tests.server.door.twins import Twins, sound

        self._sound = sound
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        # a body that is broken while its request is answered early may be refused or not: no case for comparing
        self._twins = Twins(early=False)

    def one(self, data: bytes) -> None:
        """Raises AssertionError for what the doors disagree about."""
        if b"websocket" in data.lower():  # taken or refused: it depends on whether an answer is due
            return
        chance = random.Random(zlib.crc32(data))
        cuts = [[chance.randrange(1, len(data) + 1) for _ in range(3)] for _ in range(2)] if data else []
        self._sound(self._loop.run_until_complete(self._twins.agreed(data, *cuts)))


def main(seconds: int = 600, folder: str = "") -> None:
    logging.disable(logging.CRITICAL)
    try:
        import atheris
    except ImportError:
        return by_hypothesis(seconds)
    with atheris.instrument_imports(include=GUIDING):
        fuzzing = Fuzzing()
    kept = [folder] if folder else []
    words = f"-dict={Path(__file__).with_suffix('.dict')}"
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-len_control=0", "-timeout=20"]
    atheris.Setup([sys.argv[0], words, *limits, *kept, str(CORPUS)], fuzzing.one)
    atheris.Fuzz()


def by_hypothesis(seconds: int) -> None:
    """Conversations made up from the grammar, for so long."""
    from tests.server.door import made_up

    fuzzing = Fuzzing()
    until = time.monotonic() + seconds

    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(made_up.conversations)
    def some(data: bytes) -> None:
        fuzzing.one(data)

    while time.monotonic() < until:
        some()


if __name__ == "__main__":
    main(*(int(value) if value.isdigit() else value for value in sys.argv[1:]))  # type: ignore[arg-type]
