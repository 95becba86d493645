"""What a provider's answer is once it has begun: complete, or a stream on its way."""

from __future__ import annotations

import msgspec

from relay.caller import Pairs
from relay.metering import Measured
from relay.streaming import Streaming


class Whole(msgspec.Struct, frozen=True, gc=False):
    """A complete answer in the caller's format, and what it came to."""

    body: bytes
    measured: Measured
    pairs: Pairs
    losses: tuple[str, ...] = ()
    kind: bytes = b"application/json"
    """Its Content-Type."""


class Later(msgspec.Struct, frozen=True, gc=False):
    """A task that was begun, whose caller waits for its end. It is charged now."""

    body: bytes
    """What its caller would be told now."""
    stream: bool
    pairs: Pairs
    losses: tuple[str, ...] = ()


class Begun(msgspec.Struct, frozen=True):
    """A stream whose first event is no error."""

    stream: Streaming
    pairs: Pairs
    losses: tuple[str, ...] = ()
    kind: bytes = b""
    """The Content-Type of a stream that is no stream of events: it has no way to end in an error."""


Answered = Whole | Begun | Later
"""What there is to deliver."""
