"""Prices as the Prices page shows them: per token in credits, per million in USD, and what a request costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from openopen8.core.rules.pricing import Counts, Price, Rates, plain, price_of
from openopen8.core.services.prices import PriceView
from openopen8.state.worth import dollars

EXAMPLE = Counts(input=1_000, output=500)
"""The request that forms and lists reckon with."""
MILLION = 1_000_000


@dataclass(frozen=True)
class PriceLine:
    """One price; ``example`` in credits for EXAMPLE or for one call. status: current, upcoming or past."""

    id: int = 0
    model: str = ""
    per_call: bool = False
    input: str = ""
    output: str = ""
    cache_read: str = ""
    reasoning: str = ""
    usd_in: str = ""
    usd_out: str = ""
    usd_cache: str = ""
    example: str = ""
    worth: str = ""
    valid_from: int = 0
    status: str = ""
    long: bool = False
    tiers: bool = False
    tools: bool = False
    """Calls of tools, or units, have a price."""


@dataclass(frozen=True)
class Worked:
    """What the form's numbers mean; ``ready`` once they are numbers."""

    ready: bool = False
    usd_in: str = ""
    usd_out: str = ""
    credits_in: str = ""
    credits_out: str = ""
    cost: str = ""
    worth: str = ""


def line_of(view: PriceView, rate: int) -> PriceLine:
    """One line; ``rate`` = credits of one USD."""
    price = _price(view)
    cost = price_of(EXAMPLE, price, Decimal(1)).credits
    by_call = view.per_call is not None
    return PriceLine(
        id=view.id,
        model=view.model,
        per_call=by_call,
        input=grouped(view.per_call or view.input or "0"),
        output="" if by_call else grouped(view.output or "0"),
        cache_read=grouped(view.cache_read or ""),
        reasoning=grouped(view.reasoning or ""),
        usd_in="" if by_call else per_million(price.input, rate),
        usd_out="" if by_call else per_million(price.output, rate),
        usd_cache="" if view.cache_read is None else per_million(price.rates.ratios["cache_read"], rate),
        example=f"{cost:,}",
        worth=dollars(cost, rate),
        valid_from=view.valid_from,
        status=view.status,
        long=view.long_above is not None,
        tiers=bool(view.tiers),
        tools=bool(view.calls or view.units),
    )


def per_million(ratio: Decimal, rate: int) -> str:
    """Credits per token as USD per million tokens."""
    return dollars(int(ratio * MILLION), rate)


def grouped(text: str) -> str:
    """A decimal text with thousands separators."""
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}" if whole else ""


def number(text: str) -> Decimal | None:
    """A number that is 0 or more; a decimal comma is understood. None for anything else."""
    try:
        value = Decimal(plain_number(text))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < 10**12 else None


def plain_number(text: str) -> str:
    """``1,000.5`` and ``2,5`` as a decimal text: one comma without a point, not before three digits, is a point."""
    text = text.strip().replace(" ", "")
    head, comma, tail = text.partition(",")
    if comma and "." not in text and "," not in tail and (len(tail) != 3 or head in ("", "0")):
        return f"{head}.{tail}"
    return text.replace(",", "")


def to_credits(value: Decimal, unit: str, rate: int, by_call: bool) -> Decimal:
    """A number of the form in credits per token (or per call)."""
    if unit != "usd":
        return value
    return value * rate if by_call else value * rate / MILLION


def converted(text: str, unit: str, rate: int, by_call: bool) -> str:
    """``text`` of the other unit in ``unit``; what is no number stays as it is."""
    value = number(text)
    if value is None:
        return text
    factor = Decimal(rate) / (1 if by_call else MILLION)
    return plain(round(value / factor if unit == "usd" else value * factor, 12))


def worked(input: str, output: str, unit: str, rate: int) -> Worked:
    """The worked example of a price per token."""
    asked, told = number(input), number(output)
    if asked is None or told is None:
        return Worked()
    price = Price(0, "", 0, Rates(to_credits(asked, unit, rate, False), to_credits(told, unit, rate, False)))
    cost = price_of(EXAMPLE, price, Decimal(1)).credits
    return Worked(
        True,
        per_million(price.input, rate),
        per_million(price.output, rate),
        plain(price.input),
        plain(price.output),
        f"{cost:,}",
        dollars(cost, rate),
    )


def worked_call(per_call: str, unit: str, rate: int) -> Worked:
    """The worked example of a price per call."""
    value = number(per_call)
    if value is None:
        return Worked()
    cost = price_of(EXAMPLE, Price(0, "", 0, per_call=to_credits(value, unit, rate, True)), Decimal(1)).credits
    return Worked(True, cost=f"{cost:,}", worth=dollars(cost, rate))


def _price(view: PriceView) -> Price:
    def ratio(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Price(
        view.id,
        view.model,
        view.valid_from,
        Rates(ratio(view.input) or Decimal(0), ratio(view.output) or Decimal(0), ratio(view.cache_read)),
        ratio(view.per_call),
    )
