"""How much Gemini thinks: in tokens up to 2.5, by level since 3. Source: https://ai.google.dev/gemini-api/docs/thinking"""

from __future__ import annotations

from typing import Any

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_TOKENS, Fields
from relay.formats.gemini.words import third
from relay.neutral import Effort, Reasoning, budget_of, effort_of

_EFFORTS: dict[str, Effort] = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high", "XHIGH": "xhigh"}

_LEVELS: dict[Effort, str] = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}

_PRO, _LITE, _FLASH = (128, 32_768), (512, 24_576), (1, 24_576)
"""The least and the most tokens that models think with."""


def parse_thinking(config: Fields | None) -> Reasoning | None:
    """``thinkingConfig``. A budget of -1 is the model's own choice."""
    if config is None:
        return None
    names = ("thinkingLevel", "thinking_level")
    path, level = config.spelling(*names), (config.text(*names) or "").upper()
    budget = config.integer("thinkingBudget", "thinking_budget", low=-1, high=MAX_TOKENS)
    shown = config.flag("includeThoughts", "include_thoughts")
    config.drop_rest()
    if level not in ("", "THINKING_LEVEL_UNSPECIFIED", *_EFFORTS):
        raise invalid(f"{path} must be one of {', '.join(_EFFORTS)}.", path)
    found = Reasoning(_EFFORTS.get(level), None if budget == -1 else budget, "auto" if shown else None)
    return None if found == Reasoning() else found


def render_thinking(reasoning: Reasoning | None, model: str, losses: dict[str, None]) -> dict[str, Any] | None:
    """The config for ``model``."""
    if reasoning is None:
        return None
    shown: dict[str, Any] = {}
    if reasoning.summary not in (None, "none") and not reasoning.off:
        shown["includeThoughts"] = True
    found = _level(reasoning, model, losses) if third(model) else _budget(reasoning, model, losses)
    return {**found, **shown} or None


def _level(reasoning: Reasoning, model: str, losses: dict[str, None]) -> dict[str, Any]:
    effort = effort_of(reasoning)
    if effort is None:
        return {}
    if reasoning.off:
        losses["reasoning"] = None  # these models always think, if little
    level = _LEVELS[effort]
    return {"thinkingLevel": "LOW" if level == "MINIMAL" and "pro" in model else level}


def _budget(reasoning: Reasoning, model: str, losses: dict[str, None]) -> dict[str, Any]:
    budget = budget_of(reasoning)
    if budget is None:
        # the only one that does not think unless it is told to; -1 leaves the amount to it
        return {"thinkingBudget": -1} if "lite" in model else {}
    least, most = _PRO if "pro" in model else _LITE if "lite" in model else _FLASH
    if budget == 0 and least != _PRO[0]:
        return {"thinkingBudget": 0}
    fitted = min(max(budget, least), most)
    if fitted != budget and (reasoning.effort is None or budget == 0):
        losses["reasoning"] = None
    return {"thinkingBudget": fitted}
