"""Counts tokens locally: for holds, and where an upstream reports no usage."""

from __future__ import annotations

from functools import cache
from typing import Protocol

_CL100K = ("gpt-4", "gpt-3.5", "text-embedding-")
_NOT_CL100K = ("gpt-4o", "gpt-4.1", "gpt-4.5")


_loaded: set[str] = set()


class _Tokenizer(Protocol):
    def count(self, text: str) -> int: ...


@cache
def _tokenizer(encoding: str) -> _Tokenizer:
    # Imported at the first use, so that processes which never count do not carry the vocabularies.
    import quicktok  # type: ignore[import-untyped,unused-ignore]

    tokenizer: _Tokenizer = quicktok.get_encoding(encoding)
    _loaded.add(encoding)
    return tokenizer


def _encoding(model: str) -> str:
    old = model.startswith(_CL100K) and not model.startswith(_NOT_CL100K)
    return "cl100k_base" if old else "o200k_base"


def ready(model: str = "") -> bool:
    """False when counting for ``model`` would first load a vocabulary: a few tenths of a second, for a thread."""
    return _encoding(model) in _loaded


def count_text(text: str, model: str = "") -> int:
    """Tokens of ``text``: exact for OpenAI's models, a fair estimate for others. Never raises.

    Names of special tokens count as the plain text they are; a lone surrogate counts as "?".
    """
    if not text:
        return 0
    tokenizer = _tokenizer(_encoding(model))
    try:
        return tokenizer.count(text)
    except (TypeError, UnicodeError):
        return tokenizer.count(text.encode("utf-8", "replace").decode())
