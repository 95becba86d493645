"""Which channel a user's file goes to: one that serves the model that was named, else the first that takes files.

Always the same one, and there the same key, as long as it answers: a chat can name only files that lie together.
"""

from __future__ import annotations

from openopen8.core.errors import Problem
from openopen8.core.rules.access import model_allowed
from openopen8.core.rules.pricing import price_at
from openopen8.core.rules.routing import ENDPOINTS
from openopen8.core.services.ledger import Listing


def model_for_files(who: Listing, now: int) -> str:
    """A model that leads to the first channel with files of the token's group. Raises Problem 503."""
    snapshot, group = who.snapshot, who.group.id
    able = [p for p in snapshot.providers if group in p.groups and "files" in ENDPOINTS.get(p.type, frozenset())]
    for provider in sorted(able, key=lambda provider: -provider.priority):
        for model in provider.models:
            priced = snapshot.options.allow_unpriced_models or price_at(snapshot.prices.get(model, ()), now)
            if priced and model_allowed(model, who.holder.allowed_models):
                return model
    told = "No channel that this token may use takes files. Send the file itself with the request that needs it."
    raise Problem(503, "no_available_channel", told, None, {"x-should-retry": "false"})


def first() -> float:
    """No lot is drawn."""
    return 0.0


def no_turns(channel_id: int) -> int:
    """Keys do not take turns."""
    return 0
