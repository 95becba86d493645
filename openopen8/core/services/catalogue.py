"""Prices from the public list: seen first, then filled in. A list price becomes credits at the installation's rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlmodel import Session

from openopen8.core.errors import invalid
from openopen8.core.rules.pricing import KIND, plain
from openopen8.core.rules.roles import Actor, require_admin
from openopen8.core.services import journal, options, overview, price_list, prices
from openopen8.core.services.forms import RATIO_DECIMALS, Form, ModelNames
from openopen8.core.services.price_fields import VALUES, Values
from openopen8.core.services.price_list import Listed, Offer, PriceList
from openopen8.core.services.snapshot import bump
from openopen8.core.services.turn import take_turn
from openopen8.core.tools import Tools

MILLION = 1_000_000
FAR_OFF = 100
"""A price that is so many times the list's, or less than that part of it, is probably in another unit."""
_PLACES = Decimal(1).scaleb(-RATIO_DECIMALS)


class Choice(Form):
    """Which prices: of a provider, of models by name, of all models that channels serve; together they narrow."""

    provider: str = Field("", max_length=64, description="Of the list, such as openai, anthropic, google.")
    models: ModelNames = Field(default_factory=list, description="Names as callers send them.")
    served: bool = Field(False, description="Every model that an enabled channel serves.")
    search: str = Field("", max_length=256, description="A part of the model's name.")


class FillFields(Choice):
    """What is filled in."""

    new_only: bool = Field(False, description="Leave models alone that have a price.")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What filling in would do to one model. state: new, changed or unchanged; ratios as a price has them."""

    model: str
    provider: str
    listed_as: str
    state: str
    price: dict[str, Any]
    before: dict[str, Any] | None = None
    differs: tuple[str, ...] = ()
    """Fields in which the current price is another one."""
    later: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By moment (ms), prices that the list announces."""
    left_out: tuple[str, ...] = ()
    """What of the list's price is not in ``price``."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was done, by number of models."""

    new: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """A model's rows as the list has them, and which of them would be written."""

    name: str
    listed: Listed
    rows: tuple[tuple[int | None, Values], ...]
    missing: tuple[tuple[int | None, Values], ...]
    before: Values | None

    @property
    def state(self) -> str:
        if not self.missing:
            return "unchanged"
        return "new" if self.before is None else "changed"


def providers(tools: Tools, actor: Actor, listing: PriceList | None = None) -> tuple[tuple[str, int], ...]:
    """The list's providers, each with the number of its models."""
    require_admin(actor)
    return (listing or price_list.read(tools.now())).providers()


def preview(tools: Tools, actor: Actor, choice: Choice, listing: PriceList | None = None) -> tuple[Proposal, ...]:
    """What :func:`fill` would do, by model; nothing is changed."""
    require_admin(actor)
    rate, now = options.public(tools).credits_per_usd, tools.now()
    with tools.db.read() as session:
        plans = _plans(session, choice, listing or price_list.read(now), rate, now)
    return tuple(_proposal(plan) for plan in plans)


def fill(tools: Tools, actor: Actor, fields: FillFields, listing: PriceList | None = None) -> Filled:
    """Give the chosen models the list's prices, from now on and as announced; what holds until then stays."""
    require_admin(actor)
    rate, now = options.public(tools).credits_per_usd, tools.now()
    listing = listing or price_list.read(now)
    with tools.db.write() as session:
        take_turn(session, "prices")
        plans = _plans(session, fields, listing, rate, now)
        wanted = [x for x in plans if x.state == "new" or (x.state == "changed" and not fields.new_only)]
        for plan in wanted:
            for start, values in plan.missing:
                prices.put(session, plan.name, now if start is None else start, values, now)
        if wanted:
            bump(session)
            told = ", ".join(plan.name for plan in wanted)
            journal.admin(session, actor, now, f"filled in list prices of {told}")
    new = sum(plan.state == "new" for plan in wanted)
    return Filled(new, len(wanted) - new, len(plans) - len(wanted))


def far_off(
    tools: Tools, model: str, given: Mapping[str, Decimal | None], listing: PriceList | None = None
) -> dict[str, str]:
    """Of ``input`` and ``output`` (credits per token) those that are FAR_OFF the list's, with the list's as text."""
    found = (listing or price_list.read(tools.now())).find(model)
    if found is None:
        return {}
    rate = options.public(tools).credits_per_usd
    theirs = values_of(found.offers[0], rate)
    pairs = {name: (given.get(name), theirs[name]) for name in ("input", "output")}
    return {
        name: plain(listed)
        for name, (ours, listed) in pairs.items()
        if ours and listed and not Decimal(1) / FAR_OFF <= ours / listed <= FAR_OFF
    }


def values_of(offer: Offer, rate: int) -> Values:
    """A listed price in credits; ``rate`` = credits of one USD."""
    values: Values = dict.fromkeys(VALUES)
    values |= {bucket: _credits(usd, rate, MILLION) for bucket, usd in offer.tokens.items()}
    values["long_above"] = offer.long_above
    values["long"] = {bucket: _credits(usd, rate, MILLION) for bucket, usd in offer.long.items()} or None
    values["tiers"] = {name: _short(factor) for name, factor in offer.tiers.items() if KIND.fullmatch(name)} or None
    values["calls"] = {kind: _credits(usd, rate) for kind, usd in offer.calls.items()} or None
    values["units"] = {kind: _credits(usd, rate) for kind, usd in offer.units.items()} or None
    return values


def _credits(usd: Decimal, rate: int, per: int = 1) -> Decimal:
    return _short(usd * rate / per)


def _short(value: Decimal) -> Decimal:
    return Decimal(plain(value.quantize(_PLACES)))


def _plans(session: Session, choice: Choice, listing: PriceList, rate: int, now: int) -> list[_Plan]:
    found = _chosen(session, choice, listing)
    standing = prices.standing(session, list(found), now)
    return [_plan(name, listed, standing.get(name, {}), rate) for name, listed in sorted(found.items())]


def _chosen(session: Session, choice: Choice, listing: PriceList) -> dict[str, Listed]:
    names: Iterable[str] = choice.models
    if choice.served:
        served = overview.served(session)
        names = served & set(names) if choice.models else served
    elif not choice.models and not choice.provider:
        raise invalid("Name a provider or models, or choose all that are served.", "provider")
    if choice.models or choice.served:
        pairs = [(name, listing.find(name, choice.provider)) for name in names]
    else:
        pairs = [(listed.model, listed) for listed in listing.of_provider(choice.provider)]
    word = choice.search.strip().lower()
    return {name: listed for name, listed in pairs if listed is not None and word in name.lower()}


def _plan(name: str, listed: Listed, standing: Mapping[int | None, Values], rate: int) -> _Plan:
    rows = tuple((offer.valid_from, values_of(offer, rate)) for offer in listed.offers)
    missing = tuple((start, values) for start, values in rows if standing.get(start) != values)
    return _Plan(name, listed, rows, missing, standing.get(None))


def _proposal(plan: _Plan) -> Proposal:
    (_, now), *later = plan.rows
    before = plan.before
    return Proposal(
        model=plan.name,
        provider=plan.listed.provider,
        listed_as=plan.listed.model,
        state=plan.state,
        price=prices.shown(now),
        before=None if before is None else prices.shown(before),
        differs=() if before is None else tuple(name for name in VALUES if before[name] != now[name]),
        later={str(start): prices.shown(values) for start, values in later},
        left_out=tuple(dict.fromkeys(name for offer in plan.listed.offers for name in offer.left_out)),
    )
