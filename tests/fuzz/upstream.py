"""Feeds made-up answers to the fast client for as long as one likes.

    python -m tests.fuzz.upstream [FOLDER] [-max_total_time=600] [...]

With atheris (coverage-guided, libFuzzer's options; new inputs go to FOLDER) where it is installed, else by chance.
Each input is cut in pieces and given to a connection; whatever it is, the client must end properly, say the same
however it was cut, never use a connection again that it can't trust, and agree with h11 on what both accept.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parents[1] / "relay" / "upstream" / "corpus"
METHODS = ("POST", "GET", "HEAD")

loop = asyncio.new_event_loop()


def check(data: bytes) -> None:
    """One input: how it is cut, the method, then the answer's bytes."""
    from tests.relay.upstream.reference import reference
    from tests.relay.upstream.wire import consistent

    cuts, method, raw = data[:4], METHODS[(data[4:5] or b"\0")[0] % 3], data[5:]

    async def run() -> None:
        found = consistent(raw, [cut * max(1, len(raw) // 256) for cut in cuts], method)
        if not found.failed and not any(name == "content-encoding" for name, _ in found.headers):
            other = reference(raw, method)
            assert other is None or other == (found.status, found.body), (other, found)

    loop.run_until_complete(run())


def seeds() -> list[bytes]:
    return [bytes([7, 60, 120, 200, 0]) + path.read_bytes() for path in sorted(CORPUS.glob("*/*.http"))]


def guided(arguments: list[str]) -> None:
    """Until libFuzzer stops."""
    import atheris

    with atheris.instrument_imports(include=["relay.upstream"]):
        import relay.upstream.http1  # noqa: F401
    folder = Path(tempfile.mkdtemp(prefix="openopen8-fuzz-"))
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments, str(folder)], check)
    atheris.Fuzz()


def by_chance(seconds: float) -> None:
    """Broken copies of the corpus."""
    from tests.relay.upstream.test_generated import changed

    known, rng, end, count = seeds(), random.Random(), time.monotonic() + seconds, 0
    pieces = [
        b"\r\n",
        b"\n",
        b"0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"content-length: 3\r\n",
        b"\x00",
        b"5\r\nhello\r\n",
    ]
    while time.monotonic() < end:
        kinds: list[Any] = ["set", "insert", "delete", "repeat"]
        changes = [
            (rng.choice(kinds), rng.randrange(10_000), rng.choice([*pieces, rng.randbytes(rng.randint(1, 3))]))
            for _ in range(rng.randint(1, 5))
        ]
        check(changed(rng.choice(known), changes))
        count += 1
    print(f"{count:,} inputs, no finding")


if __name__ == "__main__":
    try:
        guided(sys.argv[1:])
    except ImportError:
        times = [float(word.partition("=")[2]) for word in sys.argv[1:] if word.startswith("-max_total_time=")]
        by_chance(times[0] if times else 600.0)
