"""What credits are worth, as people read it, and what a user has."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from openopen8.core.models.account import Account
from openopen8.core.models.option import Option
from openopen8.core.rules.options import DEFAULTS
from openopen8.core.tools import Tools

PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Purse:
    """``balance`` in credits, ``rate`` = credits of one USD."""

    balance: int
    rate: int


def purse(tools: Tools, user_id: int) -> Purse:
    """The user's balance and the current rate, in one read."""
    with tools.db.read() as session:
        account = session.get(Account, user_id)
        rate = session.get(Option, "credits_per_usd")
        return Purse(account.balance if account else 0, int(rate.value) if rate else DEFAULTS.credits_per_usd)


def dollars(credits: int, rate: int) -> str:
    """``$0.025`` for 12,500 credits at 500,000 a dollar: two decimals from a dollar on, up to six below."""
    value = Decimal(credits) / rate
    if abs(value) >= 1 or value == 0:
        text = f"{abs(value):,.2f}"
    else:
        whole, _, cents = f"{abs(value).quantize(PLACES):f}".rstrip("0").partition(".")
        text = f"{whole}.{cents:0<2}"
    return f"-${text}" if value < 0 else f"${text}"
