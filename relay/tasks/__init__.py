"""What goes on at a provider after its request was answered: submitted, asked after, fetched."""

from __future__ import annotations

from relay.tasks.doubao import DOUBAO
from relay.tasks.gemini_batches import GEMINI
from relay.tasks.jimeng import JIMENG
from relay.tasks.kling import KLING
from relay.tasks.message_batches import CLAUDE
from relay.tasks.openai import OPENAI
from relay.tasks.vendor import Vendor
from relay.tasks.vidu import VIDU

VENDORS: dict[str, Vendor] = {
    "openai": OPENAI,
    "sora": OPENAI,
    "kling": KLING,
    "jimeng": JIMENG,
    "doubao": DOUBAO,
    "vidu": VIDU,
    "anthropic": CLAUDE,
    "gemini": GEMINI,
}
"""Whose API a channel type's tasks go to."""

__all__ = ["VENDORS", "Vendor"]
