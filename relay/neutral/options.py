"""Wishes about an answer that are more than a number."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from relay.neutral.value import Value

ShapeKind = Literal["object", "schema"]

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

_BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 65_536,
}
"""Up to ``high`` as Google maps them: https://ai.google.dev/gemini-api/docs/openai#thinking"""


class Reasoning(Value, frozen=True):
    """How much the model is to think before it answers; all None: as much as it finds right.

    ``budget`` is in tokens; 0 as well as the effort ``none`` mean: not at all. ``summary`` tells whether
    the thoughts are shown: ``none``, ``auto``, ``concise``, ``detailed``.
    """

    effort: Effort | None = None
    budget: int | None = None
    summary: str | None = None

    @property
    def off(self) -> bool:
        """True when no thinking is wanted."""
        return self.budget == 0 if self.effort is None else self.effort == "none"


class Shape(Value, frozen=True):
    """Structured output: any JSON object, or one that fits ``schema``."""

    kind: ShapeKind
    schema: dict[str, Any] | None = None
    name: str = ""
    description: str = ""
    strict: bool | None = None


class Voice(Value, frozen=True):
    """Spoken output. ``voice`` is a name, or the vendor's object for an own voice."""

    format: str
    voice: str | dict[str, Any]


def budget_of(reasoning: Reasoning) -> int | None:
    """Tokens to think with; None: the model decides."""
    if reasoning.budget is not None or reasoning.effort is None:
        return reasoning.budget
    return _BUDGETS[reasoning.effort]


def effort_of(reasoning: Reasoning) -> Effort | None:
    """The smallest effort that grants the budget; None: the model decides."""
    if reasoning.effort is not None or reasoning.budget is None:
        return reasoning.effort
    return next((name for name in EFFORTS if name != "minimal" and _BUDGETS[name] >= reasoning.budget), "max")


def over(asked: Reasoning, given: Reasoning | None) -> Reasoning:
    """What goes before the body's own wish, shown in the way that the body wishes."""
    shown = given.summary if given is not None and given.summary else asked.summary
    return msgspec.structs.replace(asked, summary=shown)
