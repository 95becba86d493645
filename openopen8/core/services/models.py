"""Which models somebody can call, and at what price."""

from __future__ import annotations

from dataclasses import dataclass

from openopen8.core.models import User
from openopen8.core.rules.pricing import Price, plain, price_at
from openopen8.core.rules.roles import Actor
from openopen8.core.services import groups
from openopen8.core.services.snapshot import load_snapshot
from openopen8.core.tools import Tools


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model with its price before the group's ratio, as decimal texts; empty where none is set."""

    name: str
    input: str
    output: str
    per_call: str


def usable_models(tools: Tools, actor: Actor, group: str | None = None) -> tuple[ModelChoice, ...]:
    """Models with an enabled channel in ``group`` (None = the actor's own) and a price, by name."""
    with tools.db.read() as session:
        user = session.get(User, actor.user_id)
        if user is None:
            return ()
        group_id = groups.chosen(session, user, group) or user.group_id
    snapshot, now = load_snapshot(tools), tools.now()
    served = {model for provider in snapshot.providers if group_id in provider.groups for model in provider.models}
    priced = {model: price_at(snapshot.prices.get(model, ()), now) for model in sorted(served)}
    free = snapshot.options.allow_unpriced_models
    return tuple(_choice(model, price) for model, price in priced.items() if price is not None or free)


def _choice(model: str, price: Price | None) -> ModelChoice:
    if price is None:
        return ModelChoice(model, "", "", "")
    if price.per_call is not None:
        return ModelChoice(model, "", "", plain(price.per_call))
    return ModelChoice(model, plain(price.input), plain(price.output), "")
