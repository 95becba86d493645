"""What a suffix of a model's name asks for: ``-high``, ``-medium``, ``-low``, ``-thinking``, ``-thinking-N``,
``-nothinking``.

An exact model name goes first: the caller of :func:`suffixed` says which names there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from relay.neutral import Effort, Reasoning, Request

_EFFORTS: dict[str, Effort] = {"high": "high", "medium": "medium", "low": "low"}

_SUFFIX = re.compile(
    r"(?P<model>.+?)-(?:(?P<effort>high|medium|low)|(?P<off>nothinking)|thinking(?:-(?P<budget>\d{1,7}))?)"
)


class Suffixed(msgspec.Struct, frozen=True):
    """A model name without its suffix, and what the suffix asks for; None where there was none."""

    model: str
    reasoning: Reasoning | None = None


def suffixed(name: str, known: Callable[[str], bool]) -> Suffixed:
    """``name`` taken apart. It stays whole where it is ``known`` itself, or where what is left would not be."""
    if known(name):
        return Suffixed(name)
    match = _SUFFIX.fullmatch(name)
    if match is None or not known(match["model"]):
        return Suffixed(name)
    return Suffixed(match["model"], _asked(match))


def _asked(match: re.Match[str]) -> Reasoning:
    if match["off"]:
        return Reasoning("none")
    if match["effort"]:
        return Reasoning(_EFFORTS[match["effort"]])
    return Reasoning(budget=int(match["budget"])) if match["budget"] else Reasoning()


def with_reasoning(request: Request, asked: Suffixed) -> Request:
    """``request`` with what the suffix asks for, which goes before the body's own wish; the way to show stays."""
    if asked.reasoning is None:
        return msgspec.structs.replace(request, model=asked.model)
    summary = request.reasoning.summary if request.reasoning else None
    reasoning = msgspec.structs.replace(asked.reasoning, summary=summary)
    return msgspec.structs.replace(request, model=asked.model, reasoning=reasoning)
