"""An IP whitelist while it is typed: what each line means, or why it is none."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from openopen8.core.rules.access import normal_range, split_list
from openopen8.i18n import text

MOST_SHOWN = 20


@dataclass(frozen=True)
class Entry:
    """One entry: ``words`` says what it means; ``wrong`` when it is no address."""

    words: str = ""
    wrong: bool = False


def explain(typed: str, lang: str) -> list[Entry]:
    """Each entry of ``typed`` in the reader's words."""
    return [_entry(item, lang) for item in split_list(typed)[:MOST_SHOWN]]


def first_wrong(typed: str) -> str:
    """The first entry that is no address and no range, or ``""``."""
    return next((item for item in split_list(typed) if _normal(item) is None), "")


def _entry(item: str, lang: str) -> Entry:
    normal = _normal(item)
    if normal is None:
        return Entry(text("tokens.ip.wrong", lang, item=item[:60]), True)
    count = ipaddress.ip_network(normal).num_addresses
    if count == 1:
        return Entry(text("tokens.ip.one", lang, item=normal))
    return Entry(text("tokens.ip.range", lang, item=normal, n=amount(count, lang)))


def _normal(item: str) -> str | None:
    try:
        return normal_range(item)
    except ValueError:
        return None


def amount(count: int, lang: str) -> str:
    """``256``, ``16.7 million``, or a power of two."""
    if count < 1_000_000:
        return f"{count:,}"
    if count < 2**40:
        return f"{count // 10_000:,} 万" if lang == "zh" else f"{count // 100_000 / 10:,.1f} million"
    return f"2^{count.bit_length() - 1}"
