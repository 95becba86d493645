"""Endpoints that a vendor has in a form of its own: from ours to its, and its answers back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relay.volley import Came, Joined


def alone(came: Sequence[Came]) -> bytes:
    """The one answer, which is in our form already."""
    return came[0].body


@dataclass(frozen=True, slots=True)
class Bridged:
    """Bodies in the vendor's form, the names of what they lost, and how their answers make one in our form."""

    bodies: tuple[bytes, ...]
    losses: tuple[str, ...] = ()
    joined: Joined = alone
    path: str = ""
    """Where the vendor has it for this model, if that is not where it has it for others."""


Bridge = Callable[[bytes], Bridged]
"""From a body in OpenAI's form (rerank: Cohere's first one, which is Jina's). Raises Problem 400."""
