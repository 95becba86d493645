"""Access tokens that live for a while: kept, renewed before they end, each by one request at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from relay.upstream import Failure

EARLY_MS = 300_000
"""How long before its end a token is renewed, beside the requests that go on with the old one."""

LAST_MS = 30_000
"""How long before its end a token is used no more: a request takes its time to arrive."""

AGAIN_MS = 5_000
"""Pause after a renewal that failed while the old token still serves."""

MOST = 1_000
"""Tokens that are kept; then all are forgotten."""

LONGEST_FETCH = 30.0
"""Seconds that a token may take to come."""


@dataclass(frozen=True, slots=True)
class Token:
    """``ends`` is in ms since 1970."""

    value: str
    ends: int

    def __repr__(self) -> str:
        return f"Token(ends={self.ends})"


Fetch = Callable[[], Awaitable[Token]]
"""Raises Failure."""


class Tokens:
    """One per worker. What a key was is known by its hash alone."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._kept: dict[bytes, Token] = {}
        self._renewals: dict[bytes, asyncio.Task[Token]] = {}
        self._not_before: dict[bytes, int] = {}

    async def get(self, key: str, fetch: Fetch) -> str:
        """The token of ``key``; raises Failure. Whoever leaves while it is fetched spoils it for nobody."""
        place, now = _place(key), self._now()
        kept = self._kept.get(place)
        if kept is not None and now < kept.ends - EARLY_MS:
            return kept.value
        if kept is not None and now < kept.ends - LAST_MS:
            if now >= self._not_before.get(place, 0):
                self._renewal(place, fetch)
            return kept.value
        return (await asyncio.shield(self._renewal(place, fetch))).value

    def refused(self, key: str, value: str) -> bool:
        """The vendor does not take the token ``value`` of ``key``: it has ended. False where ``key`` has no tokens.

        Many hear it at once: the first ends the token, the others wait for the same new one, or find it there.
        """
        place = _place(key)
        kept = self._kept.get(place)
        if kept is not None and kept.value == value:
            self._kept[place] = Token(value, 0)
        return kept is not None

    def _renewal(self, place: bytes, fetch: Fetch) -> asyncio.Task[Token]:
        """The renewal under way, or a new one."""
        task = self._renewals.get(place)
        if task is None:
            task = self._renewals[place] = asyncio.ensure_future(_fetched(fetch))
            task.add_done_callback(lambda done: self._renewed(place, done))
        return task

    def _renewed(self, place: bytes, done: asyncio.Task[Token]) -> None:
        del self._renewals[place]
        if done.cancelled() or done.exception() is not None:  # told to those who wait for it, kept for nobody
            self._not_before[place] = self._now() + AGAIN_MS
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
            self._not_before.clear()
        self._kept[place] = done.result()


async def _fetched(fetch: Fetch) -> Token:
    try:
        async with asyncio.timeout(LONGEST_FETCH):
            return await fetch()
    except TimeoutError:
        raise Failure("timeout", "The provider gave no access token in time.") from None


def _place(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
