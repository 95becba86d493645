"""Texts and token ids of an input, for counting."""

from __future__ import annotations

from typing import Any

from openopen8.core.errors import invalid


def texts_and_tokens(given: Any, path: str) -> tuple[list[str], int]:
    """A string, strings, token ids, lists of token ids, or objects with ``text``: the texts, and how many ids."""
    if isinstance(given, str):
        return [given], 0
    if not isinstance(given, list) or not given:
        raise invalid(f"{path} must be a string or a non-empty list.", path)
    texts: list[str] = []
    tokens = 0
    for at, item in enumerate(given):
        if isinstance(item, str):
            texts.append(item)
        elif _is_id(item):
            tokens += 1
        elif isinstance(item, list) and all(map(_is_id, item)):
            tokens += len(item)
        elif isinstance(item, dict):
            texts += [text] if isinstance(text := item.get("text"), str) else []
        else:
            raise invalid(f"{path}.{at} must be a string, token ids or an object.", f"{path}.{at}")
    return texts, tokens


def _is_id(item: Any) -> bool:
    return type(item) is int
