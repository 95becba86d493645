"""What an answer came to: the upstream's usage, or our own count where there is none."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import NOTHING, Counts, Further, Receipt, price_of
from openopen8.core.rules.units import either
from openopen8.core.services.ledger import Progress
from relay.counting import count_text
from relay.formats.format import Tap
from relay.neutral import Answer, Usage

COUNTED = "counted locally"
CLAMPED = "usage contradicted itself"


class Measured(msgspec.Struct, frozen=True, gc=False):
    """The counts of an answer, what the receipt notes about them, and details for the log.

    ``further`` and ``tier`` are what prices may tell apart, see ``Usage``.
    """

    counts: Counts
    notes: tuple[str, ...] = ()
    details: dict[str, Any] | None = None
    further: Further = NOTHING
    tier: str = ""

    def receipt(self, grant: Grant) -> Receipt:
        """The charge on the terms of the grant."""
        counts, further = self.counts, self.further
        if further is not NOTHING and further.units:
            counts, further = either(grant.price, counts, further, COUNTED not in self.notes)
        return price_of(counts, grant.price, grant.ratio, self.notes, further, self.tier)

    def usage(self) -> Usage:
        """As usage for the caller, where the upstream gave none, or a part of it."""
        return Usage(self.counts, further=self.further, tier=self.tier)


def nothing(grant: Grant) -> Receipt:
    """The receipt of a request that is not charged."""
    return Receipt(0, grant.ratio, grant.price.id, ())


def of_answer(answer: Answer, model: str, input_tokens: int) -> Measured:
    """The counts of a whole answer; ``input_tokens`` is our own count for upstreams that report none."""
    if answer.usage is not None and _in_tokens(answer.usage):
        return of_usage(answer.usage, input_tokens)
    output = sum(count_text(text, model) for text in answer.texts)
    if answer.usage is None:
        return Measured(Counts(input=input_tokens, output=output), (COUNTED,))
    return _with_output(of_usage(answer.usage, input_tokens), output)


def _in_tokens(usage: Usage) -> bool:
    """False for usage in units alone (seconds): at a price per token only our own count tells what it costs."""
    return bool(usage.counts.total_output or usage.counts.total_input)


def _with_output(measured: Measured, counted: int) -> Measured:
    """With so many tokens of text as we have counted, where the usage tells of fewer."""
    if measured.counts.total_output >= counted:
        return measured
    counts = msgspec.structs.replace(measured.counts, output=counted - measured.counts.reasoning)
    notes = measured.notes if COUNTED in measured.notes else (*measured.notes, COUNTED)
    return msgspec.structs.replace(measured, counts=counts, notes=notes)


def with_units(measured: Measured, units: dict[str, int]) -> Measured:
    """With the units that were asked for, where the answer reported none."""
    if not units or measured.further.units:
        return measured
    return msgspec.structs.replace(measured, further=msgspec.structs.replace(measured.further, units=units))


def with_usage(answer: Answer, measured: Measured) -> Answer:
    """The answer with our own counts, for a caller whose format shows some."""
    return msgspec.structs.replace(answer, usage=measured.usage())


def of_usage(usage: Usage, input_tokens: int = 0) -> Measured:
    """The counts that the upstream reported; contradictions are noted and kept as they came.

    Where it leaves the prompt out, ``input_tokens``, our own count, stands in: no prompt is empty.
    """
    counts, further = usage.counts, usage.further
    notes: tuple[str, ...] = ()
    if input_tokens and not counts.input and not counts.cache_read:
        counts, notes = msgspec.structs.replace(counts, input=input_tokens), (COUNTED,)
    if further is not NOTHING and further == NOTHING:
        further = NOTHING  # nothing special under another name: the price's short way
    if not usage.inconsistent:
        return Measured(counts, notes, None, further, usage.tier)
    return Measured(counts, (CLAMPED, *notes), {"raw_usage": _plain(usage.raw)}, further, usage.tier)


def _plain(raw: bytes | dict[str, Any] | None) -> Any:
    if not isinstance(raw, bytes):
        return raw
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return raw[:2000].decode("utf-8", "replace")


class Facts(Protocol):
    """What is known of the attempt that answers."""

    @property
    def channel_id(self) -> int: ...
    @property
    def upstream_model(self) -> str: ...
    @property
    def retries(self) -> int: ...


class Heard(Protocol):
    """A stream under way, as far as a meter needs it."""

    tap: Tap
    first_token_at: float | None


class StreamMeter:
    """Measures a running stream. The ledger asks once a second, so counting costs the new text only."""

    def __init__(self, grant: Grant, stream: Heard, tab: Facts, began: float) -> None:
        self.input_tokens = grant.ask.input_tokens
        """Our own count, for upstreams that report none."""
        self._grant = grant
        self._stream = stream
        self._tap = stream.tap
        self._began = began
        self._channel_id = tab.channel_id
        self._upstream_model = tab.upstream_model
        self._retries = tab.retries
        self._counted = 0
        self._told: Counts | None = None

    @property
    def first_token_ms(self) -> int | None:
        """Milliseconds until the model first said something; None as long as it has not."""
        at = self._stream.first_token_at
        return None if at is None else max(0, round((at - self._began) * 1000))

    def measured(self, complete: bool) -> Measured:
        """What came so far; ``complete``: the upstream named its ending, so its usage is final."""
        units = self._grant.ask.units
        measured = self._measured(complete)
        return with_units(measured, units) if units and self._tap.first_token else measured

    def _measured(self, complete: bool) -> Measured:
        usage = self._tap.usage
        if usage is not None and complete and not usage.partial and _in_tokens(usage):
            return of_usage(usage, self.input_tokens)
        self._count()
        if usage is None:
            return Measured(Counts(input=self.input_tokens, output=self._counted), (COUNTED,))
        # an early report of a stream that was cut: what was delivered counts
        return _with_output(of_usage(usage, self.input_tokens), self._counted)

    def progress(self) -> Progress | None:
        """For the ledger: the charge so far; None when nothing is new."""
        measured = self.measured(complete=False)
        if measured.counts == self._told:
            return None
        self._told = measured.counts
        return Progress(
            measured.counts,
            measured.receipt(self._grant),
            self._channel_id,
            self._upstream_model,
            self.first_token_ms,
            self._retries,
        )

    def _count(self) -> None:
        if self._tap.text:
            self._counted += count_text("".join(self._tap.text), self._grant.ask.model)
            self._tap.clear_text()
