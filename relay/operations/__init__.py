"""What is not chat: lists of models, balance look-ups."""

from __future__ import annotations

from collections.abc import Callable

from openopen8.core.services.ledger import Listing
from relay.operations import billing, models
from relay.routes import Operation, Route

Look = Callable[[Listing, Route, int], bytes]
"""``(who looks, what at, now in ms)`` → a JSON body; raises a Problem."""

OPERATIONS: dict[Operation, Look] = {
    "models": models.listed,
    "model": models.one,
    "subscription": billing.subscription,
    "usage": billing.usage,
    "token_usage": billing.token_usage,
}
