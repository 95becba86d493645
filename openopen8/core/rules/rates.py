"""Credits per token by bucket, exact: decimals, and the same as whole numbers for quick sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from functools import lru_cache

NAMES: tuple[str, ...] = (
    "input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "input_audio", "input_image",
    "cache_read_audio", "cache_read_image", "output_audio", "output_image",
)  # fmt: skip
"""Every bucket of tokens that a price may name, the common ones first."""

MOST_PLACES = 100
"""Stored ratios have far fewer; what somebody types into a form need not be exact beyond."""
WIDE = Context(prec=200, traps=[Inexact])
"""Multiplies ratios without rounding; raises where it would."""


@lru_cache(maxsize=4096)
def scaled(*values: Decimal) -> tuple[tuple[int, ...], int]:
    """Decimals as whole numbers of the same 10^-places: sums and products of those are exact, and quick."""
    places = min(max(0, *(-int(value.as_tuple().exponent) for value in values)), MOST_PLACES)
    return tuple(int(value.scaleb(places, WIDE)) for value in values), places


@dataclass(frozen=True, slots=True)
class Rates:
    """Credits for one token of each bucket.

    What is unset follows: cache reads and writes, audio and images the input; ``cache_write_1h`` the other write;
    cached audio and images ``cache_read``, where that is unset their own fresh ones; the rest the output.
    """

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    input_audio: Decimal | None = None
    input_image: Decimal | None = None
    cache_read_audio: Decimal | None = None
    cache_read_image: Decimal | None = None
    output_audio: Decimal | None = None
    output_image: Decimal | None = None
    ratios: dict[str, Decimal] = field(init=False, repr=False, compare=False)
    """By bucket, what is unset filled in."""
    usual: tuple[Decimal, Decimal, Decimal, Decimal] = field(init=False, repr=False, compare=False)
    """Of input, cache read, output and reasoning."""
    scaled: tuple[tuple[int, ...], int] = field(init=False, repr=False, compare=False)
    """The usual ones as whole numbers of 10^-places; and the places."""

    def __post_init__(self) -> None:
        audio, image = _or(self.input_audio, self.input), _or(self.input_image, self.input)
        write = _or(self.cache_write, self.input)
        ratios = {
            "input": self.input,
            "output": self.output,
            "cache_read": _or(self.cache_read, self.input),
            "cache_write": write,
            "cache_write_1h": _or(self.cache_write_1h, write),
            "reasoning": _or(self.reasoning, self.output),
            "input_audio": audio,
            "input_image": image,
            "cache_read_audio": _or(self.cache_read_audio, _or(self.cache_read, audio)),
            "cache_read_image": _or(self.cache_read_image, _or(self.cache_read, image)),
            "output_audio": _or(self.output_audio, self.output),
            "output_image": _or(self.output_image, self.output),
        }
        usual = (self.input, ratios["cache_read"], self.output, ratios["reasoning"])
        object.__setattr__(self, "ratios", ratios)
        object.__setattr__(self, "usual", usual)
        object.__setattr__(self, "scaled", scaled(*usual))


def _or(value: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if value is None else value


FREE = Rates()
"""Everything costs 0."""
