"""A model's price as people compare it: USD per million tokens."""

from __future__ import annotations

from decimal import Decimal

from openopen8.core.services.tokens import ModelChoice
from openopen8.i18n import text

MILLION = 1_000_000
CENT = Decimal("0.01")


def model_price(choice: ModelChoice, group_ratio: str, credits_per_usd: int, lang: str) -> str:
    """``$10 in · $30 out per million``, with the group's ratio in it; "" where no price is set."""
    factor = Decimal(group_ratio or "1")
    if choice.per_call:
        return text("tokens.price.call", lang, usd=_usd(Decimal(choice.per_call) * factor / credits_per_usd))
    if not choice.input:
        return text("tokens.price.none", lang)
    given = (Decimal(ratio) * factor * MILLION / credits_per_usd for ratio in (choice.input, choice.output))
    into, out = (_usd(value) for value in given)
    return text("tokens.price.tokens", lang, input=into, output=out)


def _usd(value: Decimal) -> str:
    if value and value < CENT:
        return f"${value.normalize():f}"[:10]
    text = f"{value:,.2f}"
    return "$" + (text[:-3] if text.endswith(".00") else text)
