"""Whole numbers as people type them."""

from __future__ import annotations

SEPARATORS = str.maketrans("", "", ",_ '\u00a0\u202f")


def whole(text: str) -> int | None:
    """``100,000`` or ``100 000`` as a number from 0 on; None for anything else."""
    digits = text.strip().translate(SEPARATORS)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 16 else None
