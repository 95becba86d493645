"""What admins set on a price: ratios per bucket, long inputs, service tiers, tools and units; or credits per call."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from openopen8.core.errors import invalid
from openopen8.core.rules.pricing import KIND
from openopen8.core.rules.rates import NAMES
from openopen8.core.services.forms import Form, ModelName, Moment, Patch, Ratio

RATIOS = (*NAMES, "per_call")
"""Fields that are one ratio each."""
BY_NAME = ("long", "tiers", "calls", "units")
"""Fields with a ratio by name."""
VALUES = (*RATIOS, "long_above", *BY_NAME)
"""All that a price row says, in the order of the forms."""

MOST_NAMES = 50
LARGEST_FACTOR = 1_000

Values = dict[str, Any]
"""By the names of VALUES: a Decimal, a number, a dict of Decimals; None where nothing is set."""


def pairs(value: Any) -> Any:
    """``a=1, b=2`` as a dict; commas and new lines divide."""
    if not isinstance(value, str):
        return value
    found: dict[str, str] = {}
    for part in value.replace("\n", ",").split(","):
        name, sign, ratio = part.partition("=")
        if not part.strip():
            continue
        if not sign or name.strip() in found:
            raise ValueError("Write each name once, with its number: name=2, other=0.5.")
        found[name.strip()] = ratio.strip()
    return found


def _kinds(value: dict[str, Decimal]) -> dict[str, Decimal]:
    for name in value:
        if not KIND.fullmatch(name):
            raise ValueError("A name has up to 40 small letters, digits, - and _, and begins with a letter.")
    return value


def _buckets(value: dict[str, Decimal]) -> dict[str, Decimal]:
    unknown = next((name for name in value if name not in NAMES), None)
    if unknown is not None:
        raise ValueError(f"The ratios are {', '.join(NAMES)}.")
    if not {"input", "output"} <= value.keys():
        raise ValueError("The price of long requests needs input and output.")
    return value


def _factors(value: dict[str, Decimal]) -> dict[str, Decimal]:
    if any(factor > LARGEST_FACTOR for factor in value.values()):
        raise ValueError(f"A factor is at most {LARGEST_FACTOR:,}.")
    return value



_Given = Annotated[dict[str, Ratio], BeforeValidator(pairs, json_schema_input_type=dict[str, str | float] | str)]
ByKind = Annotated[_Given, AfterValidator(_kinds), Field(max_length=MOST_NAMES)]
"""Credits by kind: a dict, or a text like ``web_search=5000, file_search=1250``."""
Factors = Annotated[ByKind, AfterValidator(_factors)]
ByBucket = Annotated[_Given, AfterValidator(_buckets)]
Above = Annotated[int, Field(ge=1, le=2**31)]


class PriceFields(Form):
    """A price: ``input`` and ``output`` in credits per token, or ``per_call`` in credits per call."""

    model: ModelName
    input: Ratio | None = Field(None, description="Credits per input token.")
    output: Ratio | None = Field(None, description="Credits per output token.")
    cache_read: Ratio | None = Field(None, description="Credits per input token read from a cache; null = input.")
    cache_write: Ratio | None = Field(
        None, description="Credits per input token written to a cache, where the provider tells; null = input."
    )
    cache_write_1h: Ratio | None = Field(
        None, description="The same where the cache keeps it for an hour or longer; null = cache_write."
    )
    reasoning: Ratio | None = Field(None, description="Credits per reasoning token; null = output.")
    input_audio: Ratio | None = Field(None, description="Credits per input token of audio; null = input.")
    input_image: Ratio | None = Field(None, description="Credits per input token of images; null = input.")
    cache_read_audio: Ratio | None = Field(
        None, description="Credits per token of audio read from a cache; null = cache_read, else input_audio."
    )
    cache_read_image: Ratio | None = Field(
        None, description="Credits per token of images read from a cache; null = cache_read, else input_image."
    )
    output_audio: Ratio | None = Field(None, description="Credits per output token of audio; null = output.")
    output_image: Ratio | None = Field(None, description="Credits per output token of images; null = output.")
    long_above: Above | None = Field(
        None, description="Requests with more input tokens, cached ones included, are charged by `long` as a whole."
    )
    long: ByBucket | None = Field(None, description="Ratios of long requests by bucket; needs input and output.")
    tiers: Factors | None = Field(
        None, description="Factors on all tokens by the service tier that the answer names, such as flex or priority."
    )
    calls: ByKind | None = Field(
        None, description="Credits per call of a provider's tool: web_search, file_search, code_interpreter, …"
    )
    units: ByKind | None = Field(
        None, description="Credits for what is no token: seconds, characters, images, pages, search_units, …"
    )
    per_call: Ratio | None = Field(None, description="Credits per call, instead of all others.")
    valid_from: Moment | None = Field(None, description="null = from now on.")


class PricePatch(Patch):
    """A change of a price, from now on: absent fields stay as they are."""

    input: Ratio | None = None
    output: Ratio | None = None
    cache_read: Ratio | None = None
    cache_write: Ratio | None = None
    cache_write_1h: Ratio | None = None
    reasoning: Ratio | None = None
    input_audio: Ratio | None = None
    input_image: Ratio | None = None
    cache_read_audio: Ratio | None = None
    cache_read_image: Ratio | None = None
    output_audio: Ratio | None = None
    output_image: Ratio | None = None
    long_above: Above | None = None
    long: ByBucket | None = None
    tiers: Factors | None = None
    calls: ByKind | None = None
    units: ByKind | None = None
    per_call: Ratio | None = None


def values_of(fields: PriceFields) -> Values:
    """What a form sets; an empty dict sets nothing."""
    return normal({name: getattr(fields, name) for name in VALUES})


def normal(values: Mapping[str, Any]) -> Values:
    """``values`` with None for every dict that is empty."""
    return {name: (value or None) if name in BY_NAME else value for name, value in values.items()}


def check_whole(values: Mapping[str, Any]) -> None:
    """A price is either per token (then input and output are needed) or per call; else a 400 at the field."""
    given = [name for name in VALUES if values[name] is not None]
    if "per_call" in given and len(given) > 1:
        raise invalid("A price is either per token or per call, not both.", "per_call")
    for name in ("input", "output"):
        if "per_call" not in given and name not in given:
            raise invalid("A price needs input and output, or per_call. A free model has 0.", name)
    if ("long" in given) != ("long_above" in given):
        missing = "long_above" if "long" in given else "long"
        raise invalid("The price of long requests needs long_above and its ratios.", missing)
