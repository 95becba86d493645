"""What one admitted request has come to so far, and the one settlement of it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.routing import Attempt
from openopen8.core.services.ledger import Bill, Settled
from relay.gate import Gate
from relay.metering import Measured, StreamMeter, nothing
from relay.upstream import Failure

LEFT = 499
"""Status in the log for a caller that left before the end of its answer."""


class Closing(Protocol):
    """An answer that is under way."""

    def close(self) -> None: ...


class Losing(Protocol):
    """A stream that is converted."""

    @property
    def losses(self) -> tuple[str, ...]: ...


class Tab:
    """Filled as the request goes on; :meth:`settle` may be called often, the first call counts."""

    __slots__ = (
        "_began", "_gate", "_paying", "_trail", "answer", "channel_id", "converting", "counting", "grant", "lasting",
        "losses", "measured", "meter", "retries", "upstream_model",
    )  # fmt: skip

    def __init__(self, gate: Gate, grant: Grant, began: float) -> None:
        self.grant = grant
        self.measured: Measured | None = None
        """Of an answer that is complete."""
        self.meter: StreamMeter | None = None
        """Of a stream that runs."""
        self.answer: Closing | None = None
        self.counting: asyncio.Task[int] | None = None
        """Counts the prompt's tokens to the last one, where admission went by a sample."""
        self.losses: tuple[str, ...] = ()
        self.converting: Losing | None = None
        """Of a stream in another format than its caller's: what it loses shows as it goes on."""
        self.lasting = False
        """True where what is not complete here goes on in the background and is charged at its own end."""
        self.channel_id = 0
        self.upstream_model = ""
        self.retries = 0
        self._gate = gate
        self._began = began
        self._trail: list[dict[str, Any]] | None = None
        self._paying: asyncio.Future[Settled] | None = None

    @property
    def paid(self) -> bool:
        """True once the settlement is under way."""
        return self._paying is not None

    def tries(self, attempt: Attempt, upstream_model: str) -> None:
        """An attempt begins."""
        self.retries = len(self._trail or ())
        self.channel_id = attempt.provider.id
        self.upstream_model = upstream_model

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        """The attempt failed; admins find it in the log."""
        if self._trail is None:
            self._trail = []
        self._trail.append(
            {
                "channel": attempt.provider.id,
                "key": attempt.key.id,
                "kind": failure.kind,
                "status": failure.status,
                "error": failure.message[:300],
            }
        )

    async def input_tokens(self) -> int:
        """The prompt's tokens, all counted."""
        return await self.counting if self.counting is not None else self.grant.ask.input_tokens

    def elapsed_ms(self) -> int:
        """Milliseconds since the request arrived."""
        return max(0, round((self._gate.clock() - self._began) * 1000))

    async def settle(self, status: int, problem: Problem | None = None) -> Settled:
        """Charge what came and write the log entry; the commit goes on when this is cancelled."""
        paying = self._paying
        if paying is None or paying.cancelled():
            # cancelled: whoever waited for it has gone; it is made all the same, and asked again not made twice
            paying = self._pay(status, problem)
        return await paying

    def stop(self) -> None:
        """Stop the upstream at once."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer.close()

    def close(self) -> None:
        """The net under every way out: the upstream is stopped, the hold is gone, also after an exception."""
        if self.counting is not None:
            self.counting.cancel()
        try:
            self.stop()
        finally:
            if self._paying is None:
                self._pay(LEFT, Problem(LEFT, "interrupted", "The request was interrupted."))

    def _pay(self, status: int, problem: Problem | None) -> asyncio.Future[Settled]:
        if self.lasting and problem is not None:
            return self.leave_open()
        if self.meter is not None:
            self._gate.ledger.untrack(self.grant.ask.request_id)
        error = f"{problem.code}: {problem.message}" if problem else ""
        self._paying = self._gate.ledger.settle(self._bill(status, error))
        return self._paying

    def leave_open(self) -> asyncio.Future[Settled]:
        """What is held stays held: whoever sees the end of the answer settles it."""
        self._gate.ledger.leave(self.grant.ask.request_id)
        self._paying = asyncio.get_running_loop().create_future()
        self._paying.set_result(Settled(0, 0))
        return self._paying

    def _bill(self, status: int, error: str) -> Bill:
        measured = self.measured
        if measured is None and self.meter is not None:
            measured = self.meter.measured(complete=False)
        return Bill(
            grant=self.grant,
            counts=measured.counts if measured else Counts(),
            receipt=measured.receipt(self.grant) if measured else nothing(self.grant),
            status=status,
            error=error[:1000],
            latency_ms=self.elapsed_ms(),
            first_token_ms=self.meter.first_token_ms if self.meter else None,
            channel_id=self.channel_id,
            upstream_model=self.upstream_model,
            retries=self.retries,
            details=self._details(measured),
        )

    def _details(self, measured: Measured | None) -> dict[str, Any]:
        found: dict[str, Any] = dict(measured.details) if measured and measured.details else {}
        if losses := (*self.losses, *(self.converting.losses if self.converting else ())):
            found["losses"] = list(dict.fromkeys(losses))
        if self._trail:
            found["attempts"] = self._trail
        return found
