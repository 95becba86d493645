"""How a charge came about, line by line: what the log keeps of it."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

_notes = msgspec.json.Encoder().encode


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a receipt: ``count`` × ``ratio`` = ``credits`` before the group's ratio."""

    bucket: str
    count: int
    ratio: Decimal


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """How a charge came about; the lines times ``group_ratio``, rounded up, are ``credits``."""

    credits: int
    group_ratio: Decimal
    price_id: int
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The receipt as the log keeps it; ratios are decimal texts."""
        return {
            "lines": [{"bucket": x.bucket, "count": x.count, "ratio": plain(x.ratio)} for x in self.lines],
            "group_ratio": plain(self.group_ratio),
            "price_id": self.price_id,
            "credits": self.credits,
            "notes": list(self.notes),
        }

    def as_json(self, period_start: int) -> str:
        """The text of :meth:`as_dict` with the quota period that is charged; written out, since each request has one.

        Buckets and decimals have nothing to escape.
        """
        lines = ",".join(
            [f'{{"bucket":"{x.bucket}","count":{x.count},"ratio":"{plain(x.ratio)}"}}' for x in self.lines]
        )
        notes = _notes(self.notes).decode() if self.notes else "[]"
        return (
            f'{{"lines":[{lines}],"group_ratio":"{plain(self.group_ratio)}","price_id":{self.price_id},'
            f'"credits":{self.credits},"notes":{notes},"period_start":{period_start}}}'
        )


@lru_cache(maxsize=4096)
def plain(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
