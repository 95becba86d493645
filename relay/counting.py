"""Counts tokens locally: for holds, and where an upstream reports no usage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

COUNTED_WHOLE = 4_000
"""Characters that are always counted to the last one: about 20 µs."""
_SLICES, _SLICE = 4, 500
_MARGIN = 1.05
"""A hold may be a little too large, but should not be too small."""

_CL100K = ("gpt-4", "gpt-3.5", "text-embedding-")
_NOT_CL100K = ("gpt-4o", "gpt-4.1", "gpt-4.5")


_loaded: set[str] = set()
_MOST_KNOWN = 50_000
_KNOWN: dict[str, dict[int, int]] = {"cl100k_base": {}, "o200k_base": {}}

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
    return _count(text, _encoding(model)) if text else 0


def _count(text: str, encoding: str) -> int:
    tokenizer = _tokenizer(encoding)
    try:
        return tokenizer.count(text)
    except (TypeError, UnicodeError):
        return tokenizer.count(text.encode("utf-8", "replace").decode())


def estimate(texts: Sequence[str], model: str = "") -> tuple[int, bool]:
    """Tokens of all texts, and whether they are extrapolated from a sample: a tenth of a megabyte counted whole
    takes longer than all else that a request needs."""
    size = sum(map(len, texts))
    if size <= COUNTED_WHOLE:
        return _counted(texts, _encoding(model)), False
    sample = "\n".join(_slices(texts, size))
    return int(count_text(sample, model) * size / len(sample) * _MARGIN) + 1, True


def _counted(texts: Sequence[str], encoding: str) -> int:
    """Tokens of short texts. Instructions and former turns come with each request of a conversation: their numbers
    are kept by the texts' hashes, so that nothing of what people write stays in memory."""
    known, total = _KNOWN[encoding], 0
    for text in texts:
        key = hash(text)
        number = known.get(key)
        if number is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            number = known[key] = _count(text, encoding)
        total += number
    return total


def _slices(texts: Sequence[str], size: int) -> list[str]:
    """Pieces from evenly spread places of the texts, as if those were one."""
    places = [(size - _SLICE) * nth // (_SLICES - 1) for nth in range(_SLICES)]
    found, begin = [], 0
    for text in texts:
        end = begin + len(text)
        while places and places[0] < end:
            at = places.pop(0) - begin
            found.append(text[at : at + _SLICE])
        begin = end
    return found
