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
    input, write, hour, audio, image = _taken_out(
        counts.input, further.cache_write_5m, further.cache_write_1h, further.input_audio, further.input_image
    )
    read, heard, seen = _taken_out(counts.cache_read, further.cached_audio, further.cached_image)
    output, spoken, drawn = _taken_out(counts.output, further.output_audio, further.output_image)
    return (
        ("input", input),
        ("cache_write", write),
        ("cache_write_1h", hour),
        ("input_audio", audio),
        ("input_image", image),
        ("cache_read", read),
        ("cache_read_audio", heard),
        ("cache_read_image", seen),
        ("output", output),
        ("output_audio", spoken),
        ("output_image", drawn),
        ("reasoning", counts.reasoning),
    )


def _taken_out(left: int, *parts: int) -> list[int]:
    """What is left of a bucket, and its parts."""
    found = [left]
    for wanted in parts:
        part = min(wanted, left) if wanted > 0 else 0
        left -= part
        found.append(part)
    found[0] = left
    return found
