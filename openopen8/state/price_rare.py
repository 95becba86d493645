"""The rare fields of a price as the form holds them: texts by name, in the form's unit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from openopen8.core.rules.pricing import plain
from openopen8.core.rules.rates import NAMES
from openopen8.core.services.price_fields import pairs
from openopen8.core.services.prices import PriceView
from openopen8.state.price_rows import converted, number, plain_number, to_credits

COMMON = ("input", "output", "cache_read", "reasoning")
BUCKETS = tuple(name for name in NAMES if name not in COMMON)
LONG = tuple(f"long_{name}" for name in NAMES)
PAIRS = ("tiers", "calls", "units")
FIELDS = (*BUCKETS, "long_above", *LONG, *PAIRS)
NONE = dict.fromkeys(FIELDS, "")


def texts_of(view: PriceView) -> dict[str, str]:
    """The fields of a price, in credits."""
    found = {name: getattr(view, name) or "" for name in BUCKETS}
    found["long_above"] = "" if view.long_above is None else f"{view.long_above:,}"
    found |= {f"long_{name}": view.long.get(name, "") for name in NAMES}
    return found | {name: _joined(getattr(view, name)) for name in PAIRS}


def in_unit(texts: Mapping[str, str], unit: str, rate: int) -> dict[str, str]:
    """What is typed in the other unit, in ``unit``; what can't be read stays as it is."""
    found = dict(texts)
    for name in (*BUCKETS, *LONG):
        found[name] = converted(texts[name], unit, rate, False)
    for name in ("calls", "units"):
        read = _read(texts[name])
        if read is not None:
            found[name] = _joined({kind: converted(text, unit, rate, True) for kind, text in read.items()})
    return found


def data_of(texts: Mapping[str, str], unit: str, rate: int) -> tuple[dict[str, Any], list[str]]:
    """The fields as the service takes them, and the names of those that can't be read."""
    data: dict[str, Any] = {}
    wrong: list[str] = []
    above = plain_number(texts["long_above"])
    # without a threshold the ratios of long requests are out of sight, and mean nothing
    for name in (*BUCKETS, *LONG) if above else BUCKETS:
        value = number(texts[name])
        if value is not None:
            _put(data, name, plain(round(to_credits(value, unit, rate, False), 12)))
        elif texts[name].strip():
            wrong.append(name)
    if above.isdecimal() and len(above) < 15:
        data["long_above"] = int(above)
    elif above:
        wrong.append("long_above")
    for name in PAIRS:
        found = _credits(texts[name], "credits" if name == "tiers" else unit, rate)
        if found is None:
            wrong.append(name)
        elif found:
            data[name] = found
    return data, wrong


def place_of(field: str) -> str:
    """The form's field for one of the service's: ``long.input`` stands at ``long_input``."""
    head, _, rest = field.partition(".")
    if head == "long":
        return f"long_{rest or 'input'}"
    return head


def _put(data: dict[str, Any], name: str, ratio: str) -> None:
    if name in LONG:
        data.setdefault("long", {})[name.removeprefix("long_")] = ratio
    else:
        data[name] = ratio


def _credits(text: str, unit: str, rate: int) -> dict[str, str] | None:
    read = _read(text)
    if read is None:
        return None
    values = {name: number(value) for name, value in read.items()}
    if None in values.values():
        return None
    return {name: plain(round(to_credits(value or Decimal(0), unit, rate, True), 12)) for name, value in values.items()}


def _read(text: str) -> dict[str, str] | None:
    try:
        found: dict[str, str] = pairs(text)
    except ValueError:
        return None
    return found


def _joined(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
