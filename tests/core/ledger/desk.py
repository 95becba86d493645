"""A ledger with a world around it, and short words for what its tests do."""

from __future__ import annotations

import pytest

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask, Grant
from openopen8.core.rules.pricing import Counts, price_of
from openopen8.core.services.ledger import Bill, Ledger
from openopen8.core.tools import Tools
from tests.world import World


class Desk:
    """A ledger with a world around it, and short words for what tests do."""

    def __init__(self, tools: Tools, ledger: Ledger) -> None:
        self.tools, self.ledger, self.world = tools, ledger, World(tools)

    def ask(self, value: str | None, **fields: object) -> Ask:
        key = self.tools.keyring.hash(value) if value else None
        values: dict[str, object] = {
            "request_id": self.ledger.next_request_id(),
            "key_hash": key,
            "address": "203.0.113.9",
            "started_at": self.tools.now(),
            "model": "m",
            "path": "/v1/chat/completions",
            "input_tokens": 100,
            "max_output": 100,
        }
        return Ask(**{**values, **fields})  # type: ignore[arg-type]

    async def admit(self, value: str | None, **fields: object) -> Grant:
        return await self.ledger.admit(self.ask(value, **fields))

    def bill(self, grant: Grant, counts: Counts, status: int = 200) -> Bill:
        return Bill(grant, counts, price_of(counts, grant.price, grant.ratio), status, channel_id=1, latency_ms=5)

    async def spend(self, value: str, input: int, output: int) -> int:
        grant = await self.admit(value, input_tokens=input, max_output=output or 1)
        settled = await self.ledger.settle(self.bill(grant, Counts(input=input, output=output)))
        return settled.credits

    async def refusal(self, value: str | None, **fields: object) -> Problem:
        with pytest.raises(Problem) as caught:
            await self.admit(value, **fields)
        return caught.value
