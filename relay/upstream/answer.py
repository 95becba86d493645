"""What a provider's answer is to the rest of the relay, however it was fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from relay.upstream.failure import Failure
from relay.upstream.outgoing import Outgoing

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of a whole answer; more is a broken upstream."""

LARGEST_ERROR = 64 * 1024
"""Bytes of an error body that are read."""


class Sink(Protocol):
    """Who listens to a streamed answer. Called in the event loop; must not raise."""

    def data(self, data: bytes) -> None:
        """Bytes of the body, joined once per read of the socket."""

    def end(self, failure: Failure | None) -> None:
        """Nothing more is to come. Called exactly once, unless ``close()`` came first."""


class Answer(Protocol):
    """A provider's answer, whose head is there. Either ``read`` or ``flow``, in the end ``close``."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""

    async def read(self, limit: int) -> bytes:
        """The whole body, if it has at most ``limit`` bytes; without waiting when it is there. Raises Failure."""

    def flow(self, sink: Sink) -> None:
        """From now on push; what has come already is given to the sink at once, inside this call."""

    def pause(self) -> None:
        """Read no more from the provider, which then has to wait. The idle timeout stands still."""

    def resume(self) -> None:
        """Read on after ``pause``."""

    def finish(self) -> None:
        """Instead of ``close``, for an answer whose last bytes are about to come: they get a moment, so that the
        connection can be used again. The sink hears no more."""

    def close(self) -> None:
        """Give the connection back when the answer was read to its end, else cut it. The sink hears no more."""


class Upstream(Protocol):
    """How providers are called."""

    async def send(self, outgoing: Outgoing) -> Answer:
        """The answer's head; raises Failure."""

    async def close(self) -> None:
        """Cut what is open."""
