"""Lenient looks at what vendors send: the value where it has the type, else nothing."""

from __future__ import annotations

from typing import Any


def word(value: object) -> str:
    """``value`` if it is text."""
    return value if isinstance(value, str) else ""


def table(value: object) -> dict[str, Any]:
    """``value`` if it is an object."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count(value: object) -> int | None:
    """``value`` if it is a whole number from 0."""
    return value if type(value) is int and value >= 0 else None
