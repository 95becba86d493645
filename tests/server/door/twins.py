"""Both doors over connections without sockets: the same bytes, cut anywhere, have to lead to the same."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httptools
import uvicorn
from uvicorn.server import ServerState

from openopen8.server import door
from tests.relay.wire import Line
from tests.server.door.echo import Echo

REFUSAL = b'\r\nconnection: close\r\n\r\n{"error"'
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TURNS = 12
"""Turns of the event loop after which nothing more happens by itself."""


@dataclass(frozen=True)
class Outcome:
    """What came back, whether the connection was closed, and which requests the application saw.

    ``continued`` says whether a 100 came, which depends on when the body came.
    """

    written: bytes
    closed: bool
    seen: tuple[str, ...]
    continued: bool = field(compare=False)

    @property
    def refused(self) -> Outcome:
        """Without the reason of a refusal: of a head that is malformed and too large, either may be seen first."""
        answers, mark, reason = self.written.partition(REFUSAL)
        return replace(self, written=answers.rpartition(b"HTTP/1.1 ")[0] + mark if reason else answers)


class Twins:
    """An echo behind the hot door and one behind ASGI. ``limits`` as in ``door.options``, ``early`` as in ``Echo``."""

    def __init__(self, early: bool = True, **limits: Any) -> None:
        self.hot = _Side(Echo(early), True, limits)
        self.asgi = _Side(Echo(early), False, limits)

    async def agreed(self, data: bytes, *ways: Sequence[int]) -> Outcome:
        """What both doors make of ``data`` in one piece, and, each the same, cut in each of these ways."""
        told = await self._same([data], False)
        for cuts in ways:
            for hasty in (False, True):
                found = await self._same(pieces := pieces_of(data, cuts), hasty)
                assert found.refused == told.refused, (pieces, hasty, found, told)
        return told

    async def _same(self, pieces: Sequence[bytes], hasty: bool) -> Outcome:
        hot, asgi = await self.hot.told(pieces, hasty), await self.asgi.told(pieces, hasty)
        assert hot == asgi, (pieces, hasty, hot, asgi)
        return hot


class _Side:
    def __init__(self, echo: Echo, hot: bool, limits: dict[str, Any]) -> None:
        self.echo = echo
        relay = echo if hot else None
        self.config = uvicorn.Config(self.echo, **door.options(relay, **limits))
        self.config.load()
        self.state = ServerState()

    async def told(self, pieces: Sequence[bytes], hasty: bool = False) -> Outcome:
        """One connection's story. ``hasty``: the pieces come without a turn of the loop between them."""
        written: list[bytes] = []
        self.echo.seen.clear()
        line = Line("192.0.2.1", written.append)
        protocol: Any = self.config.http_protocol_class(
            config=self.config, server_state=self.state, app_state={}, _loop=asyncio.get_running_loop()
        )
        protocol.connection_made(line)
        line.lost = protocol.connection_lost
        for piece in pieces:
            while not line.reading.is_set() and not line.closed:
                await asyncio.sleep(0)
            if line.closed:
                break
            protocol.data_received(piece)
            if not hasty:
                await turns()
        await self._rest(written)
        closed = line.closed
        line.close()
        await self._rest(written)
        final = b"".join(written).replace(CONTINUE, b"")
        return Outcome(final, closed, tuple(self.echo.seen), CONTINUE in written)

    async def _rest(self, written: list[bytes]) -> None:
        """Until nothing happens any more."""
        seen = -1
        while seen != (seen := len(written) + len(self.echo.seen)):
            await turns()


async def turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


def pieces_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """``data`` cut at these places."""
    places = sorted({0, len(data), *(cut for cut in cuts if 0 < cut < len(data))})
    return [data[a:b] for a, b in itertools.pairwise(places)]


class _Answers:
    def __init__(self) -> None:
        self.count = 0

    def on_message_complete(self) -> None:
        self.count += 1


def sound(outcome: Outcome) -> None:
    """The answers are whole and in order: one for each request that was seen, and a refusal at the most."""
    answers = _Answers()
    refused = REFUSAL in outcome.written
    if not any(seen.startswith("HEAD ") for seen in outcome.seen):
        httptools.HttpResponseParser(answers).feed_data(outcome.written)
        assert answers.count == len(outcome.seen) + refused, outcome
    if refused:
        assert outcome.closed
