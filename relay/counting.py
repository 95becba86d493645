"""Counts tokens locally: for holds, and where an upstream reports no usage."""

from __future__ import annotations

from functools import cache

import quicktok

_OLD = ("gpt-4", "gpt-3.5", "text-embedding-3", "text-embedding-ada-002")
_NEW = ("gpt-4o", "gpt-4.1", "gpt-4.5")


@cache
def _tokenizer(encoding: str) -> quicktok.Tokenizer:
    # Loaded once, at the first use: the vocabularies are in the wheel, tens of milliseconds each.
    return quicktok.get_encoding(encoding)


@cache
def _encoding(model: str) -> str:
    return "cl100k_base" if model.startswith(_OLD) and not model.startswith(_NEW) else "o200k_base"


def count_text(text: str, model: str = "") -> int:
    """Tokens of ``text``: exact for OpenAI's models, a fair estimate for others. Never raises.

    The names of special tokens count as plain text; lone surrogates as replacement characters.
    """
    if not text:
        return 0
    tokenizer = _tokenizer(_encoding(model))
    try:
        return int(tokenizer.count(text))
    except (TypeError, UnicodeError):
        return int(tokenizer.count(text.encode("utf-8", "replace").decode()))
