"""How channels fare: counts failures in a row, lets tired ones rest, gives each its one trial."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from openopen8.core.rules.routing import Attempt
from openopen8.core.services import channel_health
from openopen8.core.tools import Tools
from relay.upstream import Failure

log = logging.getLogger("openopen8.relay")

OPENS_AFTER = 5
"""Failures in a row, as one worker sees them, that open the breaker."""

REST_MS = 30_000
TRIAL_MS = 60_000
"""How long others wait for the outcome of a trial."""

LIMITED_SECONDS = 3
"""Rest of a key whose provider said 429 without a Retry-After."""

LONGEST_REST_SECONDS = 600

_TIRED = frozenset({"unreachable", "timeout", "broken", "status"})


class Health:
    """One per worker. What it decides is written for all workers, in threads."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._streaks: dict[int, int] = {}

    @property
    def troubled(self) -> bool:
        """True when some channel has failed lately."""
        return bool(self._streaks)

    async def may_try(self, attempt: Attempt) -> bool:
        """False for a channel after its rest whose one trial another request makes."""
        provider = attempt.provider
        if not provider.rest_until:
            return True
        until = self._tools.now() + TRIAL_MS
        return bool(await self._write(channel_health.claim_trial, provider.id, provider.rest_until, until))

    async def succeeded(self, attempt: Attempt) -> None:
        """The channel answered."""
        self._streaks.pop(attempt.provider.id, None)
        if attempt.provider.rest_until:
            await self._write(channel_health.recovered, attempt.provider.id)

    async def failed(self, attempt: Attempt, failure: Failure) -> None:
        """The attempt failed: rest the key, switch it off, or count towards the breaker."""
        provider = attempt.provider
        if failure.kind == "limited":
            seconds = min(failure.retry_after or LIMITED_SECONDS, LONGEST_REST_SECONDS)
            until = self._tools.now() + seconds * 1000
            await self._write(channel_health.rest_key, attempt.key.id, until, failure.message)
        elif failure.kind == "key" and provider.auto_disable:
            await self._write(channel_health.disable_key, provider.id, attempt.key.id, failure.message)
        elif failure.kind in _TIRED or failure.kind == "key":
            await self._count(attempt, failure)
        if provider.rest_until and failure.kind in ("limited", "key", "empty", "other"):
            await self._write(channel_health.recovered, provider.id)  # it is up again, whatever it says

    async def _count(self, attempt: Attempt, failure: Failure) -> None:
        provider = attempt.provider
        streak = self._streaks.get(provider.id, 0) + 1
        self._streaks[provider.id] = streak
        if streak >= OPENS_AFTER or provider.rest_until:
            until = self._tools.now() + REST_MS
            await self._write(channel_health.rest_channel, provider.id, until, f"{streak} failures: {failure.message}")

    async def _write(self, change: Callable[..., Any], *values: Any) -> Any:
        try:
            return await asyncio.to_thread(change, self._tools, *values)
        except Exception as error:  # a request must not fail because its channel's state could not be written
            log.warning("the state of a channel could not be written: %s", type(error).__name__)
            return None
