"""What a suffix of a model's name asks for: ``-high``, ``-medium``, ``-low``, ``-thinking``, ``-thinking-N``,
``-nothinking``. Which names have one is decided at admission, see ``core.rules.suffixes``.
"""

from __future__ import annotations

import msgspec

from openopen8.core.rules.suffixes import split
from relay.neutral import Effort, Reasoning, Request, over

_EFFORTS: dict[str, Effort] = {"high": "high", "medium": "medium", "low": "low", "nothinking": "none"}


def wish(name: str, model: str) -> Reasoning | None:
    """What is asked for by the suffix that makes ``name`` of ``model``; None where there is none."""
    if name == model:
        return None
    found, suffix = split(name)
    if not suffix or found != model:
        return None
    if suffix in _EFFORTS:
        return Reasoning(_EFFORTS[suffix])
    budget = suffix.removeprefix("thinking").removeprefix("-")
    return Reasoning(budget=int(budget) if budget else None, summary="auto")


def with_reasoning(request: Request, asked: Reasoning) -> Request:
    """``request`` with what a suffix asks for, which goes before the body's own wish."""
    return msgspec.structs.replace(request, reasoning=over(asked, request.reasoning))
