"""Lenient looks into what Gemini's API sends; its servers and clients know two spellings of every field."""

from __future__ import annotations

import re
from typing import Any

FORMAT_NAME = "gemini"

OWN = "gemini"
"""The vendor's name in state and in ids of files."""

_NEWER = re.compile(r"gemini-(?:(?P<major>\d+)|[a-z-]*latest)")


def word(value: object) -> str:
    """``value`` if it is text."""
    return value if isinstance(value, str) else ""


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a list, as far as it is one."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inner(value: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside; empty where there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def snake(name: str) -> str:
    """The other spelling of a field."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def third(model: str) -> bool:
    """True for Gemini 3 and later, which differ from 2.5 in thinking, signatures and what results may hold."""
    found = _NEWER.search(model)
    return found is not None and int(found["major"] or 3) >= 3
