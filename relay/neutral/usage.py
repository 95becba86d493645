"""What an answer used, in disjoint counts."""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.rules.pricing import Counts
from relay.neutral.value import Value


class Further(Value, frozen=True):
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


class Usage(Value, frozen=True):
    """Token counts of one answer as its vendor reported them, in disjoint buckets.

    ``inconsistent``: the report contradicted itself and was clamped; ``raw`` is the report as it came.
    ``tier`` is the service tier that the vendor says it charged, in OpenAI's words; empty: the usual one.
    """

    counts: Counts
    inconsistent: bool = False
    raw: bytes | dict[str, Any] | None = None
    further: Further = NOTHING
    tier: str = ""
