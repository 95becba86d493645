"""Public list prices of providers, offline: what the package ``genai-prices`` has, in the terms of our price rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from openopen8.core.clock import to_datetime, to_ms

if TYPE_CHECKING:  # a package with 2,300 models: loaded when somebody looks at the list, never by the relay
    from genai_prices.types import ConditionalPrice, ModelInfo, PriceVariant, Provider

TOKENS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "input_audio",
    "input_image_mtok": "input_image",
    "cache_audio_read_mtok": "cache_read_audio",
    "cache_image_read_mtok": "cache_read_image",
    "output_audio_mtok": "output_audio",
    "output_image_mtok": "output_image",
}
"""USD per million tokens, by our bucket."""
CALLS = {"web_searches_kcount": ("web_search", 1_000), "storage_searches_kcount": ("file_search", 1_000)}
UNITS = {
    "audio_hours": ("seconds", 3_600),
    "input_audio_hours": ("seconds", 3_600),
    "input_mchars": ("characters", 1_000_000),
    "input_document_kpages": ("pages", 1_000),
}
"""Kind, and how many of it the listed price is for."""
TIERS = ("service_tier", "processing", "speed")
"""Contexts whose value is what answers name as their service tier."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A listed price from ``valid_from`` (ms) on, None = now: USD per million tokens, per call, per unit."""

    valid_from: int | None
    tokens: dict[str, Decimal]
    long_above: int | None = None
    long: dict[str, Decimal] = field(default_factory=dict)
    tiers: dict[str, Decimal] = field(default_factory=dict)
    calls: dict[str, Decimal] = field(default_factory=dict)
    units: dict[str, Decimal] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    """What our price rows can't say, by the list's own names."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of the list: what holds now, then what comes."""

    provider: str
    model: str
    offers: tuple[Offer, ...]


class PriceList:
    """The list as of a moment."""

    def __init__(self, providers: Iterable[Provider], now: int) -> None:
        self._providers = list(providers)
        self._now = to_datetime(now)

    def providers(self) -> tuple[tuple[str, int], ...]:
        """Each provider with the number of its models that have a price."""
        return tuple((x.id, sum(_priced(model) for model in x.models)) for x in self._providers)

    def of_provider(self, provider: str) -> tuple[Listed, ...]:
        """All models of one provider that have a price."""
        found = next((x for x in self._providers if x.id == provider), None)
        return tuple(self._listed(found, x) for x in found.models if _priced(x)) if found else ()

    def find(self, model: str, provider: str = "") -> Listed | None:
        """The price of a model by any of its names: at one provider, else at its maker, else where it is listed so."""
        for each in self._candidates(model, provider):
            info = each.find_model(model, all_providers=self._providers)
            if info is not None and _priced(info):
                return self._listed(each, info)
        return None

    def _candidates(self, model: str, provider: str) -> list[Provider]:
        if provider:
            return [x for x in self._providers if x.id == provider]
        makers = [x for x in self._providers if x.model_match is not None and x.model_match.is_match(model.lower())]
        return makers + [x for x in self._providers if any(info.id == model for info in x.models)]

    def _listed(self, provider: Provider, model: ModelInfo) -> Listed:
        dates = sorted({x for x in _dates(model) if x > self._now})
        offers = [_offer(model, self._now, None), *(_offer(model, date, to_ms(date)) for date in dates)]
        return Listed(provider.id, model.id, tuple(offers))


@lru_cache(maxsize=1)
def _of_package() -> list[Provider]:
    from genai_prices.data import providers

    return providers


def read(now: int) -> PriceList:
    """The list of the installed package."""
    return PriceList(_of_package(), now)


def _conditional(model: ModelInfo) -> list[ConditionalPrice]:
    from genai_prices.types import ConditionalPrice

    return model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]


def _priced(model: ModelInfo) -> bool:
    return any(vars(each.prices) for each in _conditional(model))


def _start(each: ConditionalPrice | PriceVariant) -> datetime | None:
    """When it begins to hold, or None where it always does; prices by time of day don't have a beginning."""
    date = getattr(each.constraint, "start_date", None)
    return None if date is None else datetime.combine(date, time.min, UTC)


