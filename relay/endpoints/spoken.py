"""An endpoint in the words of channels that speak another format than its callers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay.formats.format import Asked, Format, Glance, Rendered
from relay.neutral import Answer


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where such channels have the endpoint, and both translations.

    ``format`` reads what they answer (``parse_response``, ``parse_error``).
    """

    format: Format
    path: str
    request: Callable[[bytes, Glance, str], Rendered]
    """From the caller's body, what was seen of it, and the upstream's name of the model. Raises Problem 400."""
    answer: Callable[[Answer, bytes, Asked], Rendered]
    """From what was read of the answer, and its bytes. Raises Problem for an answer that has no such form."""
