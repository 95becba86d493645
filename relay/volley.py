"""Several requests that make one answer, within one attempt: pictures drawn one by one, texts that are read singly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from relay.upstream import LARGEST_ANSWER, Answer, Outgoing, Sink, too_large

AT_ONCE = 4
"""Requests of one volley that are under way together."""


class Came(NamedTuple):
    """One answer: its headers, in lower case, and its body."""

    headers: Mapping[str, str]
    body: bytes


Joined = Callable[[Sequence[Came]], bytes]
"""From all answers, in the order of their requests, to one. Raises Garbage."""


@dataclass(frozen=True, slots=True)
class Volley:
    """The requests. ``lenient``: what came is an answer, whatever became of the others."""

    requests: tuple[Outgoing, ...]
    joined: Joined
    lenient: bool = False


class Joint:
    """What came of a volley, as one answer that has come whole; see ``Answer``."""

    status = 200
    headers: Mapping[str, str] = {"content-type": "application/json"}

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self, limit: int) -> bytes:
        """All of it."""
        return self._body

    def flow(self, sink: Sink) -> NoReturn:
        """A volley is no stream."""
        raise RuntimeError("a volley is no stream")

    def pause(self) -> None:
        """Nothing is to come."""

    def resume(self) -> None:
        """Nothing is to come."""

    def finish(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""


async def fired(
    volley: Volley, send: Callable[[Outgoing], Awaitable[Answer]], check: Callable[[Answer], Awaitable[None]]
) -> list[Came]:
    """All answers; raises what the first one that failed raised, at once unless the volley is lenient.

    ``check`` raises for an answer that is none.
    """
    room, taken = asyncio.Semaphore(AT_ONCE), 0

    async def one(outgoing: Outgoing) -> Came:
        nonlocal taken
        async with room:
            answer = await send(outgoing)
            try:
                await check(answer)
                body = await answer.read(LARGEST_ANSWER - taken)
            finally:
                answer.close()
            taken += len(body)
            if taken > LARGEST_ANSWER:
                raise too_large()
            return Came(answer.headers, body)

    running = [asyncio.ensure_future(one(outgoing)) for outgoing in volley.requests]
    until = asyncio.ALL_COMPLETED if volley.lenient else asyncio.FIRST_EXCEPTION
    try:
        await asyncio.wait(running, return_when=until)
    finally:
        for task in running:
            task.cancel()
        ended = await asyncio.gather(*running, return_exceptions=True)
    return _of(volley, ended)


def _of(volley: Volley, ended: Sequence[Came | BaseException]) -> list[Came]:
    came = [one for one in ended if isinstance(one, Came)]
    if len(came) == len(ended) or (came and volley.lenient):
        return came
    failed = [one for one in ended if isinstance(one, BaseException)]
    raise next((error for error in failed if not isinstance(error, asyncio.CancelledError)), failed[0])