def _by_day(each: ConditionalPrice | PriceVariant) -> bool:
    return each.constraint is not None and _start(each) is None


def _dates(model: ModelInfo) -> list[datetime]:
    starts = [_start(each) for each in (*_conditional(model), *(model.price_variants or ()))]
    return [start for start in starts if start is not None]


def _holds(each: ConditionalPrice | PriceVariant, at: datetime) -> bool:
    start = _start(each)
    return not _by_day(each) and (start is None or start <= at)


def _offer(model: ModelInfo, at: datetime, valid_from: int | None) -> Offer:
    rows = _conditional(model)
    prices = vars(next((x.prices for x in reversed(rows) if _holds(x, at)), rows[0].prices))
    left_out = ["prices by time of day"] if any(_by_day(x) for x in rows) else []
    tokens = {bucket: _base(prices[key]) for key, bucket in TOKENS.items() if key in prices}
    starts = sorted({tier.start for key in TOKENS for tier in _tiers(prices.get(key))})
    left_out += [f"prices above {start:,} tokens" for start in starts[1:]]
    tiers = _factors(model, prices, at, left_out)
    known = (*TOKENS, *CALLS, *UNITS)
    left_out += [key for key in prices if key not in known]
    return Offer(
        valid_from=valid_from,
        tokens={"input": Decimal(0), "output": Decimal(0)} | tokens,
        long_above=starts[0] if starts else None,
        long=_long(prices, starts[0]) if starts else {},
        tiers=tiers,
        calls={kind: _base(prices[key]) / per for key, (kind, per) in CALLS.items() if key in prices},
        units={kind: _base(prices[key]) / per for key, (kind, per) in UNITS.items() if key in prices},
        left_out=tuple(left_out),
    )


def _long(prices: dict[str, Any], start: int) -> dict[str, Decimal]:
    """All ratios of a long request, also those that are the same as of a short one."""
    found = {"input": Decimal(0), "output": Decimal(0)}
    for key, bucket in TOKENS.items():
        if key in prices:
            above = [tier.price for tier in _tiers(prices[key]) if tier.start == start]
            found[bucket] = above[0] if above else _base(prices[key])
    return found


def _factors(model: ModelInfo, prices: dict[str, Any], at: datetime, left_out: list[str]) -> dict[str, Decimal]:
    """Tiers whose prices are a multiple of the usual ones; where some differ the input and output decide."""
    found: dict[str, Decimal] = {}
    for variant in model.price_variants or ():
        name = next((variant.when[key] for key in TIERS if len(variant.when) == 1 and key in variant.when), "")
        given = vars(variant.prices)
        if not name:
            left_out.append("prices by " + ", ".join(variant.when))
        elif name in found or not given or not _holds(variant, at):
            continue
        else:
            factors = {key: _times(prices[key], given.get(key, prices[key])) for key in TOKENS if key in prices}
            main = {x for key in ("input_mtok", "output_mtok") for x in factors.get(key, ())[:1]}
            if len(main) != 1:
                left_out.append(f"tier {name}")
                continue
            (found[name],) = main
            if any({*each} - main for each in factors.values()):
                left_out.append(f"tier {name} of some kinds of tokens")
    return found


def _times(usual: Any, special: Any) -> list[Decimal]:
    """The factors between two prices: of short requests, then of long ones; what was free has none."""
    long = [tier.price for tier in _tiers(usual)]
    pairs = [(_base(usual), _base(special)), *zip(long, _prices(special), strict=False)]
    return [round(new / old, 6) for old, new in pairs if old]


def _base(price: Any) -> Decimal:
    base: Decimal = getattr(price, "base", price)
    return base


def _tiers(price: Any) -> list[Any]:
    return list(getattr(price, "tiers", ()))


def _prices(price: Any) -> list[Decimal]:
    """Of long requests; where there is one price for all, that one."""
    return [tier.price for tier in _tiers(price)] or [_base(price)]
