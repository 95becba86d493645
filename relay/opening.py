"""The opening of a streamed answer, held back until the model says something; one that never does is a failure.

For installations that have ``retry_empty_answers`` on. What comes is read a second time, in the channel's own format,
so that one judgement holds for all formats, until the first event with content; from there on nothing is done for this.
"""

from __future__ import annotations

from collections.abc import Callable

from openopen8.core.config import Settings
from relay.formats.format import Reader, Tap
from relay.framing import Decoder, Frame
from relay.neutral import Begin, Delta, Event, Folding, StreamError, said
from relay.streaming import Streaming
from relay.ticker import Ticker
from relay.upstream import Answer
from relay.upstream.failure import empty

LONGEST = 1024 * 1024
"""Bytes of an opening; a longer one is passed on as it is. First events of Responses repeat instructions and tools."""


class Opening:
    """What has come so far, until something has been ``said``."""

    def __init__(self, decoder: Decoder, reader: Reader) -> None:
        self.said = False
        self.size = 0
        self._decoder = decoder
        self._reader = reader
        self._folding = Folding()

    def feed(self, data: bytes) -> None:
        """Bytes of the provider's. Raises FramingError."""
        self.size += len(data)
        self._read(self._decoder.feed(data))

    @property
    def lasts(self) -> bool:
        """True as long as the caller has to wait."""
        return not self.said and self.size < LONGEST

    def closed(self) -> bool:
        """True where the end has come and nothing was said at all."""
        self._read(self._decoder.close())
        self._take(self._reader.close())
        return self.lasts and self._folding.answer().empty

    def _read(self, frames: list[Frame]) -> None:
        for frame in frames:
            self._take(self._reader.feed(frame))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if not isinstance(event, StreamError):
                self._folding.add(event)
            self.said = self.said or _tells(event)


def _tells(event: Event) -> bool:
    """True for an event with content; signatures and citations alone are judged at the end."""
    if isinstance(event, Begin):
        return not event.part.blank
    return bool(event.text and event.kind != "expires") if isinstance(event, Delta) else bool(said(event))


class Patient(Streaming):
    """A stream that begins with the first word of the model's."""

    def __init__(
        self,
        answer: Answer,
        tap: Tap,
        settings: Settings,
        ticker: Ticker,
        comment: bytes,
        decoder: Callable[[], Decoder],
        reader: Reader,
    ) -> None:
        self._opening = Opening(decoder(), reader)
        super().__init__(answer, tap, settings, ticker, comment, decoder)

    async def begin(self) -> None:
        """Return when there is something to pass on; raises Failure, also where there was nothing at all."""
        await super().begin()
        while self._opening.lasts and not self.over:
            await self._news()
        self._check()
        if self.over and self.tap.error is None and self._opening.closed():
            raise empty()

    def _read(self, data: bytes) -> bytes:
        if self._opening.lasts:
            self._opening.feed(data)
        return super()._read(data)
