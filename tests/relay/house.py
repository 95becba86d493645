"""What most tests of the relay start from: one user, channel, price and token, and a fake provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from openopen8.core.clock import SetClock
from openopen8.core.models import Hold, LogEntry
from openopen8.core.rules.roles import Actor
from openopen8.core.tools import Tools
from relay.app import Relay
from tests.fakes.upstream import FakeUpstream
from tests.relay.driving import Caller
from tests.relay.wire import Lobby
from tests.world import World


@dataclass
class House:
    """Everything that a test of the relay needs, with one channel, one price and one token."""

    world: World
    relay: Relay
    fake: FakeUpstream
    user: Actor
    token_id: int
    key: str
    channel_id: int
    clock: SetClock
    tools: Tools
    lobby: Lobby | None = None
    """Where callers come in: at the HTTP protocol, or (None) as through an ASGI server."""

    @property
    def caller(self) -> Caller:
        return Caller(self.relay, self.key, lobby=self.lobby)

    def entry(self) -> LogEntry:
        """The one log entry."""
        (entry,) = self.world.log()
        return entry

    def settled(self) -> None:
        """No hold is left, the books are right."""
        assert self.world.all(Hold) == []
        self.world.audit()

    async def calm(self) -> None:
        """All that left has been settled. A request that ends may leave its hold on the way into the database; who
        asks for a list afterwards is answered after that, for the ledger takes all in their order.
        """
        assert (await self.caller.get("/v1/models")).status == 200
        while self.world.all(Hold):
            await asyncio.sleep(0.01)

    def other_caller(self, **fields: Any) -> Caller:
        return Caller(self.relay, self.world.token(self.user, **fields)[1], lobby=self.lobby)


Build = Callable[..., Awaitable[House]]
