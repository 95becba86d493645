"""What a request costs: counts times ratios times the group's ratio, rounded up once, with a receipt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from openopen8.core.rules.rates import FREE, MOST_PLACES, WIDE, Rates, scaled
from openopen8.core.rules.receipt import Line, Receipt, plain
from openopen8.core.rules.usage import BUCKETS, NOTHING, Counts, Further, split

__all__ = [
    "BUCKETS", "LONG", "MAX_CREDITS", "NOTHING", "UNPRICED", "Counts", "Further", "Line", "Price", "Rates", "Receipt",
    "credits_of", "plain", "price_at", "price_of", "together",
]  # fmt: skip

MAX_CREDITS = 9_000_000_000_000_000
"""The largest number of credits anywhere: exact in JSON numbers of every client (below 2^53)."""

LONG = "long context"
"""The note of a request that was charged by the ratios for long inputs."""

USUAL_TIERS = frozenset(("", "auto", "default", "standard"))
"""Names of the service tier that a price's own ratios are for."""

KIND = re.compile(r"[a-z][a-z0-9_-]{0,39}")
"""Names of service tiers, tools and units."""

Named = tuple[tuple[str, Decimal], ...]


_TENS: tuple[int, ...] = tuple(10**places for places in range(2 * MOST_PLACES + 1))


@dataclass(frozen=True, slots=True)
class Price:
    """One price row: credits per token by bucket, or credits per call."""

    id: int
    model: str
    valid_from: int
    rates: Rates = FREE
    per_call: Decimal | None = None
    """Instead of everything else."""
    long_above: int | None = None
    """Requests with more input tokens than this, cached ones included, are charged by ``long`` as a whole."""
    long: Rates = FREE
    tiers: Named = ()
    """Factors on tokens, by the service tier that the answer names."""
    calls: Named = ()
    """Credits for a call of a server tool, by kind."""
    units: Named = ()
    """Credits for what is no token (``seconds``, ``characters``, …), by kind."""
    free: bool = field(init=False, repr=False, compare=False)
    """True when no request can cost anything at this price."""

    def __post_init__(self) -> None:
        ratios = list(self.rates.ratios.values())
        if self.long_above is not None:
            ratios += self.long.ratios.values()
        ratios += [ratio for _, ratio in (*self.calls, *self.units)]
        free = not any(ratios) if self.per_call is None else not self.per_call
        object.__setattr__(self, "free", free)

    @property
    def input(self) -> Decimal:
        """Credits for one token of fresh text."""
        return self.rates.input

    @property
    def output(self) -> Decimal:
        """Credits for one token of written text."""
        return self.rates.output

    def rates_for(self, total_input: int) -> Rates:
        """The ratios for a request with so many input tokens, cached ones included."""
        return self.rates if self.long_above is None or total_input <= self.long_above else self.long


UNPRICED = Price(id=0, model="", valid_from=0)
"""Stands in for a missing price where the admin allows unpriced models: everything costs 0."""


def price_of(
    counts: Counts,
    price: Price,
    group_ratio: Decimal,
    notes: tuple[str, ...] = (),
    further: Further = NOTHING,
    tier: str = "",
) -> Receipt:
    """The receipt of one answer. Exact throughout, one rounding (up) at the end."""
    if further is not NOTHING or tier or price.per_call is not None:
        return _in_full(counts, price, group_ratio, notes, further, tier)
    rates = price.rates
    if price.long_above is not None and counts.total_input > price.long_above:
        rates, notes = price.long, (*notes, LONG)
    (input, cache_read, output, reasoning), places = rates.scaled
    total = counts.input * input + counts.cache_read * cache_read
    total += counts.output * output + counts.reasoning * reasoning
    return Receipt(_credits(total, places, group_ratio), group_ratio, price.id, _lines(counts, rates), notes)


