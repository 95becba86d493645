"""Balance look-ups that clients of this family of gateways make; amounts in USD, as the admin set a credit's worth."""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.services.ledger import Listing
from relay.routes import Route


def subscription(listing: Listing, route: Route, now: int) -> bytes:
    """What the token may spend in all: its quota, or without one what its user has."""
    limit = _usd(listing, _granted(listing))
    body: dict[str, Any] = {
        "object": "billing_subscription",
        "has_payment_method": True,
        "soft_limit_usd": limit,
        "hard_limit_usd": limit,
        "system_hard_limit_usd": limit,
        "access_until": (listing.holder.expires_at or 0) // 1000,
    }
    return msgspec.json.encode(body)


def usage(listing: Listing, route: Route, now: int) -> bytes:
    """What the token has spent, in hundredths of a USD."""
    return msgspec.json.encode({"object": "list", "total_usage": _usd(listing, listing.holder.used) * 100})


def token_usage(listing: Listing, route: Route, now: int) -> bytes:
    """The token's quota in credits."""
    holder = listing.holder
    granted = _granted(listing)
    data = {
        "object": "token_usage",
        "name": holder.hint,
        "total_granted": granted,
        "total_used": holder.used,
        "total_available": max(0, granted - holder.used),
        "unlimited_quota": holder.quota is None,
        "model_limits": {name: True for name in holder.allowed_models},
        "model_limits_enabled": bool(holder.allowed_models),
        "expires_at": (holder.expires_at or 0) // 1000,
    }
    return msgspec.json.encode({"code": True, "message": "ok", "data": data})


def _granted(listing: Listing) -> int:
    holder = listing.holder
    return holder.used + max(0, holder.available) if holder.quota is None else holder.quota


def _usd(listing: Listing, credits: int) -> float:
    return credits / listing.snapshot.options.credits_per_usd
