"""A streamed answer that is no stream of events: bytes of any type, passed on as they come."""

from __future__ import annotations

from openopen8.core.config import Settings
from openopen8.core.errors import Problem
from relay.framing import Frame
from relay.neutral import StreamError, Usage
from relay.streaming import Streaming
from relay.ticker import Ticker
from relay.upstream import Answer, Failure


class ByteTap:
    """Hears nothing but that something came, and holds the last byte back; see ``Tap`` for the attributes."""

    usage: Usage | None = None
    error: StreamError | None = None
    stop_seen = False

    def __init__(self) -> None:
        self.text: list[str] = []
        self.finished = False
        self.first_token = False
        self._held = b""

    def plain(self, data: bytes) -> tuple[int, bytes]:
        """Everything passes but for one byte: what a caller holds complete is paid."""
        self.first_token = True
        out, self._held = self._held + data[:-1], data[-1:]
        return len(data), out

    def feed(self, frame: Frame) -> bytes:
        """There are no frames."""
        return b""

    def clear_text(self) -> None:
        """There is no text."""

    def end(self, usage: Usage | None) -> bytes:
        """The byte that was held back."""
        return self._held

    def fail(self, problem: Problem) -> bytes:
        """Bytes have no place for an error: the connection is cut."""
        return b""


class Flowing(Streaming):
    """One such answer. Nothing is written while the provider is silent: a comment would be part of the file."""

    def __init__(self, answer: Answer, settings: Settings, ticker: Ticker) -> None:
        self._bytes = ByteTap()
        super().__init__(answer, self._bytes, settings, ticker, b"")

    def _read(self, data: bytes) -> bytes:
        self._heard = self._clock()
        self._events += 1
        if self.first_token_at is None:
            self.first_token_at = self._heard
        return self.tap.plain(data)[1]

    def _rest(self) -> bytes:
        if not self._events:
            raise Failure("broken", "The provider's answer is empty.")
        self._bytes.finished = True
        return b""
