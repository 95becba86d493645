"""What an answer used, as prices tell it apart: disjoint counts, and what is special about parts of them."""

from __future__ import annotations

import msgspec


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


class Further(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What prices may tell apart beyond ``Counts``.

    Each number is a part of a bucket of ``Counts``, never beside it: cache writes, audio and image input of
    ``input``, cached audio and images of ``cache_read``, audio and image output of ``output``; together they
    never exceed it. ``calls`` counts server tools by kind (``web_search``, …), ``units`` what is not tokens
    (``seconds``, ``characters``, ``images``, ``pages``).
    """

    cache_write_5m: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_audio: int = 0
    output_image: int = 0
    calls: dict[str, int] = msgspec.field(default_factory=dict)
    units: dict[str, int] = msgspec.field(default_factory=dict)


NOTHING = Further()
"""Nothing special about any token: the usual case."""


def split(counts: Counts, further: Further) -> tuple[tuple[str, int], ...]:
    """All tokens in the disjoint buckets of a price, in the order of a receipt.

    A part that claims more than its bucket has left gets what is left: no count is negative, no token counts twice.
    """
    found: list[tuple[str, int]] = []
    for whole, count, parts in (
        ("input", counts.input, (
            ("cache_write", further.cache_write_5m), ("cache_write_1h", further.cache_write_1h),
            ("input_audio", further.input_audio), ("input_image", further.input_image),
        )),
        ("cache_read", counts.cache_read, (
            ("cache_read_audio", further.cached_audio), ("cache_read_image", further.cached_image),
        )),
        ("output", counts.output, (("output_audio", further.output_audio), ("output_image", further.output_image))),
        ("reasoning", counts.reasoning, ()),
    ):  # fmt: skip
        found += _taken_out(whole, count, parts)
    return tuple(found)


def _taken_out(whole: str, count: int, parts: tuple[tuple[str, int], ...]) -> list[tuple[str, int]]:
    left, found = max(0, count), []
    for name, wanted in parts:
        part = min(max(0, wanted), left)
        left -= part
        found.append((name, part))
    return [(whole, left), *found]
