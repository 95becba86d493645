"""What an answer used, in disjoint counts."""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.usage import NOTHING, Counts, Further
from relay.neutral.value import Value

__all__ = ["NOTHING", "Further", "Usage"]


class Usage(Value, frozen=True):
    """Token counts of one answer as its vendor reported them, in disjoint buckets.

    ``inconsistent``: the report contradicted itself and was clamped; ``raw`` is the report as it came.
    ``tier`` is the service tier that the vendor says it charged, in OpenAI's words; empty: the usual one.
    ``partial``: told at the beginning of a stream, so that its output is still to be counted.
    """

    counts: Counts
    inconsistent: bool = False
    raw: bytes | dict[str, Any] | None = None
    further: Further = NOTHING
    tier: str = ""
    partial: bool = False
