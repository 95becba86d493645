"""Ids of tool calls: made where a vendor gives none, changed where another refuses their form. All pure."""

from __future__ import annotations

import hashlib
import re

LONGEST = 40
"""Characters that OpenAI takes."""

_ANY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def made(request_id: str, call: int, choice: int = 0) -> str:
    """The id of the ``call``-th tool call in an answer; different in every answer."""
    tail = "".join(char for char in request_id if char.isascii() and char.isalnum())[-24:]
    return f"call_{tail}_{choice}_{call}" if choice else f"call_{tail}_{call}"


def placed(turn: int, call: int) -> str:
    """The id of a call in a request whose format has none: by its place."""
    return f"call_{turn}_{call}"


def fitted(id: str, form: re.Pattern[str] = _ANY, longest: int = 64) -> str:
    """``id`` if it has the ``form`` that a vendor asks for; else another that is always the same for it."""
    if len(id) <= longest and form.fullmatch(id):
        return id
    digest = hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()
    return f"call_{digest[:24]}" if longest >= 29 else digest[:longest]
