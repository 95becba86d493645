"""What goes on at a provider after its request was answered: submitted, asked after, fetched."""

from __future__ import annotations

from relay.tasks.openai import OPENAI
from relay.tasks.vendor import Vendor

VENDORS: dict[str, Vendor] = {
    "openai": OPENAI,
    "sora": OPENAI,
}
"""Whose API a channel type's video tasks go to."""

__all__ = ["VENDORS", "Vendor"]
