"""A stream whose caller speaks another format than its channel: reader, events, writer."""

from __future__ import annotations

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats.format import Reader, Writer
from relay.framing import Frame
from relay.neutral import Event, StreamError, Usage, UsageReport, said


class Converting:
    """Looks like the tap of a stream that passes through; see ``Tap`` for the attributes."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self.usage: Usage | None = None
        self.text: list[str] = []
        self.error: StreamError | None = None
        self.first_token = False
        self.finished = False
        self.stop_seen = False
        self._reader = reader
        self._writer = writer

    def plain(self, data: bytes) -> tuple[int, bytes]:
        """Nothing passes as it is."""
        return 0, b""

    def feed(self, frame: Frame) -> bytes:
        """The caller's bytes for one frame of the upstream."""
        return self._written(self._reader.feed(frame))

    def drain(self) -> bytes:
        """The caller's bytes for what the end of the upstream's bytes adds."""
        return self._written(self._reader.close())

    @property
    def losses(self) -> tuple[str, ...]:
        """What came and could not be expressed in the caller's format so far."""
        return tuple(self._writer.losses)

    def clear_text(self) -> None:
        """Drops the text that has been counted."""
        self.text.clear()

    def end(self, usage: Usage | None) -> bytes:
        """The ending events in the caller's format; an upstream may have gone silent without closing."""
        ending = self.drain()
        known = usage if self.usage is None or self.usage.partial else self.usage
        return ending + self._writer.end(known or Usage(Counts()))

    def fail(self, problem: Problem) -> bytes:
        """The caller's own error event."""
        return self._writer.fail(problem)

    def _written(self, events: list[Event]) -> bytes:
        out = []
        for event in events:
            if isinstance(event, StreamError):
                self.error = event
                break
            self._hear(event)
            out.append(self._writer.feed(event))
        self.finished, self.stop_seen = self._reader.finished, self._reader.stop_seen
        return b"".join(out)

    def _hear(self, event: Event) -> None:
        if isinstance(event, UsageReport):
            self.usage = event.usage
        elif text := said(event):
            self.text.append(text)
            self.first_token = True
