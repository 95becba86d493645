"""How much Claude is to think: budgets for its older models, efforts for the newer ones.

Source: https://platform.claude.com/docs/en/build-with-claude/thinking
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from openopen8.core.errors import invalid
from relay.formats.anthropic.models import Model
from relay.formats.anthropic.tools import forced
from relay.formats.anthropic.turns import thoughts_missing
from relay.formats.fields import MAX_TOKENS, Fields
from relay.neutral import EFFORTS, Effort, Reasoning, Request, budget_of, effort_of

LEAST = 1_024
"""The smallest budget that Claude takes."""

_USUAL = 8_192
"""The budget where the caller leaves it to a model that wants one."""

_SPOKEN = 8_192
"""Tokens left for the answer beside a budget, where the caller gives no limit."""

_MOST = 64_000
"""Tokens that all models with budgets can write."""

_OFF = frozenset(("disabled", "between_tools"))


def parse_reasoning(fields: Fields, config: Fields | None) -> Reasoning | None:
    """``thinking`` and ``output_config.effort``."""
    effort = config.text("effort") if config else None
    if effort is not None and effort not in EFFORTS:
        raise invalid(f"output_config.effort must be one of {', '.join(EFFORTS[2:])}.", "output_config.effort")
    thinking = fields.inner("thinking")
    kind = thinking.text("type") if thinking else None
    if thinking is None:
        return Reasoning(effort) if effort else None
    if kind in _OFF:
        if effort and config:
            config.lose("effort")
        thinking.drop_rest()
        return Reasoning("none")
    if kind not in ("enabled", "adaptive"):
        raise invalid("thinking.type must be enabled, adaptive, or disabled.", "thinking.type")
    budget = thinking.integer("budget_tokens", low=1, high=MAX_TOKENS)
    if kind == "enabled" and budget is None:
        raise invalid("thinking.budget_tokens must be an integer.", "thinking.budget_tokens")
    display = thinking.text("display")
    thinking.drop_rest()
    summary = {"omitted": "none", "summarized": "auto"}.get(display or "")
    return Reasoning(effort, budget, summary)


@dataclass(frozen=True, slots=True)
class Thinks:
    """What a request says about thinking; ``on``: it will be done, so that sampling is bound."""

    on: bool
    limit: int
    thinking: dict[str, Any] | None = None
    effort: str | None = None
    losses: tuple[str, ...] = ()


def render_reasoning(request: Request, model: Model) -> Thinks:
    """The fields about thinking, and the limit of tokens, which has to hold the budget."""
    limit, wish = request.max_tokens or model.longest, request.reasoning
    if wish is None:
        return Thinks(model.thinks_unasked, limit)
    if not model.thinks:
        return Thinks(False, limit, losses=() if wish.off else ("reasoning",))
    if wish.off:
        return _without(model, limit)
    if model.adaptive and (wish.budget is None or not model.budgets):
        effort = _effort(wish, model)
        # Where a tool has to be called, thinking is not asked for: Claude refuses both at once.
        if forced(request):
            lost = () if model.thinks_unasked else ("reasoning",)
            return Thinks(model.thinks_unasked, limit, effort=effort, losses=lost)
        return Thinks(True, limit, {"type": "adaptive", **_display(wish)}, effort)
    if forced(request) or thoughts_missing(request):
        return Thinks(False, limit, losses=("reasoning",))
    return _budgeted(wish, request.max_tokens, model)


def _without(model: Model, limit: int) -> Thinks:
    if model.always_thinks:
        return Thinks(True, limit, effort=model.efforts[0], losses=("reasoning",))
    return Thinks(False, limit, {"type": model.off} if model.off else None)


def _effort(wish: Reasoning, model: Model) -> str | None:
    """The smallest effort of the model's that is no less than the wish."""
    wanted = effort_of(wish)
    if wanted is None:
        return None
    return next((name for name in model.efforts if EFFORTS.index(cast(Effort, name)) >= EFFORTS.index(wanted)), None)


def _display(wish: Reasoning) -> dict[str, Any]:
    if wish.summary is None:
        return {}
    return {"display": "omitted" if wish.summary == "none" else "summarized"}


def _budgeted(wish: Reasoning, given: int | None, model: Model) -> Thinks:
    """A budget must be smaller than the limit; a caller's limit holds, and half of it is left for the answer."""
    budget = max(LEAST, budget_of(wish) or _USUAL)
    limit = given or min(_MOST, max(model.longest, budget + _SPOKEN))
    told = wish.budget is not None and budget > wish.budget
    if budget >= limit:
        budget, told = max(LEAST, limit // 2), wish.budget is not None
    if budget >= limit:
        return Thinks(False, limit, losses=("reasoning",))
    thinking = {"type": "enabled", "budget_tokens": budget}
    effort = _effort(wish, model) if wish.effort is not None else None
    return Thinks(True, limit, thinking, effort, ("reasoning",) if told else ())


def render_sampling(request: Request, model: Model, thinks: Thinks, losses: dict[str, None]) -> dict[str, Any]:
    """``temperature``, ``top_p`` and ``top_k`` as far as the model takes them. Claude's temperatures end at 1."""
    found = {name: value for name in ("temperature", "top_p", "top_k") if (value := getattr(request, name)) is not None}
    if found.get("temperature", 0) > 1:
        losses["temperature"] = None
        found["temperature"] = 1
    for name, value in list(found.items()):
        if not _sampled(name, value, model, thinks.on):
            del found[name]
            if name != "temperature" or value != 1:
                losses[name] = None
    if model.one_sampling and "temperature" in found and found.pop("top_p", None) is not None:
        losses["top_p"] = None
    return found


def _sampled(name: str, value: float, model: Model, thinking: bool) -> bool:
    if not model.samples:
        return False
    return not thinking or (name == "top_p" and 0.95 <= value <= 1)
