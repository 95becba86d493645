"""The long-lived tools of a relay worker, as one value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from openopen8.core.config import Settings
from openopen8.core.rules.routing import Random
from openopen8.core.services.ledger import Ledger
from openopen8.core.tools import Tools
from relay.health import Health
from relay.room import Room
from relay.signer import Signer
from relay.templates import Templates
from relay.ticker import Ticker
from relay.upstream import Upstream
from relay.upstream.sockets import Sockets


class Turns:
    """Counts the turns of each channel on this worker."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def __call__(self, channel_id: int) -> int:
        self._counts[channel_id] += 1
        return self._counts[channel_id] - 1


@dataclass(frozen=True, slots=True)
class Gate:
    """Made when the worker starts; every request gets the same one."""

    tools: Tools
    ledger: Ledger
    upstream: Upstream
    abroad: Upstream
    """For addresses that a provider names: never private ones."""
    health: Health
    random: Random
    turns: Turns
    ticker: Ticker
    room: Room
    disk: Room
    """For uploads."""
    templates: Templates
    sockets: Sockets
    signer: Signer
    clock: Callable[[], float]
    """``loop.time``"""

    @property
    def settings(self) -> Settings:
        return self.tools.settings
