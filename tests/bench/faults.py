"""An upstream with faults: ``python -m tests.bench.faults PORT SEED``. SEED draws what it does."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from typing import Any

import uvloop

from tests.bench.answers import Script
from tests.bench.mock import missing, path_of

LONGEST = 20
"""Pieces of a stream: there are many."""
GARBAGE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 6\r\n\r\n<html>"


class Unsteady(asyncio.Protocol):
    """One connection."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._data = b""
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    def data_received(self, data: bytes) -> None:
        self._data += data
        if missing(self._data) == 0:
            request, self._data = self._data, b""
            answers, streams = path_of(request[: request.find(b"\r")])
            streams = streams or b'"stream":true' in request or b'"stream": true' in request
            deed = self._chance.choices(DEEDS, WEIGHTS)[0]
            deed(self, answers, _stream(answers) if streams else answers.whole)

    def answer(self, _script: Script, whole: bytes) -> None:
        self._transport.write(whole)

    def in_pieces(self, _script: Script, whole: bytes) -> None:
        """Cut at some byte; the rest a moment later."""
        cut = self._chance.randrange(1, len(whole))
        self._transport.write(whole[:cut])
        self._later(self._chance.uniform(0, 0.02), lambda: self._transport.write(whole[cut:]))

    def slow(self, _script: Script, whole: bytes) -> None:
        self._later(self._chance.uniform(0.05, 0.3), lambda: self._transport.write(whole))

    def error(self, _script: Script, _whole: bytes) -> None:
        self._transport.write(_problem(self._chance.choice((500, 502, 503))))

    def limit(self, _script: Script, _whole: bytes) -> None:
        self._transport.write(_problem(429, "retry-after: 1\r\n"))

    def garbage(self, answers: Script, whole: bytes) -> None:
        if whole is answers.whole:
            self._transport.write(GARBAGE)
        else:
            self._transport.write(answers.head + b"7\r\ndata: {\r\n" + b"2\r\n\n\n\r\n" + b"0\r\n\r\n")

    def cut(self, _script: Script, whole: bytes) -> None:
        """Hang up in the middle."""
        self._transport.write(whole[: self._chance.randrange(1, len(whole))])
        self._transport.close()

    def close(self, _script: Script, _whole: bytes) -> None:
        """Hang up without a word, as with a connection that was kept too long."""
        self._transport.close()

    def hang(self, _script: Script, whole: bytes) -> None:
        """Stop somewhere and say nothing more."""
        self._transport.write(whole[: self._chance.choice((0, len(whole) // 2))])

    def _later(self, seconds: float, deed: Callable[[], None]) -> None:
        self._waiting = asyncio.get_running_loop().call_later(seconds, deed)


_ODDS: dict[Callable[[Unsteady, Script, bytes], None], int] = {
    Unsteady.answer: 7_600,
    Unsteady.in_pieces: 1_500,
    Unsteady.slow: 100,
    Unsteady.error: 300,
    Unsteady.cut: 200,
    Unsteady.close: 200,
    Unsteady.garbage: 90,
    Unsteady.limit: 8,
    Unsteady.hang: 2,
}
"""Of 10,000 requests. A key that is limited rests a second, a caller that is left hanging waits for the time-out."""
DEEDS, WEIGHTS = tuple(_ODDS), tuple(_ODDS.values())


def _stream(answers: Script) -> bytes:
    return answers.head + b"".join(answers.pieces[:LONGEST]) + answers.tail


def _problem(status: int, headers: str = "") -> bytes:
    body = b'{"error":{"message":"a fault","type":"server_error","code":"fault"}}'
    return f"HTTP/1.1 {status} Fault\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body


async def main(port: int, seed: int) -> None:
    chance = random.Random(seed)
    server = await asyncio.get_running_loop().create_server(lambda: Unsteady(chance), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