def together(receipts: Iterable[Receipt], price: Price, group_ratio: Decimal) -> Receipt:
    """One receipt of many answers at one price: lines of one bucket and ratio are one, rounded once."""
    counts: dict[tuple[str, Decimal], int] = {}
    notes: dict[str, None] = {}
    for receipt in receipts:
        notes |= dict.fromkeys(receipt.notes)
        for line in receipt.lines:
            key = (line.bucket, line.ratio)
            counts[key] = counts.get(key, 0) + line.count
    lines = [Line(bucket, count, ratio) for (bucket, ratio), count in counts.items()]
    return Receipt(_rounded(lines, group_ratio), group_ratio, price.id, tuple(lines), tuple(notes))


def credits_of(input: int, output: int, price: Price, group_ratio: Decimal) -> int:
    """The credits of :func:`price_of` for plain input and output, without a receipt: for holds."""
    if price.per_call is not None:
        return _in_full(Counts(), price, group_ratio, (), NOTHING, "").credits
    ratios, places = price.rates_for(input).scaled
    return _credits(input * ratios[0] + output * ratios[2], places, group_ratio)


def _credits(total: int, places: int, group_ratio: Decimal) -> int:
    (ratio,), more = scaled(group_ratio)
    return min(-(-total * ratio // _TENS[places + more]), MAX_CREDITS)


def _lines(counts: Counts, rates: Rates) -> tuple[Line, ...]:
    ratios, lines = rates.usual, []
    if counts.input:
        lines.append(Line("input", counts.input, ratios[0]))
    if counts.cache_read:
        lines.append(Line("cache_read", counts.cache_read, ratios[1]))
    if counts.output:
        lines.append(Line("output", counts.output, ratios[2]))
    if counts.reasoning:
        lines.append(Line("reasoning", counts.reasoning, ratios[3]))
    return tuple(lines)


def _in_full(
    counts: Counts, price: Price, group_ratio: Decimal, notes: tuple[str, ...], further: Further, tier: str
) -> Receipt:
    """The receipt with everything that a price and an answer may have."""
    if price.per_call is not None:
        lines = [Line("call", 1, price.per_call)]
    else:
        rates = price.rates_for(counts.total_input)
        factor, told = _factor(price, tier)
        notes = (*notes, *((LONG,) if rates is price.long and rates is not price.rates else ()), *told)
        ratios = rates.ratios
        lines = [Line(bucket, count, ratios[bucket]) for bucket, count in split(counts, further) if count]
        if factor is not None:
            lines = [Line(x.bucket, x.count, WIDE.multiply(x.ratio, factor)) for x in lines]
        lines += _by_kind("calls", further.calls, price.calls)
        lines += _by_kind("units", further.units, price.units)
    return Receipt(_rounded(lines, group_ratio), group_ratio, price.id, tuple(lines), notes)


def _rounded(lines: list[Line], group_ratio: Decimal) -> int:
    total = Decimal(0)
    for line in lines:
        total = WIDE.add(total, WIDE.multiply(line.ratio, line.count))
    return min(int(WIDE.multiply(total, group_ratio).to_integral_value(ROUND_CEILING)), MAX_CREDITS)


def _factor(price: Price, tier: str) -> tuple[Decimal | None, tuple[str, ...]]:
    """The factor of the tier that the answer names, and what the receipt notes about it."""
    if tier in USUAL_TIERS:
        return None, ()
    factor = dict(price.tiers).get(tier)
    shown = "".join(letter for letter in tier[:40] if letter.isprintable())
    if factor is None:
        return None, (f"service tier {shown}: no factor set",)
    return factor, (f"service tier {shown}: × {plain(factor)}",)


def _by_kind(group: str, counts: dict[str, int], ratios: Named) -> list[Line]:
    """A line for each kind, also where the price names none: a receipt hides nothing that was used."""
    if not counts:
        return []
    known = dict(ratios)
    return [
        Line(f"{group}.{kind if KIND.fullmatch(kind) else 'other'}", count, known.get(kind, Decimal(0)))
        for kind, count in sorted(counts.items())
        if count > 0
    ]


def price_at(rows: tuple[Price, ...], now: int) -> Price | None:
    """Of one model's rows, sorted by ``valid_from``, the one that holds at ``now`` (ms)."""
    current = None
    for row in rows:
        if row.valid_from > now:
            break
        current = row
    return current
