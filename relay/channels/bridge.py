"""Endpoints that a vendor has in a form of its own: from ours to its, and its answer back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bridged:
    """A body in the vendor's form, and the names of what it lost."""

    body: bytes
    losses: tuple[str, ...] = ()
    answer: Callable[[bytes], bytes] | None = None
    """From the vendor's answer to ours; None where they agree. Raises Garbage."""


Bridge = Callable[[bytes], Bridged]
"""From a body in OpenAI's form (rerank: Cohere's first one, which is Jina's). Raises Problem 400."""
