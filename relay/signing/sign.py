"""What signs a request, and what it may need for that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from relay.signing.tokens import Tokens
from relay.upstream import Outgoing, Upstream


@dataclass(frozen=True, slots=True)
class Means:
    """``now`` in ms since 1970; ``proxy`` is that of the channel, which what is fetched goes through, too."""

    upstream: Upstream
    tokens: Tokens
    now: Callable[[], int]
    proxy: str = field(default="", repr=False)


Sign = Callable[[Outgoing, str, Means], Awaitable[Outgoing]]
"""``(request, key, means)`` → the request with its proof. Raises Failure."""
