"""A streamed answer on its way: upstream bytes in, caller's bytes out, and when it is over."""

from __future__ import annotations

import asyncio
import contextlib

from openopen8.core.config import Settings
from relay.conversion import Converting
from relay.flow import Flow
from relay.formats.format import Tap
from relay.framing import SSE, FramingError
from relay.upstream import Failure

QUIET = 5.0
"""Seconds of silence after the finish reason that end a stream whose upstream forgot its ending event."""


class Streaming:
    """One streamed answer. ``tap`` listens; ``over`` is True once nothing more is to come."""

    def __init__(self, flow: Flow, tap: Tap, settings: Settings) -> None:
        self.tap = tap
        self.over = False
        self._flow = flow
        self._decoder = SSE()
        self._idle = settings.streaming_timeout
        self._heard = asyncio.get_running_loop().time()
        self._events = 0

    @property
    def begun(self) -> bool:
        """True once the upstream sent an event."""
        return self._events > 0

    async def read(self, within: float) -> bytes | None:
        """The caller's bytes for what came; None when nothing came ``within`` (seconds). Raises Failure."""
        left = self._left()
        try:
            data = await self._flow.next(min(within, left))
        except TimeoutError:
            return self._silent() if self._left() <= 0.002 else None
        except Failure:
            if self.tap.stop_seen:  # all that matters is there
                self.over = True
                return b""
            raise
        if data is None:
            return self._ended()
        return self._heard_of(data)

    async def close(self) -> None:
        """Stop the upstream; one that has just ended gets a moment, so that its connection can be used again."""
        if self.tap.finished:
            with contextlib.suppress(TimeoutError, Failure):
                await self._flow.next(0.2)
        await self._flow.close()

    def _left(self) -> float:
        limit = min(QUIET, self._idle) if self.tap.stop_seen else self._idle
        return self._heard + limit - asyncio.get_running_loop().time()

    def _silent(self) -> bytes:
        if not self.tap.stop_seen:
            raise Failure("timeout", "The provider stopped sending.")
        self.over = True
        return b""

    def _heard_of(self, data: bytes) -> bytes:
        try:
            frames = self._decoder.feed(data)
        except FramingError:
            raise Failure("broken", "The provider sent an event that is too large.") from None
        if frames:  # comments are no sign of life
            self._heard = asyncio.get_running_loop().time()
            self._events += len(frames)
        out = [self.tap.feed(frame) for frame in frames]
        self.over = self.tap.finished or self.tap.error is not None
        return b"".join(out)

    def _ended(self) -> bytes:
        frames = self._decoder.close()
        self._events += len(frames)
        out = [self.tap.feed(frame) for frame in frames]
        if isinstance(self.tap, Converting) and self.tap.error is None:
            out.append(self.tap.drain())
        if not (self.tap.finished or self.tap.stop_seen or self.tap.error):
            raise Failure("broken", "The provider's answer ended in the middle.")
        self.over = True
        return b"".join(out)
