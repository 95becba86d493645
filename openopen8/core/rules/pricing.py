"""What a request costs: counts times ratios times the group's ratio, rounded up once, with a receipt."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, Context, Decimal, Inexact
from typing import Any

MAX_CREDITS = 9_000_000_000_000_000
"""The largest number of credits anywhere: exact in JSON numbers of every client (below 2^53)."""

_EXACT = Context(prec=60, traps=[Inexact])
_UP = Context(prec=60, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class Counts:
    """Disjoint token counts of one answer; every bucket is at least 0.

    ``input`` excludes what was read from a cache, ``output`` excludes reasoning.
    """

    input: int = 0
    cache_read: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total_input(self) -> int:
        """Input as OpenAI counts it: cached tokens included."""
        return self.input + self.cache_read

    @property
    def total_output(self) -> int:
        """Output as OpenAI counts it: reasoning tokens included."""
        return self.output + self.reasoning


BUCKETS: tuple[str, ...] = tuple(field.name for field in fields(Counts))


@dataclass(frozen=True, slots=True)
class Price:
    """One price row: credits per token by bucket, or credits per call.

    Unset ratios follow: ``cache_read`` from ``input``, ``reasoning`` from ``output``.
    """

    id: int
    model: str
    valid_from: int
    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    cache_read: Decimal | None = None
    reasoning: Decimal | None = None
    per_call: Decimal | None = None

    def ratio(self, bucket: str) -> Decimal:
        """Credits for one token of ``bucket``."""
        own: Decimal | None = getattr(self, bucket)
        if own is not None:
            return own
        return self.output if bucket == "reasoning" else self.input

    @property
    def free(self) -> bool:
        """True when no request can cost anything at this price."""
        if self.per_call is not None:
            return self.per_call == 0
        return all(self.ratio(bucket) == 0 for bucket in BUCKETS)


UNPRICED = Price(id=0, model="", valid_from=0)
"""Stands in for a missing price where the admin allows unpriced models: everything costs 0."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a receipt: ``count`` × ``ratio`` = ``credits`` before the group's ratio."""

    bucket: str
    count: int
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a charge came about; the lines times ``group_ratio``, rounded up, are ``credits``."""

    credits: int
    group_ratio: Decimal
    price_id: int
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The receipt as the log keeps it; ratios are decimal texts."""
        return {
            "lines": [{"bucket": x.bucket, "count": x.count, "ratio": plain(x.ratio)} for x in self.lines],
            "group_ratio": plain(self.group_ratio),
            "price_id": self.price_id,
            "credits": self.credits,
            "notes": list(self.notes),
        }


def plain(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def price_of(counts: Counts, price: Price, group_ratio: Decimal, notes: tuple[str, ...] = ()) -> Receipt:
    """The receipt of one answer. Exact decimals throughout, one rounding (up) at the end."""
    lines = _lines(counts, price)
    total = Decimal(0)
    for line in lines:
        total = _EXACT.add(total, _EXACT.multiply(Decimal(line.count), line.ratio))
    credits = int(_EXACT.multiply(total, group_ratio).to_integral_value(context=_UP, rounding=ROUND_CEILING))
    return Receipt(min(credits, MAX_CREDITS), group_ratio, price.id, lines, notes)


def _lines(counts: Counts, price: Price) -> tuple[Line, ...]:
    if price.per_call is not None:
        return (Line("call", 1, price.per_call),)
    rows = ((bucket, getattr(counts, bucket)) for bucket in BUCKETS)
    return tuple(Line(bucket, count, price.ratio(bucket)) for bucket, count in rows if count)


def price_at(rows: tuple[Price, ...], now: int) -> Price | None:
    """Of one model's rows, sorted by ``valid_from``, the one that holds at ``now`` (ms)."""
    current = None
    for row in rows:
        if row.valid_from > now:
            break
        current = row
    return current
