"""What a request costs: counts times ratios times the group's ratio, rounded up once, with a receipt."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from functools import lru_cache
from typing import Any

import msgspec

MAX_CREDITS = 9_000_000_000_000_000
"""The largest number of credits anywhere: exact in JSON numbers of every client (below 2^53)."""

_WIDE = Context(prec=200, traps=[Inexact])
_notes = msgspec.json.Encoder().encode


@lru_cache(maxsize=4096)
def _scaled(*values: Decimal) -> tuple[tuple[int, ...], int]:
    """Decimals as whole numbers of the same 10^-places: sums and products of those are exact, and quick."""
    places = max(0, *(-int(value.as_tuple().exponent) for value in values))
    return tuple(int(value.scaleb(places, _WIDE)) for value in values), places


@lru_cache(maxsize=256)
def _ten(places: int) -> int:
    return int(10**places)


class Counts(msgspec.Struct, frozen=True, gc=False):
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


BUCKETS: tuple[str, ...] = Counts.__struct_fields__


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
    ratios: tuple[Decimal, ...] = field(init=False, repr=False, compare=False)
    """Credits for one token of each of BUCKETS."""
    scaled: tuple[tuple[int, ...], int] = field(init=False, repr=False, compare=False)
    """The ratios, and last ``per_call``, as whole numbers of 10^-places; and the places."""
    free: bool = field(init=False, repr=False, compare=False)
    """True when no request can cost anything at this price."""

    def __post_init__(self) -> None:
        cache_read = self.input if self.cache_read is None else self.cache_read
        reasoning = self.output if self.reasoning is None else self.reasoning
        ratios = (self.input, cache_read, self.output, reasoning)
        object.__setattr__(self, "ratios", ratios)
        object.__setattr__(self, "scaled", _scaled(*ratios, self.per_call or Decimal(0)))
        free = not any(ratios) if self.per_call is None else not self.per_call
        object.__setattr__(self, "free", free)

    def ratio(self, bucket: str) -> Decimal:
        """Credits for one token of ``bucket``."""
        return self.ratios[BUCKETS.index(bucket)]


UNPRICED = Price(id=0, model="", valid_from=0)
"""Stands in for a missing price where the admin allows unpriced models: everything costs 0."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a receipt: ``count`` × ``ratio`` = ``credits`` before the group's ratio."""

    bucket: str
    count: int
    ratio: Decimal


class Receipt(msgspec.Struct, frozen=True, gc=False):
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

    def as_json(self, period_start: int) -> str:
        """The text of :meth:`as_dict` with the quota period that is charged; written out, since each request has one.

        Buckets and decimals have nothing to escape.
        """
        lines = ",".join(
            [f'{{"bucket":"{x.bucket}","count":{x.count},"ratio":"{plain(x.ratio)}"}}' for x in self.lines]
        )
        notes = _notes(self.notes).decode() if self.notes else "[]"
        return (
            f'{{"lines":[{lines}],"group_ratio":"{plain(self.group_ratio)}","price_id":{self.price_id},'
            f'"credits":{self.credits},"notes":{notes},"period_start":{period_start}}}'
        )


@lru_cache(maxsize=4096)
def plain(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def price_of(counts: Counts, price: Price, group_ratio: Decimal, notes: tuple[str, ...] = ()) -> Receipt:
    """The receipt of one answer. Exact throughout, one rounding (up) at the end."""
    (input, cache_read, output, reasoning, call), places = price.scaled
    if price.per_call is None:
        call = counts.input * input + counts.cache_read * cache_read
        call += counts.output * output + counts.reasoning * reasoning
    return Receipt(_credits(call, places, group_ratio), group_ratio, price.id, _lines(counts, price), notes)


def credits_of(input: int, output: int, price: Price, group_ratio: Decimal) -> int:
    """The credits of :func:`price_of` for plain input and output, without a receipt: for holds."""
    ratios, places = price.scaled
    total = ratios[4] if price.per_call is not None else input * ratios[0] + output * ratios[2]
    return _credits(total, places, group_ratio)


def _credits(total: int, places: int, group_ratio: Decimal) -> int:
    (ratio,), more = _scaled(group_ratio)
    return min(-(-total * ratio // _ten(places + more)), MAX_CREDITS)


def _lines(counts: Counts, price: Price) -> tuple[Line, ...]:
    if price.per_call is not None:
        return (Line("call", 1, price.per_call),)
    ratios, lines = price.ratios, []
    if counts.input:
        lines.append(Line("input", counts.input, ratios[0]))
    if counts.cache_read:
        lines.append(Line("cache_read", counts.cache_read, ratios[1]))
    if counts.output:
        lines.append(Line("output", counts.output, ratios[2]))
    if counts.reasoning:
        lines.append(Line("reasoning", counts.reasoning, ratios[3]))
    return tuple(lines)


def price_at(rows: tuple[Price, ...], now: int) -> Price | None:
    """Of one model's rows, sorted by ``valid_from``, the one that holds at ``now`` (ms)."""
    current = None
    for row in rows:
        if row.valid_from > now:
            break
        current = row
    return current
