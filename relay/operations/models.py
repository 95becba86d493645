"""Which models a token may use, in the form of OpenAI, Claude or Gemini."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.access import model_allowed
from openopen8.core.rules.pricing import price_at
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services.ledger import Listing
from relay.routes import CLAUDE, GEMINI, Route

UNKNOWN_DATE = "1970-01-01T00:00:00Z"
"""Claude's own word for a model whose release is not known."""


def visible(listing: Listing, now: int) -> list[str]:
    """Models with an enabled channel in the group, a price, and the token's leave; sorted."""
    snapshot, group = listing.snapshot, listing.group.id
    served = {model for p in snapshot.providers if group in p.groups for model in p.models}
    allowed = listing.holder.allowed_models
    return sorted(m for m in served if model_allowed(m, allowed) and _priced(m, snapshot, now))


def listed(listing: Listing, route: Route, now: int) -> bytes:
    """The whole list, on one page."""
    names = visible(listing, now)
    if route.format is GEMINI:
        return msgspec.json.encode({"models": [_gemini(name) for name in names]})
    if route.format is CLAUDE:
        return msgspec.json.encode(_claude_list(names))
    return msgspec.json.encode({"object": "list", "data": [_openai(name) for name in names]})


def one(listing: Listing, route: Route, now: int) -> bytes:
    """One model; 404 when the token may not use it or there is none."""
    name = route.model or ""
    if name not in visible(listing, now):
        told = f"Model {name[:256]!r} does not exist or this token may not use it."
        raise Problem(404, "model_not_found", told, "model")
    if route.format is GEMINI:
        return msgspec.json.encode(_gemini(name))
    return msgspec.json.encode(_claude(name) if route.format is CLAUDE else _openai(name))


def _priced(model: str, snapshot: Snapshot, now: int) -> bool:
    return snapshot.options.allow_unpriced_models or price_at(snapshot.prices.get(model, ()), now) is not None


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "openopen8"}


def _claude(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": UNKNOWN_DATE}


def _claude_list(names: Sequence[str]) -> dict[str, Any]:
    first, last = (names[0], names[-1]) if names else (None, None)
    return {"data": [_claude(name) for name in names], "has_more": False, "first_id": first, "last_id": last}


def _gemini(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "baseModelId": name,
        "version": "",
        "displayName": name,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
    }
