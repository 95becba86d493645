"""What one session has come to: a hold for the next response, a charge and a log entry for each that is over."""

from __future__ import annotations

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask, price_for
from openopen8.core.rules.pricing import Counts, Price
from openopen8.core.rules.routing import Attempt
from relay import metering
from relay.admission import off_loop
from relay.counting import count_text
from relay.gate import Gate
from relay.metering import COUNTED, Measured
from relay.neutral import Usage
from relay.tab import Tab


class Account:
    """One connection's. ``open`` first; ``charge`` after each response, ``close`` at the end."""

    def __init__(self, gate: Gate, ask: Ask) -> None:
        self._tabs: list[Tab] = []
        """One for each response that is under way, at least one for the next."""
        self._gate = gate
        self.ask = ask
        self.upstream_model = ""
        self._attempt: Attempt | None = None
        self._transcriber: tuple[str, Price] | None = None

    async def open(self) -> Tab:
        """Check everything and hold; raises a Problem."""
        began = self._gate.clock()
        tab = Tab(self._gate, await self._gate.ledger.admit(self.ask), began)
        self._tabs.append(tab)
        if self._attempt is not None:
            tab.tries(self._attempt, self.upstream_model)
        return tab

    async def cover(self, running: int) -> None:
        """Hold for each of so many responses that run at once; raises the Problem that ends the session."""
        while len(self._tabs) < running:
            self.ask = msgspec.structs.replace(
                self.ask, request_id=self._gate.ledger.next_request_id(), started_at=self._gate.tools.now()
            )
            await self.open()

    def served_by(self, attempt: Attempt, model: str) -> None:
        """The channel that serves this session, or tries to."""
        self._attempt, self.upstream_model = attempt, model
        for tab in self._tabs:
            tab.tries(attempt, model)

    async def charge(self, usage: Usage | None, said: list[str], running: int = 1) -> None:
        """A response is over: pay, and hold for those that still run, or else for the next one. As ``cover``."""
        if self._tabs:  # else a hold was refused: the session is about to end
            await self._settle(usage, said)
            await self.cover(max(1, running))

    async def transcribes(self, model: str | None) -> None:
        """What the caller says is written down by ``model`` from now on; raises a Problem if it may not be."""
        if model is None or (self._transcriber and self._transcriber[0] == model):
            return
        listing = await self._gate.ledger.identify(self.ask)
        ask = msgspec.structs.replace(self.ask, model=model)
        self._transcriber = model, price_for(ask, listing.holder, listing.snapshot, self._gate.tools.now())

    async def charge_transcript(self, usage: Usage, running: int) -> None:
        """Something was written down: as :meth:`charge`, at that model's own price."""
        if not self._tabs or self._transcriber is None:
            return
        model, price = self._transcriber
        tab = self._tabs[0]
        ask = msgspec.structs.replace(tab.grant.ask, model=model)
        tab.grant = msgspec.structs.replace(tab.grant, ask=ask, price=price)
        tab.upstream_model = model
        await self.charge(usage, [], running)

    async def close(self, said: list[str], status: int, problem: Problem | None) -> None:
        """The session is over; ``said`` is what came of responses that nobody will hear the end of."""
        while self._tabs:
            await self._settle(None, said, status, problem)
            said = []

    def drop(self) -> None:
        """The net under every way out."""
        for tab in self._tabs:
            tab.close()

    async def _settle(
        self, usage: Usage | None, said: list[str], status: int = 200, problem: Problem | None = None
    ) -> None:
        tab = self._tabs.pop(0)  # at once: nobody else settles it for less while texts are counted
        try:
            if usage is not None:
                tab.measured = metering.of_usage(usage)
            elif said:
                text = "".join(said)
                tokens = await off_loop(len(text) * 10, lambda: count_text(text, self.ask.model))
                tab.measured = Measured(Counts(output=tokens), (COUNTED,))
            await tab.settle(status, problem)
        finally:
            tab.close()
